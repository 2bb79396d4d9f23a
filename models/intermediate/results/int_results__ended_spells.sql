{{ config(
    materialized='monthly',
    inputs={'benefit_periods': ['history', 3], 'ordinary_hours': [0, 3]}
) }}

with months as (
    select
        month,
        as_of_date,
        spell_gap_days,
        has_next_month_loaded,
        retention_months,
        (month + interval 1 month)::date as next_month,
        (month + to_months(retention_months))::date as retention_month
    from {{ ref('int_months') }}
),

segments as (
    select
        month,
        person_key,
        from_date,
        to_date,
        municipality_code,
        benefit_group_code,
        support_spell_start_date,
        is_support_left_censored
    from {{ ref('int_benefit_segments') }}
    where
        month between {{ batch_from() }} and ({{ batch_to() }} + interval 1 month)::date
        and is_in_scope
),

-- Few segments begin inside a month, and only those can follow another of the same spell there.
followers as (
    select
        month,
        person_key,
        from_date,
        support_spell_start_date
    from segments
    where from_date > month
),

last_seen as (
    select
        segments.month,
        segments.person_key,
        segments.support_spell_start_date,
        segments.is_support_left_censored,
        segments.to_date as last_date,
        segments.municipality_code,
        segments.benefit_group_code
    from segments
    anti join followers
        on
            segments.month = followers.month
            and segments.person_key = followers.person_key
            and segments.support_spell_start_date = followers.support_spell_start_date
            and segments.to_date < followers.from_date
    where segments.month <= {{ batch_to() }}
),

-- Ended: the day after the last one is loaded and not covered.
ended as (
    select
        last_seen.month,
        last_seen.person_key,
        last_seen.support_spell_start_date,
        last_seen.is_support_left_censored,
        last_seen.last_date,
        last_seen.municipality_code,
        last_seen.benefit_group_code,
        months.retention_month
    from last_seen
    inner join months on last_seen.month = months.month
    anti join segments as going_on
        on
            months.next_month = going_on.month
            and last_seen.person_key = going_on.person_key
            and last_seen.support_spell_start_date = going_on.support_spell_start_date
    where
        months.has_next_month_loaded
        or last_seen.last_date < months.as_of_date - months.spell_gap_days
),

loaded_months as (
    select month
    from months
),

ordinary_hours as (
    select
        month,
        person_key
    from {{ ref('stg_extracts__ordinary_hours') }}
    where month between {{ batch_from() }} and ({{ batch_to() }} + interval 3 month)::date
),

stock as (
    select
        month,
        person_key
    from {{ ref('int_stock') }}
    where
        month between {{ batch_from() }} and ({{ batch_to() }} + interval 3 month)::date
        and is_in_scope
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
        when loaded_months.month is not null
            then ordinary_hours.person_key is not null and stock.person_key is null
    end as is_retained
from ended
left join loaded_months on ended.retention_month = loaded_months.month
left join ordinary_hours
    on
        ended.retention_month = ordinary_hours.month
        and ended.person_key = ordinary_hours.person_key
left join stock
    on
        ended.retention_month = stock.month
        and ended.person_key = stock.person_key
