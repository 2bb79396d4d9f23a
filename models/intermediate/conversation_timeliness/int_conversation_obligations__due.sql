{% set months_back = 25 %}
{{ config(materialized='monthly', inputs={'benefit_periods': 'history'}) }}

with months as (
    select month
    from {{ ref('int_months') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

deadlines as (
    select
        target_group_code::main.target_group_code as target_group_code,
        sequence_number,
        required_count,
        offset_value,
        offset_unit,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_conversation_deadlines') }}
),

segments as (
    select
        month,
        person_key,
        from_date,
        to_date,
        municipality_code,
        benefit_group_code,
        target_group_code,
        benefit_spell_start_date,
        is_benefit_left_censored
    from {{ ref('int_benefit_segments') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and benefit_spell_start_date >= ({{ batch_from() }} - interval '{{ months_back }} months')::date
        and target_group_code is not null
),

ended_spells as (
    select
        month as ended_month,
        person_key,
        benefit_group_code,
        benefit_spell_start_date,
        is_benefit_left_censored,
        last_date,
        municipality_code,
        target_group_code
    from {{ ref('int_benefit_spells__ended') }}
    where
        month <= {{ batch_to() }}
        and benefit_spell_start_date >= ({{ batch_from() }} - interval '{{ months_back }} months')::date
        and target_group_code is not null
),

-- A due date depends on the group and the spell's first day alone. It is worked out for every day that can have been
-- one, of which there are hundreds: to look which of them were, all segments and spells would have to be kept first.
starts as (
    select
        unnest(generate_series(
            {{ batch_from() }} - interval '{{ months_back }} months', last_day({{ batch_to() }}), interval 1 day
        ))::date as benefit_spell_start_date
),

dated as (
    select
        deadlines.target_group_code,
        starts.benefit_spell_start_date,
        deadlines.sequence_number,
        deadlines.required_count,
        deadlines.valid_from_date,
        deadlines.valid_to_date,
        {{ due_date('starts.benefit_spell_start_date', 'deadlines.offset_value', 'deadlines.offset_unit') }} as due_date
    from starts
    cross join deadlines
),

due_dates as (
    select
        months.month,
        dated.target_group_code,
        dated.benefit_spell_start_date,
        dated.sequence_number,
        dated.required_count,
        dated.due_date,
        {{ rule_id(
            'conversation_deadline',
            "dated.target_group_code || '/' || dated.sequence_number",
            'dated.valid_from_date'
        ) }} as rule_id
    from dated
    inner join months on date_trunc('month', dated.due_date) = months.month
    where {{ in_force_on('dated.due_date', 'dated') }}
),

covered as (
    select
        due_dates.month,
        segments.person_key,
        segments.benefit_group_code,
        segments.benefit_spell_start_date,
        due_dates.target_group_code,
        due_dates.sequence_number,
        segments.municipality_code,
        due_dates.due_date,
        due_dates.required_count,
        due_dates.rule_id,
        case when segments.is_benefit_left_censored then 'left_censored' end as exclusion_reason_code
    from segments
    inner join due_dates
        on
            segments.month = due_dates.month
            and segments.target_group_code = due_dates.target_group_code
            and segments.benefit_spell_start_date = due_dates.benefit_spell_start_date
            and segments.from_date <= due_dates.due_date
            and segments.to_date >= due_dates.due_date
),

left_before as (
    select
        due_dates.month,
        ended_spells.person_key,
        ended_spells.benefit_group_code,
        ended_spells.benefit_spell_start_date,
        due_dates.target_group_code,
        due_dates.sequence_number,
        ended_spells.municipality_code,
        due_dates.due_date,
        due_dates.required_count,
        due_dates.rule_id,
        case
            when ended_spells.is_benefit_left_censored then 'left_censored'
            else 'left_before_due'
        end as exclusion_reason_code
    from ended_spells
    inner join due_dates
        on
            ended_spells.target_group_code = due_dates.target_group_code
            and ended_spells.benefit_spell_start_date = due_dates.benefit_spell_start_date
            and ended_spells.last_date < due_dates.due_date
            and ended_spells.ended_month <= due_dates.month
)

select
    month,
    person_key,
    benefit_group_code,
    benefit_spell_start_date,
    target_group_code,
    sequence_number,
    municipality_code,
    due_date,
    required_count,
    rule_id,
    exclusion_reason_code
from covered
union all
select
    month,
    person_key,
    benefit_group_code,
    benefit_spell_start_date,
    target_group_code,
    sequence_number,
    municipality_code,
    due_date,
    required_count,
    rule_id,
    exclusion_reason_code
from left_before
