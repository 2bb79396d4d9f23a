{#- Published differences without a published rank: whether both are read rightly can't be told by comparing them. -#}
{{ config(severity='warn') }}
select
    period_code,
    benefit_area_code,
    municipality_code
from {{ ref('fct_benefit_levels') }}
where
    expected_source = 'published'
    and difference_percentage_points is not null
    and published_benchmark_rank is null
