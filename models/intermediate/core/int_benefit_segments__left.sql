{#-
    Nearly everybody on support keeps their place from month to month, and so their spells: their segment says so. Who
    doesn't is found here, once for the spells of all kinds, so that spells are compared of few.
-#}
{{ config(materialized='monthly', inputs={'benefit_periods': 'history'}) }}

with months as (
    select
        month,
        previous_loaded_month,
        -- Who was on support on that day or later may go on in the next month, by the rule of that month.
        as_of_date - spell_gap_days_of_next_month as open_from_date
    from {{ ref('int_months') }}
),

batch_months as (
    select
        month,
        previous_loaded_month
    from months
    where month between {{ batch_from() }} and {{ batch_to() }}
),

-- Read anew by each step, of which each needs few of the columns.
segments as not materialized (
    select
        segments.month,
        segments.person_key,
        segments.to_date,
        segments.municipality_code,
        segments.benefit_group_code,
        segments.target_group_code,
        segments.is_in_scope,
        segments.benefit_spell_start_date,
        segments.support_spell_start_date,
        segments.is_benefit_left_censored,
        segments.is_support_left_censored,
        -- Another segment that follows in the month decides at once: it goes on with a spell, or the spell is over.
        segments.is_last_of_month and segments.to_date >= months.open_from_date as is_open
    from {{ ref('int_benefit_segments') }} as segments
    inner join months on segments.month = months.month
    where
        segments.month <= {{ batch_to() }}
        and segments.month >= (select min(coalesce(previous_loaded_month, month)) from batch_months)
),

kept_places as (
    select
        month,
        person_key
    from {{ ref('int_benefit_segments') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and is_place_kept
),

left_segments as (
    select
        segments.month as known_month,
        segments.*
    from segments
    where
        segments.month >= {{ batch_from() }}
        and not segments.is_open
    union all
    select
        batch_months.month as known_month,
        segments.*
    from segments
    inner join batch_months on segments.month = batch_months.previous_loaded_month
    anti join kept_places
        on
            batch_months.month = kept_places.month
            and segments.person_key = kept_places.person_key
    where segments.is_open
)

select
    known_month as month,
    person_key,
    to_date as last_date,
    municipality_code,
    benefit_group_code,
    target_group_code,
    is_in_scope,
    benefit_spell_start_date,
    support_spell_start_date,
    is_benefit_left_censored,
    is_support_left_censored
from left_segments
