with facts as (
    select
        period_code,
        municipality_code,
        benefit_area_code,
        expected_source,
        actual_full_time_persons,
        expected_full_time_persons,
        difference_full_time_persons,
        actual_percentage,
        expected_percentage,
        difference_percentage_points,
        difference_standard_error,
        difference_lower_95,
        difference_upper_95,
        benchmark_rank,
        published_benchmark_rank,
        potential_dkk
    from {{ ref('fct_benefit_levels') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

areas as (
    select
        benefit_area_code,
        label_da,
        label_en
    from {{ ref('benefit_areas') }}
    {{ newest_row('benefit_area_code') }}
)

select
    facts.period_code,
    facts.municipality_code,
    facts.benefit_area_code,
    facts.expected_source,
    facts.actual_full_time_persons,
    facts.expected_full_time_persons,
    facts.difference_full_time_persons,
    facts.actual_percentage,
    facts.expected_percentage,
    facts.difference_percentage_points,
    facts.difference_standard_error,
    facts.difference_lower_95,
    facts.difference_upper_95,
    facts.benchmark_rank,
    facts.published_benchmark_rank,
    facts.potential_dkk,
    municipalities.municipality_name,
    areas.label_da as benefit_area_name_da,
    areas.label_en as benefit_area_name_en
from facts
left join municipalities
    on facts.municipality_code = municipalities.municipality_code
left join areas
    on facts.benefit_area_code = areas.benefit_area_code
