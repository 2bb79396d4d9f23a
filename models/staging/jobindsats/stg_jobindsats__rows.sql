select
    table_id,
    _period as vintage_period,
    _delivery as vintage_delivery,
    row_number,
    cells
from {{ source('raw', 'jobindsats_rows') }}
