select
    dataset as dataset_code,
    period as month,
    delivery as delivery_number,
    row_count
from {{ source('raw', 'current_batches') }}
