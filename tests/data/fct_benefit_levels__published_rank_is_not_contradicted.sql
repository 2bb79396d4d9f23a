-- A municipality with a strictly smaller published difference but a larger published rank: the sign or the columns of
-- the published table would have been read wrongly, and every category of the period would rest on it.
select
    lower_levels.period_code,
    lower_levels.benefit_area_code,
    lower_levels.municipality_code,
    higher_levels.municipality_code as contradicting_municipality_code
from {{ ref('fct_benefit_levels') }} as lower_levels
inner join {{ ref('fct_benefit_levels') }} as higher_levels
    on
        lower_levels.period_code = higher_levels.period_code
        and lower_levels.benefit_area_code = higher_levels.benefit_area_code
        and higher_levels.expected_source = 'published'
where
    lower_levels.expected_source = 'published'
    and lower_levels.difference_percentage_points < higher_levels.difference_percentage_points
    and lower_levels.published_benchmark_rank > higher_levels.published_benchmark_rank
