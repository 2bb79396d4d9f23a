select
    _period as month,
    conversation_id,
    person_key,
    municipality_code,
    conversation_type_code,
    contact_form as contact_form_code,
    status as conversation_status_code,
    conversation_date,
    requested_date,
    registered_at
from {{ source('raw', 'conversations') }}
