{{ config(materialized='view') }}

with municipalities as (
    select
        municipality_code,
        valid_from_date,
        valid_to_date
    from {{ ref('municipalities') }}
),

months as (
    select
        month,
        as_of_date
    from {{ ref('int_months') }}
)

select
    months.month,
    municipalities.municipality_code
from months
inner join municipalities
    on {{ in_force_on('months.as_of_date', 'municipalities') }}
union all
select
    month,
    '0000' as municipality_code
from months
