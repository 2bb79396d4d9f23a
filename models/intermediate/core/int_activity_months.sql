{{ config(
    materialized='monthly',
    inputs={'conversations': [0, 0], 'active_offers': [0, 0], 'ordinary_hours': [0, 0]}
) }}

with conversations as (
    select
        month,
        person_key
    from {{ ref('int_counted_conversations') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

offer_days as (
    select
        month,
        person_key,
        from_date,
        to_date
    from {{ ref('int_offer_days') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

ordinary_hours as (
    select
        month,
        person_key,
        paid_hours
    from {{ ref('stg_extracts__ordinary_hours') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

loaded_months as (
    select month
    from {{ ref('int_months') }}
),

activities as (
    select
        month,
        person_key,
        1 as conversation_count,
        0 as offer_day_count,
        0::decimal(18, 6) as paid_hours
    from conversations
    union all
    select
        month,
        person_key,
        0 as conversation_count,
        to_date - from_date + 1 as offer_day_count,
        0::decimal(18, 6) as paid_hours
    from offer_days
    union all
    select
        ordinary_hours.month,
        ordinary_hours.person_key,
        0 as conversation_count,
        0 as offer_day_count,
        ordinary_hours.paid_hours
    from ordinary_hours
    semi join loaded_months
        on ordinary_hours.month = loaded_months.month
)

select
    month,
    person_key,
    sum(conversation_count)::integer as conversation_count,
    sum(offer_day_count)::integer as offer_day_count,
    sum(paid_hours)::decimal(18, 6) as paid_hours
from activities
group by month, person_key
