{#- How far back activity can matter: the spell is shorter than 12 months (a test holds the rule to it). -#}
{% set months_back = 12 %}
{{ config(
    materialized='monthly',
    inputs={'benefit_periods': 'history', 'conversations': [-months_back, 0], 'active_offers': [-months_back, 0]}
) }}

with stock as (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        benefit_spell_start_date,
        benefit_completed_months,
        is_benefit_left_censored
    from {{ ref('int_stock') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

months as (
    select
        month,
        as_of_date,
        early_effort_completed_months,
        early_effort_required_conversations
    from {{ ref('int_months') }}
    where early_effort_completed_months is not null
),

early_effort_groups as (
    select
        benefit_group_code,
        valid_from_date,
        valid_to_date
    from {{ ref('early_effort_benefit_groups') }}
),

conversations as (
    select
        person_key,
        conversation_date
    from {{ ref('int_counted_conversations') }}
    where month between ({{ batch_from() }} - interval '{{ months_back }} months')::date and {{ batch_to() }}
),

offer_days as (
    select
        person_key,
        from_date,
        to_date
    from {{ ref('int_offer_days') }}
    where month between ({{ batch_from() }} - interval '{{ months_back }} months')::date and {{ batch_to() }}
),

population as (
    select
        stock.month,
        stock.person_key,
        stock.municipality_code,
        stock.benefit_group_code,
        stock.benefit_spell_start_date,
        stock.is_benefit_left_censored,
        months.as_of_date,
        months.early_effort_required_conversations
    from stock
    inner join months
        on
            stock.month = months.month
            and stock.benefit_completed_months = months.early_effort_completed_months
    inner join early_effort_groups
        on
            stock.benefit_group_code = early_effort_groups.benefit_group_code
            and {{ in_force_on('months.as_of_date', 'early_effort_groups') }}
),

counted as (
    select
        population.month,
        population.person_key,
        count(*)::integer as conversation_count
    from population
    inner join conversations
        on
            population.person_key = conversations.person_key
            and population.benefit_spell_start_date <= conversations.conversation_date
            and population.as_of_date >= conversations.conversation_date
    group by population.month, population.person_key
),

offered as (
    select
        population.month,
        population.person_key,
        max(least(offer_days.to_date, population.as_of_date)) as last_offer_date
    from population
    inner join offer_days
        on
            population.person_key = offer_days.person_key
            and population.benefit_spell_start_date <= offer_days.to_date
            and population.as_of_date >= offer_days.from_date
    group by population.month, population.person_key
)

select
    population.month,
    population.person_key,
    population.municipality_code,
    population.benefit_group_code,
    population.benefit_spell_start_date,
    population.is_benefit_left_censored,
    coalesce(counted.conversation_count, 0) as conversation_count,
    offered.last_offer_date,
    coalesce(counted.conversation_count, 0) >= population.early_effort_required_conversations as has_conversations,
    offered.last_offer_date is not null as has_offer
from population
left join counted
    on
        population.month = counted.month
        and population.person_key = counted.person_key
left join offered
    on
        population.month = offered.month
        and population.person_key = offered.person_key
