with target_groups as (
    select
        target_group_code,
        label_da,
        label_en,
        sort_order,
        valid_from_date,
        valid_to_date
    from {{ ref('target_groups') }}
)

select
    target_group_code,
    label_da as target_group_name_da,
    label_en as target_group_name_en,
    sort_order,
    valid_from_date,
    valid_to_date
from target_groups
