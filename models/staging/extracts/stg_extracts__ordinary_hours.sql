select
    _period as month,
    person_key,
    paid_hours
from {{ source('raw', 'ordinary_hours') }}
