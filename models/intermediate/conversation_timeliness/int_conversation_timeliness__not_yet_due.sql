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

dated as (
    select
        running.as_of_date,
        running.municipality_code,
        running.target_group_code,
        running.person_count,
        deadlines.sequence_number,
        deadlines.valid_from_date,
        deadlines.valid_to_date,
        {{ due_date('running.benefit_spell_start_date', 'deadlines.offset_value', 'deadlines.offset_unit') }}
            as due_date
    from running
    inner join deadlines on running.target_group_code = deadlines.target_group_code
)

select
    date_trunc('month', dated.due_date)::date as month,
    dated.municipality_code,
    dated.target_group_code,
    dated.sequence_number,
    sum(dated.person_count)::bigint as not_yet_due_count
from dated
where
    dated.due_date > dated.as_of_date
    and {{ in_force_on('dated.due_date', 'dated') }}
group by
    date_trunc('month', dated.due_date)::date,
    dated.municipality_code,
    dated.target_group_code,
    dated.sequence_number
