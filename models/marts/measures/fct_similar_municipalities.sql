with levels as (
    select
        period_code,
        municipality_code,
        expected_source,
        expected_percentage
    from {{ ref('int_benefit_level__levels') }}
    where
        benefit_area_code = 'all'
        and expected_percentage is not null
),

periods as (
    select
        period_code,
        comparison_decimals,
        similar_municipality_count
    from {{ ref('int_benefit_level__periods') }}
),

period_sources as (
    select
        period_code,
        -- The published level where the period has one, else the model's.
        max(expected_source) as expected_source
    from levels
    group by period_code
),

chosen_levels as (
    select
        levels.period_code,
        levels.municipality_code,
        levels.expected_percentage
    from levels
    inner join period_sources
        on
            levels.period_code = period_sources.period_code
            and levels.expected_source = period_sources.expected_source
),

pairs as (
    select
        chosen_levels.period_code,
        chosen_levels.municipality_code,
        others.municipality_code as similar_municipality_code,
        round(
            abs(others.expected_percentage - chosen_levels.expected_percentage), periods.comparison_decimals
        ) as expected_percentage_difference,
        periods.similar_municipality_count
    from chosen_levels
    inner join chosen_levels as others
        on
            chosen_levels.period_code = others.period_code
            and chosen_levels.municipality_code <> others.municipality_code
    inner join periods
        on chosen_levels.period_code = periods.period_code
),

ranked_pairs as (
    select
        *,
        row_number() over (
            partition by
                period_code,
                municipality_code
            order by
                expected_percentage_difference,
                similar_municipality_code
        ) as similarity_rank
    from pairs
)

select
    period_code,
    municipality_code,
    cast(similarity_rank as integer) as similarity_rank,
    similar_municipality_code,
    expected_percentage_difference
from ranked_pairs
where similarity_rank <= similar_municipality_count
