{{ config(materialized='monthly', inputs={'benefit_periods': 'history', 'conversations': [-25, 0]}) }}

with due as (
    select
        month,
        municipality_code,
        target_group_code,
        sequence_number,
        exclusion_reason_code
    from {{ ref('int_conversation_obligations__due') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and exclusion_reason_code is not null
),

evidence as (
    select
        month,
        municipality_code,
        target_group_code,
        sequence_number,
        is_on_time
    from {{ ref('int_conversation_obligations__evidence') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

obligations as (
    select
        month,
        municipality_code,
        target_group_code,
        sequence_number,
        null::boolean as is_on_time
    from due
    union all
    select
        month,
        municipality_code,
        target_group_code,
        sequence_number,
        is_on_time
    from evidence
)

select
    month,
    municipality_code,
    target_group_code,
    sequence_number,
    count(*) filter (where is_on_time) as on_time_count,
    count(*) filter (where not is_on_time) as not_on_time_count,
    count(*) filter (where is_on_time is null) as excluded_count
from obligations
group by month, municipality_code, target_group_code, sequence_number
