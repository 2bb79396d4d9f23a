select
    _period as month,
    municipality_code,
    supplier as supplier_code,
    population_16_66
from {{ source('raw', 'population') }}
