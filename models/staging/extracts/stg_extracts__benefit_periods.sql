select
    _period as month,
    person_key,
    benefit_code::main.benefit_group_code as benefit_group_code,
    match_group_code::main.match_group_code as match_group_code,
    municipality_code::main.municipality_code as municipality_code,
    from_date,
    to_date,
    benefit_fraction
from {{ source('raw', 'benefit_periods') }}
