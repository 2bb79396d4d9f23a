with facts as (
    select
        month,
        municipality_code,
        target_group_code,
        person_count,
        sufficient_count,
        sufficient_share,
        average_conversation_count,
        required_count,
        from_months,
        to_months,
        rule_id,
        is_provisional
    from {{ ref('fct_conversation_coverage') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

target_groups as (
    select
        target_group_code,
        target_group_name_da,
        target_group_name_en
    from {{ ref('dim_target_groups') }}
    {{ newest_row('target_group_code') }}
)

select
    facts.month,
    facts.municipality_code,
    facts.target_group_code,
    facts.person_count,
    facts.sufficient_count,
    facts.sufficient_share,
    facts.average_conversation_count,
    facts.required_count,
    facts.from_months,
    facts.to_months,
    facts.rule_id,
    facts.is_provisional,
    municipalities.municipality_name,
    target_groups.target_group_name_da,
    target_groups.target_group_name_en
from facts
left join municipalities on facts.municipality_code = municipalities.municipality_code
left join target_groups on facts.target_group_code = target_groups.target_group_code
