with facts as (
    select
        month,
        municipality_code,
        benefit_group_code,
        person_count,
        passive_count,
        passive_share,
        few_conversations_count,
        few_conversations_share,
        uncontacted_count,
        uncontacted_share,
        hours_rule_id,
        is_provisional
    from {{ ref('fct_focus_goals') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

benefit_groups as (
    select
        benefit_group_code,
        benefit_group_name_da,
        benefit_group_name_en
    from {{ ref('dim_benefit_groups') }}
    {{ newest_row('benefit_group_code') }}
)

select
    facts.month,
    facts.municipality_code,
    facts.benefit_group_code,
    facts.person_count,
    facts.passive_count,
    facts.passive_share,
    facts.few_conversations_count,
    facts.few_conversations_share,
    facts.uncontacted_count,
    facts.uncontacted_share,
    facts.hours_rule_id,
    facts.is_provisional,
    municipalities.municipality_name,
    benefit_groups.benefit_group_name_da,
    benefit_groups.benefit_group_name_en
from facts
left join municipalities on facts.municipality_code = municipalities.municipality_code
left join benefit_groups on facts.benefit_group_code = benefit_groups.benefit_group_code
