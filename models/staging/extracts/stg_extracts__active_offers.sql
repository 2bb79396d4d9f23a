select
    _period as month,
    offer_id,
    person_key,
    municipality_code,
    offer_type as offer_type_code,
    from_date,
    to_date,
    hours_per_week
from {{ source('raw', 'active_offers') }}
