{{ config(materialized='monthly', inputs={'benefit_periods': 'history', 'conversations': 'history'}) }}

with open_obligations as (
    select
        month as due_month,
        person_key,
        benefit_group_code,
        benefit_spell_start_date,
        target_group_code,
        sequence_number,
        municipality_code,
        due_date,
        required_count
    from {{ ref('int_conversation_obligations__evidence') }}
    where
        month <= {{ batch_to() }}
        and not is_on_time
),

-- Read anew by each step: one wants the batch's persons, the other all days of few persons.
conversations as not materialized (
    select
        month,
        person_key,
        conversation_date
    from {{ ref('int_counted_conversations') }}
    where month <= {{ batch_to() }}
),

segments as (
    select
        person_key,
        from_date,
        to_date,
        benefit_group_code,
        benefit_spell_start_date
    from {{ ref('int_benefit_segments') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

-- Only a conversation of these months can meet an old obligation in these months.
persons as (
    select person_key
    from conversations
    where month >= {{ batch_from() }}
    group by person_key
),

-- And only one of a spell that goes on in them.
candidates as (
    select open_obligations.*
    from open_obligations
    semi join persons on open_obligations.person_key = persons.person_key
    semi join segments
        on
            open_obligations.person_key = segments.person_key
            and open_obligations.benefit_group_code = segments.benefit_group_code
            and open_obligations.benefit_spell_start_date = segments.benefit_spell_start_date
),

held as (
    select
        candidates.due_month,
        candidates.person_key,
        candidates.benefit_group_code,
        candidates.benefit_spell_start_date,
        candidates.target_group_code,
        candidates.sequence_number,
        candidates.municipality_code,
        candidates.due_date,
        list(conversations.conversation_date order by conversations.conversation_date)[
            candidates.required_count
        ] as evidence_date
    from candidates
    inner join conversations
        on
            candidates.person_key = conversations.person_key
            and candidates.benefit_spell_start_date <= conversations.conversation_date
    group by
        candidates.due_month,
        candidates.person_key,
        candidates.benefit_group_code,
        candidates.benefit_spell_start_date,
        candidates.target_group_code,
        candidates.sequence_number,
        candidates.municipality_code,
        candidates.due_date,
        candidates.required_count
)

select
    date_trunc('month', held.evidence_date)::date as month,
    held.due_month,
    held.person_key,
    held.benefit_group_code,
    held.benefit_spell_start_date,
    held.target_group_code,
    held.sequence_number,
    held.municipality_code,
    held.due_date,
    held.evidence_date
from held
-- Within the spell only: the day must be one of its days.
semi join segments
    on
        held.person_key = segments.person_key
        and held.benefit_group_code = segments.benefit_group_code
        and held.benefit_spell_start_date = segments.benefit_spell_start_date
        and held.evidence_date >= segments.from_date
        and held.evidence_date <= segments.to_date
where held.evidence_date >= {{ batch_from() }}
