with facts as (
    select
        month,
        municipality_code,
        target_group_code,
        sequence_number,
        obligation_count,
        on_time_count,
        late_count,
        missing_count,
        not_yet_due_count,
        excluded_count,
        on_time_share,
        rule_id,
        is_provisional
    from {{ ref('fct_conversation_timeliness') }}
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
),

deadlines as (
    select
        required_count,
        offset_value,
        offset_unit,
        {{ rule_id(
            'conversation_deadline', "target_group_code || '/' || sequence_number", 'valid_from_date'
        ) }} as rule_id
    from {{ ref('rule_conversation_deadlines') }}
)

select
    facts.month,
    facts.municipality_code,
    facts.target_group_code,
    facts.sequence_number,
    facts.obligation_count,
    facts.on_time_count,
    facts.late_count,
    facts.missing_count,
    facts.not_yet_due_count,
    facts.excluded_count,
    facts.on_time_share,
    facts.rule_id,
    facts.is_provisional,
    municipalities.municipality_name,
    target_groups.target_group_name_da,
    target_groups.target_group_name_en,
    deadlines.required_count,
    deadlines.offset_value,
    deadlines.offset_unit
from facts
left join municipalities on facts.municipality_code = municipalities.municipality_code
left join target_groups on facts.target_group_code = target_groups.target_group_code
left join deadlines on facts.rule_id = deadlines.rule_id
