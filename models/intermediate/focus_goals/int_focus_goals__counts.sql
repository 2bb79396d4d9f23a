{{ config(
    materialized='monthly',
    inputs={
        'benefit_periods': 'history',
        'conversations': [-11, 0],
        'active_offers': [-11, 0],
        'ordinary_hours': [-11, 0]
    }
) }}

with population as (
    select
        month,
        municipality_code,
        benefit_group_code,
        is_passive,
        has_few_conversations,
        is_uncontacted
    from {{ ref('int_focus_goals__population') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
)

select
    month,
    coalesce(municipality_code, '0000') as municipality_code,
    coalesce(benefit_group_code, 'all') as benefit_group_code,
    count(*) as person_count,
    count(*) filter (where is_passive) as passive_count,
    count(*) filter (where has_few_conversations) as few_conversations_count,
    count(*) filter (where is_uncontacted) as uncontacted_count
from population
group by month, cube(municipality_code, benefit_group_code)
