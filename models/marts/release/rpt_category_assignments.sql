with facts as (
    select
        scenario_code,
        period_code,
        municipality_code,
        is_annual_statement,
        difference_percentage_points,
        expected_source,
        result_margin,
        is_result_met,
        passive_percentage,
        passive_limit_percentage,
        is_offers_met,
        few_conversations_percentage,
        few_conversations_limit_percentage,
        is_conversations_met,
        municipality_category,
        category_name_da,
        category_name_en,
        category_order,
        category_probability,
        result_distance,
        passive_distance,
        few_conversations_distance,
        result_persons_to_flip,
        passive_persons_to_flip,
        few_conversations_persons_to_flip,
        persons_to_flip,
        reason_da,
        reason_en,
        rule_set_id
    from {{ ref('fct_category_assignments') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

scenarios as (
    select
        scenario_code,
        label_da,
        label_en
    from {{ ref('scenarios') }}
    {{ newest_row('scenario_code') }}
)

select
    facts.scenario_code,
    facts.period_code,
    facts.municipality_code,
    facts.is_annual_statement,
    facts.difference_percentage_points,
    facts.expected_source,
    facts.result_margin,
    facts.is_result_met,
    facts.passive_percentage,
    facts.passive_limit_percentage,
    facts.is_offers_met,
    facts.few_conversations_percentage,
    facts.few_conversations_limit_percentage,
    facts.is_conversations_met,
    facts.municipality_category,
    facts.category_name_da,
    facts.category_name_en,
    facts.category_order,
    facts.category_probability,
    facts.result_distance,
    facts.passive_distance,
    facts.few_conversations_distance,
    facts.result_persons_to_flip,
    facts.passive_persons_to_flip,
    facts.few_conversations_persons_to_flip,
    facts.persons_to_flip,
    facts.reason_da,
    facts.reason_en,
    facts.rule_set_id,
    municipalities.municipality_name,
    scenarios.label_da as scenario_name_da,
    scenarios.label_en as scenario_name_en
from facts
left join municipalities
    on facts.municipality_code = municipalities.municipality_code
left join scenarios
    on facts.scenario_code = scenarios.scenario_code
