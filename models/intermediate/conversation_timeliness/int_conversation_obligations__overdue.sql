{#-
    What is overdue is carried from month to month, with the number of conversations that it still lacks. So a month
    reads its own conversations, not all since the spells began, and what was met long ago is not looked at again.
-#}
{{ config(
    materialized='monthly',
    inputs={'benefit_periods': 'history', 'conversations': 'history'},
    contract={'enforced': true}
) }}

-- A spell has days in each month from its first to its last (a test holds the gaps that it bridges to less than a
-- month), so whatever can still be met stands in the month directly before.
with obligations as (
    select
        due_month,
        person_key,
        benefit_group_code,
        benefit_spell_start_date,
        target_group_code,
        sequence_number,
        municipality_code,
        due_date,
        missing_conversation_count
    from {{ this }}
    where
        month = ({{ batch_from() }} - interval 1 month)::date
        and evidence_date is null
    union all by name
    select
        month as due_month,
        person_key,
        benefit_group_code,
        benefit_spell_start_date,
        target_group_code,
        sequence_number,
        municipality_code,
        due_date,
        required_count - conversation_count_by_due_date as missing_conversation_count
    from {{ ref('int_conversation_obligations__evidence') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and not is_on_time
),

conversations as (
    select
        person_key,
        conversation_date
    from {{ ref('int_counted_conversations') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

-- Of the persons first: DuckDB leaves out most of the segments while it reads them.
segments as (
    select
        month,
        person_key,
        from_date,
        to_date,
        benefit_group_code,
        benefit_spell_start_date
    from {{ ref('int_benefit_segments') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and person_key in (select person_key from obligations)
),

-- The conversations since the due date or the month before, in order of date: the one that was still missing as the
-- last is the evidence. Who held none has one null, which is neither.
held as (
    select
        obligations.due_month,
        obligations.person_key,
        obligations.benefit_group_code,
        obligations.benefit_spell_start_date,
        obligations.target_group_code,
        obligations.sequence_number,
        obligations.municipality_code,
        obligations.due_date,
        obligations.missing_conversation_count,
        list(conversations.conversation_date order by conversations.conversation_date) as conversation_dates
    from obligations
    left join conversations
        on
            obligations.person_key = conversations.person_key
            and obligations.due_date < conversations.conversation_date
    group by
        obligations.due_month,
        obligations.person_key,
        obligations.benefit_group_code,
        obligations.benefit_spell_start_date,
        obligations.target_group_code,
        obligations.sequence_number,
        obligations.municipality_code,
        obligations.due_date,
        obligations.missing_conversation_count
),

reached as (
    select
        *,
        conversation_dates[missing_conversation_count] as reached_date
    from held
),

-- Each month of the batch, up to the one in which the number is reached.
months_overdue as (
    select
        *,
        unnest(generate_series(
            greatest(due_month, {{ batch_from() }}), least(reached_date, {{ batch_to() }}), interval 1 month
        ))::date as month
    from reached
),

followed as (
    select
        *,
        last_day(month) as as_of_date,
        case when reached_date <= last_day(month) then reached_date end as evidence_date
    from months_overdue
)

select
    followed.month,
    followed.due_month,
    followed.person_key,
    followed.benefit_group_code,
    followed.benefit_spell_start_date,
    followed.target_group_code,
    followed.sequence_number,
    followed.municipality_code,
    followed.due_date,
    followed.evidence_date,
    case
        when followed.evidence_date is not null then 0
        else
            followed.missing_conversation_count
            - len(list_filter(followed.conversation_dates, lambda held_on: held_on <= followed.as_of_date))
    end::integer as missing_conversation_count
from followed
-- Within the spell only: the evidence must lie on one of its days. What is not met yet asks for any day of the month.
semi join segments
    on
        followed.month = segments.month
        and followed.person_key = segments.person_key
        and followed.benefit_group_code = segments.benefit_group_code
        and followed.benefit_spell_start_date = segments.benefit_spell_start_date
        and coalesce(followed.evidence_date, followed.as_of_date) >= segments.from_date
        and coalesce(followed.evidence_date, followed.month) <= segments.to_date
