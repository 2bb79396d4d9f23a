{{ config(materialized='view') }}

with due as (
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
    from {{ ref('int_conversation_obligations__due') }}
),

evidence as (
    select
        month,
        person_key,
        benefit_group_code,
        benefit_spell_start_date,
        sequence_number,
        due_date,
        conversation_count_by_due_date,
        evidence_date,
        is_on_time
    from {{ ref('int_conversation_obligations__evidence') }}
),

late as (
    select
        due_month,
        person_key,
        benefit_group_code,
        benefit_spell_start_date,
        sequence_number,
        due_date,
        evidence_date
    from {{ ref('int_conversation_obligations__late') }}
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
    due.exclusion_reason_code,
    evidence.conversation_count_by_due_date,
    coalesce(evidence.evidence_date, late.evidence_date) as evidence_date,
    case
        when due.exclusion_reason_code is not null then 'excluded'
        when evidence.is_on_time then 'on_time'
        when late.evidence_date is not null then 'late'
        else 'missing'
    end as outcome_code
from due
left join evidence
    on
        due.month = evidence.month
        and due.person_key = evidence.person_key
        and due.benefit_group_code = evidence.benefit_group_code
        and due.benefit_spell_start_date = evidence.benefit_spell_start_date
        and due.sequence_number = evidence.sequence_number
        and due.due_date = evidence.due_date
left join late
    on
        due.month = late.due_month
        and due.person_key = late.person_key
        and due.benefit_group_code = late.benefit_group_code
        and due.benefit_spell_start_date = late.benefit_spell_start_date
        and due.sequence_number = late.sequence_number
        and due.due_date = late.due_date
