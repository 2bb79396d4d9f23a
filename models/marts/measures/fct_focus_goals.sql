with due_rows as (
    select
        month,
        municipality_code,
        benefit_group_code
    from {{ ref('int_benefit_group_rows') }}
    where is_in_scope
),

months as (
    select
        month,
        has_hole_in_window,
        hours_rule_id,
        is_provisional
    from {{ ref('int_months') }}
),

counts as (
    select
        month,
        municipality_code,
        benefit_group_code,
        person_count,
        passive_count,
        few_conversations_count,
        uncontacted_count
    from {{ ref('int_focus_goals__counts') }}
),

-- A window of twelve months with a month missing inside it says nothing; an empty group is 0 persons.
known as (
    select
        due_rows.month,
        due_rows.municipality_code,
        due_rows.benefit_group_code,
        months.hours_rule_id,
        months.is_provisional,
        case when not months.has_hole_in_window then coalesce(counts.person_count, 0) end as person_count,
        case when not months.has_hole_in_window then coalesce(counts.passive_count, 0) end as passive_count,
        case
            when not months.has_hole_in_window then coalesce(counts.few_conversations_count, 0)
        end as few_conversations_count,
        case when not months.has_hole_in_window then coalesce(counts.uncontacted_count, 0) end as uncontacted_count
    from due_rows
    inner join months on due_rows.month = months.month
    left join counts
        on
            due_rows.month = counts.month
            and due_rows.municipality_code = counts.municipality_code
            and due_rows.benefit_group_code = counts.benefit_group_code
)

select
    month,
    municipality_code,
    benefit_group_code,
    person_count,
    passive_count,
    {{ share('passive_count', 'person_count') }} as passive_share,
    few_conversations_count,
    {{ share('few_conversations_count', 'person_count') }} as few_conversations_share,
    uncontacted_count,
    {{ share('uncontacted_count', 'person_count') }} as uncontacted_share,
    hours_rule_id,
    is_provisional
from known
