{#- How far back an offer can matter: the spell is shorter than 12 months (a test holds first_offer_months to it). -#}
{% set months_back = 12 %}
{{ config(materialized='monthly', inputs={'benefit_periods': 'history', 'active_offers': [-months_back, 0]}) }}

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
        as_of_date,
        first_offer_months
    from {{ ref('int_months') }}
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
        stock.support_spell_start_date,
        stock.is_support_left_censored,
        months.as_of_date
    from stock
    inner join months
        on
            stock.month = months.month
            and stock.support_completed_months = months.first_offer_months
),

offered as (
    select
        population.month,
        population.person_key,
        min(greatest(offer_days.from_date, population.support_spell_start_date)) as first_offer_date
    from population
    inner join offer_days
        on
            population.person_key = offer_days.person_key
            and population.support_spell_start_date <= offer_days.to_date
            and population.as_of_date >= offer_days.from_date
    group by population.month, population.person_key
)

select
    population.month,
    population.person_key,
    population.municipality_code,
    population.benefit_group_code,
    population.support_spell_start_date,
    population.is_support_left_censored,
    offered.first_offer_date,
    offered.first_offer_date is not null as has_first_offer
from population
left join offered
    on
        population.month = offered.month
        and population.person_key = offered.person_key
