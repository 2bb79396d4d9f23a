-- A municipality with a strictly smaller published difference but a larger published rank: the sign or the columns of
-- the published table would have been read wrongly, and every category of the period would rest on it. A published
-- difference without a published rank fails too: nobody could tell whether they agree.
with published as (
    select
        period_code,
        benefit_area_code,
        municipality_code,
        difference_percentage_points,
        published_benchmark_rank
    from {{ ref('fct_benefit_levels') }}
    where
        expected_source = 'published'
        and difference_percentage_points is not null
)

select
    lower_levels.period_code,
    lower_levels.benefit_area_code,
    lower_levels.municipality_code,
    higher_levels.municipality_code as contradicting_municipality_code
from published as lower_levels
left join published as higher_levels
    on
        lower_levels.period_code = higher_levels.period_code
        and lower_levels.benefit_area_code = higher_levels.benefit_area_code
        and lower_levels.difference_percentage_points < higher_levels.difference_percentage_points
        and lower_levels.published_benchmark_rank > higher_levels.published_benchmark_rank
where
    higher_levels.municipality_code is not null
    or lower_levels.published_benchmark_rank is null
