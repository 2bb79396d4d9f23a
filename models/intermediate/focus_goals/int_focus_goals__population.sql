{#- How far back activity can matter: the window of the rule activity_window_months (a test holds it to 12). -#}
{% set months_back = 11 %}
{{ config(
    materialized='monthly',
    inputs={
        'benefit_periods': 'history',
        'conversations': [-months_back, 0],
        'active_offers': [-months_back, 0],
        'ordinary_hours': [-months_back, 0]
    }
) }}

with stock as (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        support_spell_start_date,
        support_completed_months,
        is_support_left_censored
    from {{ ref('int_stock') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and is_in_scope
),

months as (
    select
        month,
        passive_minimum_months,
        activity_window_months,
        hours_limit,
        hours_rule_id,
        few_conversations_minimum
    from {{ ref('int_months') }}
),

conversations as (
    select
        month,
        person_key
    from {{ ref('int_counted_conversations') }}
    where month between ({{ batch_from() }} - interval '{{ months_back }} months')::date and {{ batch_to() }}
),

offer_days as (
    select
        month,
        person_key,
        from_date,
        to_date
    from {{ ref('int_offer_days') }}
    where month between ({{ batch_from() }} - interval '{{ months_back }} months')::date and {{ batch_to() }}
),

ordinary_hours as (
    select
        month,
        person_key,
        paid_hours
    from {{ ref('stg_extracts__ordinary_hours') }}
    where month between ({{ batch_from() }} - interval '{{ months_back }} months')::date and {{ batch_to() }}
),

population as (
    select
        stock.month,
        stock.person_key,
        stock.municipality_code,
        stock.benefit_group_code,
        stock.support_spell_start_date,
        stock.is_support_left_censored,
        (stock.month - to_months(months.activity_window_months - 1))::date as window_from_month,
        months.hours_limit,
        months.hours_rule_id,
        months.few_conversations_minimum
    from stock
    inner join months
        on
            stock.month = months.month
            and stock.support_completed_months >= months.passive_minimum_months
),

held as (
    select
        population.month,
        population.person_key,
        count(*)::integer as conversation_count
    from population
    inner join conversations
        on
            population.person_key = conversations.person_key
            and population.window_from_month <= conversations.month
            and population.month >= conversations.month
    group by population.month, population.person_key
),

offered as (
    select
        population.month,
        population.person_key,
        sum(offer_days.to_date - offer_days.from_date + 1)::integer as offer_day_count
    from population
    inner join offer_days
        on
            population.person_key = offer_days.person_key
            and population.window_from_month <= offer_days.month
            and population.month >= offer_days.month
    group by population.month, population.person_key
),

worked as (
    select
        population.month,
        population.person_key,
        sum(ordinary_hours.paid_hours) as paid_hours
    from population
    inner join ordinary_hours
        on
            population.person_key = ordinary_hours.person_key
            and population.window_from_month <= ordinary_hours.month
            and population.month >= ordinary_hours.month
    -- A month without benefits is not loaded, whatever else has come for it.
    semi join months on ordinary_hours.month = months.month
    group by population.month, population.person_key
),

evidenced as (
    select
        population.month,
        population.person_key,
        population.municipality_code,
        population.benefit_group_code,
        population.support_spell_start_date,
        population.is_support_left_censored,
        population.hours_limit,
        population.hours_rule_id,
        population.few_conversations_minimum,
        -- No activity found is none: every person of the population is listed first.
        coalesce(held.conversation_count, 0) as conversation_count,
        coalesce(offered.offer_day_count, 0) as offer_day_count,
        coalesce(worked.paid_hours, 0)::decimal(18, 6) as paid_hours
    from population
    left join held
        on
            population.month = held.month
            and population.person_key = held.person_key
    left join offered
        on
            population.month = offered.month
            and population.person_key = offered.person_key
    left join worked
        on
            population.month = worked.month
            and population.person_key = worked.person_key
)

select
    month,
    person_key,
    municipality_code,
    benefit_group_code,
    support_spell_start_date,
    is_support_left_censored,
    conversation_count,
    offer_day_count,
    paid_hours,
    hours_rule_id,
    offer_day_count = 0 and paid_hours < hours_limit as is_passive,
    conversation_count < few_conversations_minimum as has_few_conversations,
    offer_day_count = 0 and paid_hours < hours_limit and conversation_count = 0 as is_uncontacted
from evidenced
