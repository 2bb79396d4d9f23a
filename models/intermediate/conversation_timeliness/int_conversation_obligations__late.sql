{{ config(materialized='monthly', inputs={'benefit_periods': 'history', 'conversations': 'history'}) }}

with overdue as (
    select
        month,
        due_month,
        person_key,
        benefit_group_code,
        benefit_spell_start_date,
        target_group_code,
        sequence_number,
        municipality_code,
        due_date,
        evidence_date
    from {{ ref('int_conversation_obligations__overdue') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
)

select
    month,
    due_month,
    person_key,
    benefit_group_code,
    benefit_spell_start_date,
    target_group_code,
    sequence_number,
    municipality_code,
    due_date,
    evidence_date
from overdue
where evidence_date is not null
