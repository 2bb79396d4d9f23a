{{ config(
    materialized='monthly',
    inputs={'benefit_periods': ['history', 3], 'ordinary_hours': [0, 3]}
) }}

with months as (
    select
        month,
        (month + interval 1 month)::date as next_month,
        (month + to_months(retention_months))::date as retention_month
    from {{ ref('int_months') }}
),

-- By the month of their last day. Whether support goes on is known in that month or in the next one, once it is loaded.
left_segments as not materialized (
    select
        months.month,
        segments.person_key,
        segments.support_spell_start_date,
        segments.is_support_left_censored,
        segments.last_date,
        segments.municipality_code,
        segments.benefit_group_code,
        months.retention_month
    from {{ ref('int_benefit_segments__left') }} as segments
    inner join months
        on
            date_trunc('month', segments.last_date) = months.month
            and segments.month between months.month and months.next_month
    where
        segments.month between {{ batch_from() }} and ({{ batch_to() }} + interval 1 month)::date
        and segments.last_date between {{ batch_from() }} and last_day({{ batch_to() }})
        and segments.is_in_scope
),

-- A spell that goes on from a left segment does so first in a segment that hasn't kept the place: a later one of the
-- month, or the next month's first.
segments as (
    select
        person_key,
        from_date,
        support_spell_start_date
    from {{ ref('int_benefit_segments') }}
    where
        month between {{ batch_from() }} and ({{ batch_to() }} + interval 1 month)::date
        and is_in_scope
        and not is_place_kept
),

-- Ended, where no other segment of the spell follows.
ended as (
    select left_segments.*
    from left_segments
    anti join segments
        on
            left_segments.person_key = segments.person_key
            and left_segments.support_spell_start_date = segments.support_spell_start_date
            and left_segments.last_date < segments.from_date
),

loaded_months as (
    select month
    from months
),

-- Only their rows are read, not those of the months between.
retention_months as (
    select retention_month
    from months
    where month between {{ batch_from() }} and {{ batch_to() }}
),

ordinary_hours as (
    select
        month,
        person_key
    from {{ ref('stg_extracts__ordinary_hours') }}
    where month in (select retention_month from retention_months)
),

stock as (
    select
        month,
        person_key
    from {{ ref('int_stock') }}
    where
        month in (select retention_month from retention_months)
        and is_in_scope
),

working as (
    select
        ended.retention_month,
        ended.person_key
    from ended
    semi join ordinary_hours
        on
            ended.retention_month = ordinary_hours.month
            and ended.person_key = ordinary_hours.person_key
),

retained as (
    select distinct
        working.retention_month,
        working.person_key
    from working
    anti join stock
        on
            working.retention_month = stock.month
            and working.person_key = stock.person_key
)

select
    ended.month,
    ended.person_key,
    ended.support_spell_start_date,
    ended.is_support_left_censored,
    ended.last_date,
    ended.municipality_code,
    ended.benefit_group_code,
    ended.last_date - ended.support_spell_start_date + 1 as spell_days,
    -- Not yet due, and so unknown, before that month is loaded.
    case
        when loaded_months.month is not null then retained.person_key is not null
    end as is_retained
from ended
left join loaded_months on ended.retention_month = loaded_months.month
left join retained
    on
        ended.retention_month = retained.retention_month
        and ended.person_key = retained.person_key
