{{ config(materialized='monthly', inputs={'benefit_periods': 'history'}) }}

with segments as (
    select
        month,
        municipality_code,
        benefit_group_code,
        is_in_scope,
        from_date,
        to_date,
        benefit_fraction
    from {{ ref('int_benefit_segments') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
)

select
    month,
    municipality_code,
    benefit_group_code,
    is_in_scope,
    -- Narrow types (a month's days, at most the whole of full time): products of wide decimals have 128 bits.
    sum((to_date - from_date + 1)::smallint * benefit_fraction::decimal(7, 6))::decimal(38, 6) as full_time_days
from segments
group by month, municipality_code, benefit_group_code, is_in_scope
