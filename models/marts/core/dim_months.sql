with months as (
    select
        month,
        as_of_date,
        is_provisional
    from {{ ref('int_months') }}
),

names as (
    select
        month_number,
        label_da,
        label_en
    from {{ ref('month_names') }}
)

select
    months.month,
    months.as_of_date,
    cast(year(months.month) as integer) as year,
    cast(quarter(months.month) as integer) as quarter,
    months.is_provisional,
    names.label_da || ' ' || year(months.month) as label_da,
    names.label_en || ' ' || year(months.month) as label_en
from months
left join names
    on month(months.month) = names.month_number
