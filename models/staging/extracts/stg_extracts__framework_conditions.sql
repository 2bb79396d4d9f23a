select
    _period as month,
    municipality_code,
    period_code,
    covariate_code,
    value
from {{ source('raw', 'framework_conditions') }}
