{% set months_back = 25 %}
{{ config(materialized='monthly', inputs={'benefit_periods': 'history', 'conversations': [-months_back, 0]}) }}

with months as (
    select month
    from {{ ref('int_months') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

-- Materialized, or without the list of months, DuckDB would take the batch's obligations for the larger side of the
-- join below, and build its hash table from two years of conversations: it expects a fifth of a table from any range.
due as not materialized (
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
        rule_id
    from {{ ref('int_conversation_obligations__due') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and month in (select month from months)
        and exclusion_reason_code is null
),

conversations as (
    select
        person_key,
        conversation_date
    from {{ ref('int_counted_conversations') }}
    where month between ({{ batch_from() }} - interval '{{ months_back }} months')::date and {{ batch_to() }}
),

-- The obligation's conversations in order of date: the required one of them is the evidence.
held as (
    select
        due.person_key,
        due.benefit_group_code,
        due.benefit_spell_start_date,
        due.due_date,
        due.sequence_number,
        due.required_count,
        list(conversations.conversation_date order by conversations.conversation_date) as conversation_dates
    from due
    inner join conversations
        on
            due.person_key = conversations.person_key
            and due.benefit_spell_start_date <= conversations.conversation_date
            and due.due_date >= conversations.conversation_date
    group by
        due.person_key,
        due.benefit_group_code,
        due.benefit_spell_start_date,
        due.due_date,
        due.sequence_number,
        due.required_count
)

select
    due.month,
    due.person_key,
    due.benefit_group_code,
    due.benefit_spell_start_date,
    due.target_group_code,
    due.sequence_number,
    due.municipality_code,
    due.due_date,
    due.required_count,
    due.rule_id,
    -- Nothing found means none held by then.
    coalesce(len(held.conversation_dates), 0)::integer as conversation_count_by_due_date,
    held.conversation_dates[held.required_count] as evidence_date,
    coalesce(len(held.conversation_dates), 0) >= due.required_count as is_on_time
from due
left join held
    on
        due.person_key = held.person_key
        and due.benefit_group_code = held.benefit_group_code
        and due.benefit_spell_start_date = held.benefit_spell_start_date
        and due.due_date = held.due_date
        and due.sequence_number = held.sequence_number
