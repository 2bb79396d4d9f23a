{#- By the month of the file, since a request of one month may lead to a conversation in any later one. -#}
{{ config(materialized='monthly', inputs={'conversations': [0, 0]}, months_of='conversations') }}

with conversations as (
    select
        month,
        municipality_code,
        conversation_status_code,
        conversation_date,
        requested_date
    from {{ ref('stg_extracts__conversations') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and requested_date is not null
),

conversation_statuses as (
    select
        conversation_status_code,
        is_held,
        valid_from_date,
        valid_to_date
    from {{ ref('conversation_statuses') }}
),

request_days as (
    select
        value::integer as request_days,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_parameters') }}
    where parameter_code = 'request_days'
),

ruled as (
    select
        conversations.month,
        conversations.municipality_code,
        conversations.conversation_date,
        conversations.requested_date,
        {{ required_rule(
            'conversation_statuses.is_held',
            "'conversation_statuses:' || conversations.conversation_status_code"
        ) }} as is_held,
        {{ required_rule(
            'request_days.request_days',
            "'request_days on ' || conversations.requested_date"
        ) }} as request_days
    from conversations
    left join conversation_statuses
        on
            conversations.conversation_status_code = conversation_statuses.conversation_status_code
            and {{ in_force_on('conversations.conversation_date', 'conversation_statuses') }}
    left join request_days
        on {{ in_force_on('conversations.requested_date', 'request_days') }}
)

select
    month,
    municipality_code,
    requested_date,
    requested_date + request_days as due_date,
    count(*) as requested_count,
    count(*) filter (where is_held and conversation_date <= requested_date + request_days) as within_10_days_count
from ruled
group by month, municipality_code, requested_date, requested_date + request_days
