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

deadlines as (
    select
        target_group_code,
        sequence_number,
        valid_from_date,
        valid_to_date,
        {{ rule_id('conversation_deadline', "target_group_code || '/' || sequence_number", 'valid_from_date') }}
            as rule_id
    from {{ ref('rule_conversation_deadlines') }}
),

counts as (
    select
        month,
        municipality_code,
        target_group_code,
        sequence_number,
        on_time_count,
        not_on_time_count,
        excluded_count
    from {{ ref('int_conversation_timeliness__counts') }}
),

late_counts as (
    select
        due_month as month,
        municipality_code,
        target_group_code,
        sequence_number,
        late_count
    from {{ ref('int_conversation_timeliness__late_counts') }}
),

not_yet_due as (
    select
        month,
        municipality_code,
        target_group_code,
        sequence_number,
        not_yet_due_count
    from {{ ref('int_conversation_timeliness__not_yet_due') }}
),

-- Codes as the counts have them, who would become texts otherwise and cost more to sum up. The country's rows come from
-- the sum.
due_rows as (
    select
        municipality_months.month,
        nullif(municipality_months.municipality_code, '0000')::main.municipality_code as municipality_code,
        target_groups.target_group_code::main.target_group_code as target_group_code,
        {{ required_rule(
            'deadlines.sequence_number',
            "'conversation_deadline:' || target_groups.target_group_code || ' on ' || months.as_of_date"
        ) }} as sequence_number
    from municipality_months
    inner join months on municipality_months.month = months.month
    inner join target_groups
        on {{ in_force_on('months.as_of_date', 'target_groups') }}
    left join deadlines
        on
            target_groups.target_group_code = deadlines.target_group_code
            and {{ in_force_on('months.as_of_date', 'deadlines') }}
),

parts as (
    select
        month,
        municipality_code,
        target_group_code,
        sequence_number,
        on_time_count,
        not_on_time_count,
        excluded_count,
        0 as late_count,
        0 as not_yet_due_count
    from counts
    union all by name
    select
        month,
        municipality_code,
        target_group_code,
        sequence_number,
        late_count
    from late_counts
    union all by name
    select
        month,
        municipality_code,
        target_group_code,
        sequence_number,
        not_yet_due_count
    from not_yet_due
    union all by name
    select
        month,
        municipality_code,
        target_group_code,
        sequence_number
    from due_rows
),

-- An obligation has one municipality: the country's count is the sum of theirs.
summed as (
    select
        month,
        coalesce(municipality_code::varchar, '0000') as municipality_code,
        target_group_code::varchar as target_group_code,
        sequence_number,
        coalesce(sum(on_time_count), 0)::bigint as on_time_count,
        coalesce(sum(not_on_time_count), 0)::bigint as not_on_time_count,
        coalesce(sum(excluded_count), 0)::bigint as excluded_count,
        coalesce(sum(late_count), 0)::bigint as late_count,
        coalesce(sum(not_yet_due_count), 0)::bigint as not_yet_due_count
    from parts
    where municipality_code is not null
    group by month, target_group_code, sequence_number, rollup(municipality_code)
),

-- A rule may change within a month: each due date has its own, and the row names the newest.
rules_of_months as (
    select
        summed_months.month,
        deadlines.target_group_code,
        deadlines.sequence_number,
        max_by(deadlines.rule_id, deadlines.valid_from_date) as rule_id
    from (select distinct month from summed) as summed_months
    inner join deadlines
        on
            last_day(summed_months.month) >= deadlines.valid_from_date
            and summed_months.month < deadlines.valid_to_date
    group by summed_months.month, deadlines.target_group_code, deadlines.sequence_number
)

select
    summed.month,
    summed.municipality_code,
    summed.target_group_code,
    summed.sequence_number::integer as sequence_number,
    summed.on_time_count + summed.not_on_time_count as obligation_count,
    summed.on_time_count,
    summed.late_count,
    summed.not_on_time_count - summed.late_count as missing_count,
    summed.not_yet_due_count,
    summed.excluded_count,
    {{ share('summed.on_time_count', '(summed.on_time_count + summed.not_on_time_count)') }} as on_time_share,
    {{ required_rule(
        'rules_of_months.rule_id',
        "'conversation_deadline:' || summed.target_group_code || '/' || summed.sequence_number || ' in ' || summed.month"
    ) }} as rule_id,
    -- A month that is not loaded yet can only change.
    coalesce(months.is_provisional, true) as is_provisional
from summed
left join months on summed.month = months.month
left join rules_of_months
    on
        summed.month = rules_of_months.month
        and summed.target_group_code = rules_of_months.target_group_code
        and summed.sequence_number = rules_of_months.sequence_number
