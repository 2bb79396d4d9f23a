with figures as (
    select
        table_id,
        vintage_period,
        vintage_delivery,
        vintage,
        period_code,
        period_start_date,
        period_end_date,
        municipality_code,
        dimension_label,
        column_name,
        normalised_label,
        value
    from {{ ref('int_published__figures') }}
),

-- A table with one vintage has nothing to be compared with; leaving it out keeps the window below small.
revisable_tables as (
    select table_id
    from {{ ref('stg_jobindsats__tables') }}
    group by table_id
    having count(*) > 1
),

-- The vintage before is the one that held the same cell before: fetches need not hold the same periods.
compared as (
    select
        figures.*,
        lag(figures.vintage) over cell as previous_vintage,
        lag(figures.value) over cell as old_value
    from figures
    inner join revisable_tables on figures.table_id = revisable_tables.table_id
    window
        cell as (
            partition by
                figures.table_id,
                figures.normalised_label,
                figures.period_code,
                figures.municipality_code,
                figures.dimension_label
            order by figures.vintage_period, figures.vintage_delivery
        )
)

select
    table_id,
    period_code,
    period_start_date,
    period_end_date,
    municipality_code,
    column_name,
    dimension_label,
    vintage,
    previous_vintage,
    old_value,
    value as new_value
from compared
where previous_vintage is not null and old_value is distinct from value
