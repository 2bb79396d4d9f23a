with newest as (
    select
        month,
        as_of_date
    from {{ ref('int_months') }}
    where is_newest
),

stock as (
    select
        month,
        municipality_code,
        target_group_code,
        benefit_spell_start_date,
        is_benefit_left_censored
    from {{ ref('int_stock') }}
    where target_group_code is not null
),

deadlines as (
    select
        target_group_code,
        sequence_number,
        offset_value,
        offset_unit,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_conversation_deadlines') }}
),

running as (
    select
        newest.as_of_date,
        stock.municipality_code,
        stock.target_group_code,
        stock.benefit_spell_start_date,
        count(*) as person_count
    from stock
    inner join newest on stock.month = newest.month
    where not stock.is_benefit_left_censored
    group by newest.as_of_date, stock.municipality_code, stock.target_group_code, stock.benefit_spell_start_date
),

starts as (
    select
        as_of_date,
        target_group_code,
        benefit_spell_start_date
    from running
    group by as_of_date, target_group_code, benefit_spell_start_date
),

-- Worked out once for all municipalities.
dated as (
    select
        starts.as_of_date,
        starts.target_group_code,
        starts.benefit_spell_start_date,
        deadlines.sequence_number,
        deadlines.valid_from_date,
        deadlines.valid_to_date,
        {{ due_date('starts.benefit_spell_start_date', 'deadlines.offset_value', 'deadlines.offset_unit') }} as due_date
    from starts
    inner join deadlines on starts.target_group_code = deadlines.target_group_code
),

due_dates as (
    select
        dated.target_group_code,
        dated.benefit_spell_start_date,
        dated.sequence_number,
        dated.due_date
    from dated
    where
        dated.due_date > dated.as_of_date
        and {{ in_force_on('dated.due_date', 'dated') }}
)

select
    date_trunc('month', due_dates.due_date)::date as month,
    running.municipality_code,
    running.target_group_code,
    due_dates.sequence_number,
    sum(running.person_count)::bigint as not_yet_due_count
from running
inner join due_dates
    on
        running.target_group_code = due_dates.target_group_code
        and running.benefit_spell_start_date = due_dates.benefit_spell_start_date
group by
    date_trunc('month', due_dates.due_date)::date,
    running.municipality_code,
    running.target_group_code,
    due_dates.sequence_number
