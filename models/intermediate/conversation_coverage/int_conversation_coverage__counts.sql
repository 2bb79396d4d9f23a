{{ config(materialized='monthly', inputs={'benefit_periods': 'history', 'conversations': [-24, 0]}) }}

with population as (
    select
        month,
        municipality_code,
        target_group_code,
        conversation_count,
        is_sufficient
    from {{ ref('int_conversation_coverage__population') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
)

select
    month,
    coalesce(municipality_code, '0000') as municipality_code,
    target_group_code,
    count(*) as person_count,
    count(*) filter (where is_sufficient) as sufficient_count,
    sum(conversation_count)::bigint as conversation_count
from population
group by month, target_group_code, rollup(municipality_code)
