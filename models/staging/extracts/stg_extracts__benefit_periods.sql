select
    _period as month,
    person_key,
    benefit_code::codes.benefit_group as benefit_group_code,
    match_group_code::codes.match_group as match_group_code,
    municipality_code::codes.municipality as municipality_code,
    from_date,
    to_date,
    benefit_fraction
from {{ source('raw', 'benefit_periods') }}
