{{ config(materialized='monthly', inputs={'benefit_periods': 'history', 'conversations': 'history'}) }}

with late as (
    select
        month,
        due_month,
        municipality_code,
        target_group_code,
        sequence_number
    from {{ ref('int_conversation_obligations__late') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
)

select
    month,
    due_month,
    municipality_code,
    target_group_code,
    sequence_number,
    count(*) as late_count
from late
group by month, due_month, municipality_code, target_group_code, sequence_number
