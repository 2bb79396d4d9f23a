{#-
    The monthly models read a stated number of months back and ahead (their `inputs` and `months_back`). A rule that
    reaches further would give wrong figures without a word: it is named here, and the models' windows must grow first.
    A unit test holds the numbers below to those of the models.
-#}
{{ config(meta={'dagster': {'ref': {'name': 'rule_conversation_windows'}}}) }}

with windows as (
    select
        target_group_code,
        to_months,
        valid_from_date
    from {{ ref('rule_conversation_windows') }}
),

deadlines as (
    select
        target_group_code,
        sequence_number,
        offset_value,
        offset_unit,
        valid_from_date
    from {{ ref('rule_conversation_deadlines') }}
),

parameters as (
    select
        parameter_code,
        value,
        valid_from_date
    from {{ ref('rule_parameters') }}
),

-- 27 days: a gap that a spell bridges must not be able to swallow a whole month.
reaches (parameter_code, smallest, largest, read_by) as (
    values
    ('spell_gap_days', 0, 27, 'int_benefit_segments'),
    ('activity_window_months', 1, 12, 'int_focus_goals__population'),
    ('early_effort_completed_months', 0, 11, 'int_early_effort__population'),
    ('first_offer_months', 0, 11, 'int_offer_effort__six_months_population'),
    ('retention_months', 1, 3, 'int_results__ended_spells')
)

select
    {{ rule_id('conversation_window', 'target_group_code', 'valid_from_date') }} as rule_id,
    to_months as value,
    24 as largest,
    'int_conversation_coverage__population' as read_by
from windows
where to_months > 24
union all
select
    {{ rule_id('conversation_deadline', "target_group_code || '/' || sequence_number", 'valid_from_date') }} as rule_id,
    offset_value as value,
    case offset_unit when 'month' then 24 else 730 end as largest,
    'int_conversation_obligations__due' as read_by
from deadlines
where offset_value > case offset_unit when 'month' then 24 else 730 end
union all
select
    coalesce(
        {{ rule_id_of('parameters.parameter_code', "'all'", 'parameters.valid_from_date') }},
        reaches.parameter_code
    ) as rule_id,
    parameters.value,
    reaches.largest,
    reaches.read_by
from reaches
left join parameters
    on reaches.parameter_code = parameters.parameter_code
where
    -- no such parameter: renamed, say, so that nothing would be held against its reach
    parameters.value is null
    or parameters.value not between reaches.smallest and reaches.largest
