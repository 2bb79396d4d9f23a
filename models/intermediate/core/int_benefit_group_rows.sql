{{ config(materialized='view') }}

with municipality_months as (
    select
        month,
        municipality_code
    from {{ ref('int_municipalities') }}
),

months as (
    select
        month,
        as_of_date
    from {{ ref('int_months') }}
),

benefit_groups as (
    select
        benefit_group_code,
        is_in_supervision_scope,
        valid_from_date,
        valid_to_date
    from {{ ref('benefit_groups') }}
),

group_months as (
    select
        months.month,
        benefit_groups.benefit_group_code,
        benefit_groups.is_in_supervision_scope as is_in_scope
    from months
    inner join benefit_groups
        on {{ in_force_on('months.as_of_date', 'benefit_groups') }}
    union all
    select
        month,
        'all' as benefit_group_code,
        true as is_in_scope
    from months
    union all
    select
        month,
        'all_with_foertidspension' as benefit_group_code,
        false as is_in_scope
    from months
)

select
    municipality_months.month,
    municipality_months.municipality_code,
    group_months.benefit_group_code,
    group_months.is_in_scope
from municipality_months
inner join group_months on municipality_months.month = group_months.month
