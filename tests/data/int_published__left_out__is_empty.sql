{{ config(severity='warn') }}
{#- Published labels that no list knows: their rows are missing in the marts until the list is mended. -#}
select
    table_id,
    vintage,
    reason_code,
    label,
    row_count
from {{ ref('int_published__left_out') }}
