{#- How far back a conversation can matter: no window ends later than 24 months (a test holds the seed to it). -#}
{% set months_back = 24 %}
{{ config(materialized='monthly', inputs={'benefit_periods': 'history', 'conversations': [-months_back, 0]}) }}

with stock as (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        target_group_code,
        benefit_spell_start_date,
        benefit_completed_months,
        is_benefit_left_censored
    from {{ ref('int_stock') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and target_group_code is not null
),

months as (
    select
        month,
        as_of_date
    from {{ ref('int_months') }}
),

windows as (
    select
        target_group_code::main.target_group_code as target_group_code,
        from_months,
        to_months,
        required_count,
        {{ rule_id('conversation_window', 'target_group_code', 'valid_from_date') }} as rule_id,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_conversation_windows') }}
),

conversations as (
    select
        person_key,
        conversation_date
    from {{ ref('int_counted_conversations') }}
    where month between ({{ batch_from() }} - interval '{{ months_back }} months')::date and {{ batch_to() }}
),

ruled as (
    select
        stock.month,
        stock.person_key,
        stock.municipality_code,
        stock.benefit_group_code,
        stock.target_group_code,
        stock.benefit_spell_start_date,
        stock.benefit_completed_months,
        stock.is_benefit_left_censored,
        months.as_of_date,
        {{ required_rule(
            'windows.from_months',
            "'conversation_window:' || stock.target_group_code || ' on ' || months.as_of_date"
        ) }} as from_months,
        windows.to_months,
        windows.required_count,
        windows.rule_id
    from stock
    inner join months on stock.month = months.month
    left join windows
        on
            stock.target_group_code = windows.target_group_code
            and {{ in_force_on('months.as_of_date', 'windows') }}
),

population as (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        target_group_code,
        benefit_spell_start_date,
        benefit_completed_months,
        is_benefit_left_censored,
        as_of_date,
        required_count,
        rule_id
    from ruled
    where
        benefit_completed_months >= from_months
        and benefit_completed_months < to_months
),

counted as (
    select
        population.month,
        population.person_key,
        count(*)::integer as conversation_count,
        max(conversations.conversation_date) as last_conversation_date
    from population
    inner join conversations
        on
            population.person_key = conversations.person_key
            and population.benefit_spell_start_date <= conversations.conversation_date
            and population.as_of_date >= conversations.conversation_date
    group by population.month, population.person_key
)

select
    population.month,
    population.person_key,
    population.municipality_code,
    population.benefit_group_code,
    population.target_group_code,
    population.benefit_spell_start_date,
    population.benefit_completed_months,
    population.is_benefit_left_censored,
    population.required_count,
    population.rule_id,
    -- Nobody counted means none held: the persons come from the list of those due.
    coalesce(counted.conversation_count, 0) as conversation_count,
    counted.last_conversation_date,
    coalesce(counted.conversation_count, 0) >= population.required_count as is_sufficient
from population
left join counted
    on
        population.month = counted.month
        and population.person_key = counted.person_key
