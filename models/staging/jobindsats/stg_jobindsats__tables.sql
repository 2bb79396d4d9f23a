select
    table_id,
    _period as vintage_period,
    _delivery as vintage_delivery,
    strftime(_period, '%Y-%m') || '/' || cast(_delivery as varchar) as vintage,
    columns,
    row_count
from {{ source('raw', 'jobindsats_tables') }}
