{#-
    A spell with an offer day keeps it as long as it goes on: what the month before says of it is carried, so that only
    the batch's own offer days are read, not those of the whole history. A gap that a spell bridges is shorter than a
    month (a test holds the rule to it): a spell that goes on held the newest days of the month before.
-#}
{{ config(
    materialized='monthly',
    inputs={'benefit_periods': 'history', 'active_offers': 'history'},
    contract={'enforced': true}
) }}

with segments as (
    select
        month,
        person_key,
        benefit_spell_start_date
    from {{ ref('int_benefit_segments') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and is_last_of_month
),

-- Who had an offer day in the spell of the newest days of the month before is carried like an offer on its last day: a
-- spell that began by then is that spell.
offer_days as (
    select
        month,
        person_key,
        {{ batch_from() }} - 1 as to_date
    from {{ this }}
    where month = ({{ batch_from() }} - interval 1 month)::date
    union all
    select
        month,
        person_key,
        to_date
    from {{ ref('int_offer_days') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
)

-- A month's days lie in that month: one that does not end before the spell's start has a day in the spell.
select
    segments.month,
    segments.person_key
from segments
semi join offer_days
    on
        segments.person_key = offer_days.person_key
        and segments.month >= offer_days.month
        and segments.benefit_spell_start_date <= offer_days.to_date
