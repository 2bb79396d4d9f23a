with municipality_months as (
    select
        month,
        municipality_code
    from {{ ref('int_municipalities') }}
),

months as (
    select
        month,
        as_of_date,
        is_provisional
    from {{ ref('int_months') }}
),

target_groups as (
    select
        target_group_code,
        valid_from_date,
        valid_to_date
    from {{ ref('target_groups') }}
),

windows as (
    select
        target_group_code,
        from_months,
        to_months,
        required_count,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_conversation_windows') }}
),

counts as (
    select
        month,
        municipality_code,
        target_group_code,
        person_count,
        sufficient_count,
        conversation_count
    from {{ ref('int_conversation_coverage__counts') }}
),

due_rows as (
    select
        municipality_months.month,
        municipality_months.municipality_code,
        target_groups.target_group_code,
        {{ required_rule(
            'windows.required_count',
            "'conversation_window:' || target_groups.target_group_code || ' on ' || months.as_of_date"
        ) }} as required_count,
        windows.from_months,
        windows.to_months,
        {{ rule_id('conversation_window', 'windows.target_group_code', 'windows.valid_from_date') }} as rule_id,
        months.is_provisional
    from municipality_months
    inner join months on municipality_months.month = months.month
    inner join target_groups
        on {{ in_force_on('months.as_of_date', 'target_groups') }}
    left join windows
        on
            target_groups.target_group_code = windows.target_group_code
            and {{ in_force_on('months.as_of_date', 'windows') }}
)

select
    due_rows.month,
    due_rows.municipality_code,
    due_rows.target_group_code,
    -- A row without persons is a row of 0 persons: the rows come from the list of those that must exist.
    coalesce(counts.person_count, 0) as person_count,
    coalesce(counts.sufficient_count, 0) as sufficient_count,
    {{ share('counts.sufficient_count', 'counts.person_count') }} as sufficient_share,
    {{ share('counts.conversation_count', 'counts.person_count') }} as average_conversation_count,
    due_rows.required_count,
    due_rows.from_months,
    due_rows.to_months,
    due_rows.rule_id,
    due_rows.is_provisional
from due_rows
left join counts
    on
        due_rows.month = counts.month
        and due_rows.municipality_code = counts.municipality_code
        and due_rows.target_group_code = counts.target_group_code
