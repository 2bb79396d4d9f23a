with periods as (
    select
        period_code,
        period_end_date,
        comparison_decimals
    from {{ ref('int_benefit_level__periods') }}
),

published as (
    select
        period_code,
        municipality_code,
        benefit_area_code,
        actual_full_time_persons,
        expected_full_time_persons,
        difference_full_time_persons,
        actual_percentage,
        expected_percentage,
        difference_percentage_points,
        published_benchmark_rank
    from {{ ref('stg_jobindsats__y30r21') }}
),

actuals as (
    select
        period_code,
        municipality_code,
        benefit_area_code,
        actual_full_time_persons,
        population_16_66
    from {{ ref('int_benefit_level__actuals') }}
),

fits as (
    select
        period_code,
        municipality_code,
        benefit_area_code,
        actual_percentage,
        expected_percentage,
        difference_percentage_points,
        difference_standard_error,
        difference_lower_95,
        difference_upper_95
    from {{ ref('int_benefit_level__fits') }}
),

unit_costs as (
    select
        benefit_area_code,
        unit_cost_dkk,
        valid_from_date,
        valid_to_date
    from {{ ref('unit_costs') }}
),

both_sources as (
    select
        period_code,
        municipality_code,
        benefit_area_code,
        'published' as expected_source,
        cast(actual_full_time_persons as double) as actual_full_time_persons,
        cast(expected_full_time_persons as double) as expected_full_time_persons,
        cast(difference_full_time_persons as double) as difference_full_time_persons,
        cast(actual_percentage as double) as actual_percentage,
        cast(expected_percentage as double) as expected_percentage,
        cast(difference_percentage_points as double) as difference_percentage_points,
        cast(null as double) as difference_standard_error,
        cast(null as double) as difference_lower_95,
        cast(null as double) as difference_upper_95,
        cast(published_benchmark_rank as integer) as published_benchmark_rank
    from published

    union all

    select
        fits.period_code,
        fits.municipality_code,
        fits.benefit_area_code,
        'model' as expected_source,
        actuals.actual_full_time_persons,
        fits.expected_percentage * actuals.population_16_66 / 100 as expected_full_time_persons,
        fits.difference_percentage_points * actuals.population_16_66 / 100 as difference_full_time_persons,
        fits.actual_percentage,
        fits.expected_percentage,
        fits.difference_percentage_points,
        fits.difference_standard_error,
        fits.difference_lower_95,
        fits.difference_upper_95,
        cast(null as integer) as published_benchmark_rank
    from fits
    inner join actuals
        on
            fits.period_code = actuals.period_code
            and fits.municipality_code = actuals.municipality_code
            and fits.benefit_area_code = actuals.benefit_area_code
),

-- Rounded, so that ties of the published two decimals go by municipality code and not by the noise of the arithmetic.
ranked as (
    select
        both_sources.*,
        periods.period_end_date,
        both_sources.expected_source = 'published'
        or not bool_or(both_sources.expected_source = 'published') over (
            partition by
                both_sources.period_code,
                both_sources.benefit_area_code
        ) as is_chosen_source,
        case
            when both_sources.difference_percentage_points is not null
                then
                    row_number() over (
                        partition by
                            both_sources.period_code,
                            both_sources.benefit_area_code,
                            both_sources.expected_source
                        order by
                            round(both_sources.difference_percentage_points, periods.comparison_decimals) nulls last,
                            both_sources.municipality_code
                    )
        end as benchmark_rank
    from both_sources
    inner join periods
        on both_sources.period_code = periods.period_code
)

select
    ranked.period_code,
    ranked.municipality_code,
    ranked.benefit_area_code,
    ranked.expected_source,
    ranked.is_chosen_source,
    ranked.actual_full_time_persons,
    ranked.expected_full_time_persons,
    ranked.difference_full_time_persons,
    ranked.actual_percentage,
    ranked.expected_percentage,
    ranked.difference_percentage_points,
    ranked.difference_standard_error,
    ranked.difference_lower_95,
    ranked.difference_upper_95,
    cast(ranked.benchmark_rank as integer) as benchmark_rank,
    ranked.published_benchmark_rank,
    ranked.difference_full_time_persons
    * {{ required_rule('unit_costs.unit_cost_dkk', "'unit cost of ' || ranked.benefit_area_code") }} as potential_dkk
from ranked
left join unit_costs
    on
        ranked.benefit_area_code = unit_costs.benefit_area_code
        and {{ in_force_on('ranked.period_end_date', 'unit_costs') }}
