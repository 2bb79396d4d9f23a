with facts as (
    select
        month,
        municipality_code,
        person_count,
        conversations_met_share,
        offer_met_share,
        consecutive_months_below,
        is_flagged,
        is_provisional
    from {{ ref('fct_early_effort') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
)

select
    facts.month,
    facts.municipality_code,
    facts.person_count,
    facts.conversations_met_share,
    facts.offer_met_share,
    facts.consecutive_months_below,
    facts.is_flagged,
    facts.is_provisional,
    municipalities.municipality_name
from facts
left join municipalities on facts.municipality_code = municipalities.municipality_code
