{{ config(materialized='view') }}

with full_time_days as (
    select
        month,
        municipality_code,
        benefit_group_code,
        is_in_scope,
        full_time_days
    from {{ ref('int_benefit_recipients__full_time_days') }}
)

select
    month,
    coalesce(municipality_code, '0000') as municipality_code,
    coalesce(benefit_group_code, 'all_with_foertidspension') as benefit_group_code,
    sum(full_time_days)::decimal(38, 6) as full_time_days
from full_time_days
group by month, cube(municipality_code, benefit_group_code)
union all
select
    month,
    coalesce(municipality_code, '0000') as municipality_code,
    'all' as benefit_group_code,
    sum(full_time_days)::decimal(38, 6) as full_time_days
from full_time_days
where is_in_scope
group by month, rollup(municipality_code)
