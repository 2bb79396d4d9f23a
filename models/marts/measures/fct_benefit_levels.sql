with levels as (
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
    from {{ ref('int_benefit_level__levels') }}
)

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
    cast(potential_dkk as double) as potential_dkk
from levels
