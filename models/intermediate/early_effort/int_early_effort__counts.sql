{{ config(
    materialized='monthly',
    inputs={'benefit_periods': 'history', 'conversations': [-12, 0], 'active_offers': [-12, 0]}
) }}

with population as (
    select
        month,
        municipality_code,
        has_conversations,
        has_offer
    from {{ ref('int_early_effort__population') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
)

select
    month,
    coalesce(municipality_code, '0000') as municipality_code,
    count(*) as person_count,
    count(*) filter (where has_conversations) as conversations_met_count,
    count(*) filter (where has_offer) as offer_met_count
from population
group by month, rollup(municipality_code)
