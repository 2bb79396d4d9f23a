{{ config(materialized='monthly', inputs={'conversations': [0, 0]}) }}

with conversations as (
    select
        month,
        person_key,
        conversation_type_code,
        contact_form_code,
        conversation_status_code,
        conversation_date
    from {{ ref('stg_extracts__conversations') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

loaded_months as (
    select month
    from {{ ref('int_months') }}
),

conversation_types as (
    select
        conversation_type_code,
        is_counted,
        valid_from_date,
        valid_to_date
    from {{ ref('conversation_types') }}
),

conversation_statuses as (
    select
        conversation_status_code,
        is_held,
        valid_from_date,
        valid_to_date
    from {{ ref('conversation_statuses') }}
),

contact_forms as (
    select
        contact_form_code,
        is_counted,
        valid_from_date,
        valid_to_date
    from {{ ref('contact_forms') }}
),

ruled as (
    select
        conversations.month,
        conversations.person_key,
        conversations.conversation_date,
        conversations.conversation_type_code,
        {{ required_rule(
            'conversation_types.is_counted',
            "'conversation_types:' || conversations.conversation_type_code || ' on ' || conversations.conversation_date"
        ) }} as is_counted_type,
        {{ required_rule(
            'conversation_statuses.is_held',
            "'conversation_statuses:' || conversations.conversation_status_code"
        ) }} as is_held,
        {{ required_rule(
            'contact_forms.is_counted',
            "'contact_forms:' || conversations.contact_form_code"
        ) }} as is_counted_form
    from conversations
    semi join loaded_months
        on conversations.month = loaded_months.month
    left join conversation_types
        on
            conversations.conversation_type_code = conversation_types.conversation_type_code
            and {{ in_force_on('conversations.conversation_date', 'conversation_types') }}
    left join conversation_statuses
        on
            conversations.conversation_status_code = conversation_statuses.conversation_status_code
            and {{ in_force_on('conversations.conversation_date', 'conversation_statuses') }}
    left join contact_forms
        on
            conversations.contact_form_code = contact_forms.contact_form_code
            and {{ in_force_on('conversations.conversation_date', 'contact_forms') }}
)

-- At most one per person, type and day counts.
select
    month,
    person_key,
    conversation_date,
    conversation_type_code
from ruled
where is_held and is_counted_type and is_counted_form
group by month, person_key, conversation_date, conversation_type_code
