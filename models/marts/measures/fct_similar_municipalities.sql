with levels as (
    select
        period_code,
        municipality_code,
        expected_percentage
    from {{ ref('int_benefit_level__levels') }}
    where
        benefit_area_code = 'all'
        and is_chosen_source
        and expected_percentage is not null
),

periods as (
    select
        period_code,
        comparison_decimals,
        similar_municipality_count
    from {{ ref('int_benefit_level__periods') }}
),

pairs as (
    select
        levels.period_code,
        levels.municipality_code,
        others.municipality_code as similar_municipality_code,
        round(
            abs(others.expected_percentage - levels.expected_percentage), periods.comparison_decimals
        ) as expected_percentage_difference,
        periods.similar_municipality_count
    from levels
    inner join levels as others
        on
            levels.period_code = others.period_code
            and levels.municipality_code <> others.municipality_code
    inner join periods
        on levels.period_code = periods.period_code
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
