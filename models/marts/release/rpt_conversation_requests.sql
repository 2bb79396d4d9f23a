with facts as (
    select
        month,
        municipality_code,
        requested_count,
        within_10_days_count,
        within_10_days_share,
        is_provisional
    from {{ ref('fct_conversation_requests') }}
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
    facts.requested_count,
    facts.within_10_days_count,
    facts.within_10_days_share,
    facts.is_provisional,
    municipalities.municipality_name
from facts
left join municipalities on facts.municipality_code = municipalities.municipality_code
