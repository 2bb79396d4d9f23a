with scenarios as (
    select
        scenario_code,
        label_da,
        label_en,
        result_margin,
        passive_limit_percentage,
        few_conversations_limit_percentage,
        counts_foertidspension,
        uses_dated_limits,
        order_of_1,
        order_of_2,
        order_of_3,
        order_of_4,
        exit_rule_code,
        has_run_in,
        sort_order,
        valid_from_date,
        valid_to_date,
        legal_reference,
        source_url,
        evidence,
        note
    from {{ ref('scenarios') }}
)

select
    scenario_code,
    label_da as scenario_name_da,
    label_en as scenario_name_en,
    result_margin,
    passive_limit_percentage,
    few_conversations_limit_percentage,
    counts_foertidspension,
    uses_dated_limits,
    order_of_1,
    order_of_2,
    order_of_3,
    order_of_4,
    exit_rule_code,
    has_run_in,
    sort_order,
    valid_from_date,
    valid_to_date,
    legal_reference,
    source_url,
    evidence,
    note
from scenarios
