with decisions as (
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
        category_order,
        result_distance,
        passive_distance,
        few_conversations_distance,
        result_persons_to_flip,
        passive_persons_to_flip,
        few_conversations_persons_to_flip,
        persons_to_flip,
        rule_set_id
    from {{ ref('int_category__decisions') }}
),

probabilities as (
    select
        scenario_code,
        period_code,
        municipality_code,
        category_probability
    from {{ ref('int_category__probabilities') }}
),

reasons as (
    select
        scenario_code,
        period_code,
        municipality_code,
        category_name_da,
        category_name_en,
        reason_da,
        reason_en
    from {{ ref('int_category__reasons') }}
)

select
    decisions.scenario_code,
    decisions.period_code,
    decisions.municipality_code,
    decisions.is_annual_statement,
    decisions.difference_percentage_points,
    decisions.expected_source,
    decisions.result_margin,
    decisions.is_result_met,
    decisions.passive_percentage,
    decisions.passive_limit_percentage,
    decisions.is_offers_met,
    decisions.few_conversations_percentage,
    decisions.few_conversations_limit_percentage,
    decisions.is_conversations_met,
    decisions.municipality_category,
    reasons.category_name_da,
    reasons.category_name_en,
    decisions.category_order,
    probabilities.category_probability,
    decisions.result_distance,
    decisions.passive_distance,
    decisions.few_conversations_distance,
    decisions.result_persons_to_flip,
    decisions.passive_persons_to_flip,
    decisions.few_conversations_persons_to_flip,
    decisions.persons_to_flip,
    reasons.reason_da,
    reasons.reason_en,
    decisions.rule_set_id
from decisions
left join probabilities
    on
        decisions.scenario_code = probabilities.scenario_code
        and decisions.period_code = probabilities.period_code
        and decisions.municipality_code = probabilities.municipality_code
left join reasons
    on
        decisions.scenario_code = reasons.scenario_code
        and decisions.period_code = reasons.period_code
        and decisions.municipality_code = reasons.municipality_code
