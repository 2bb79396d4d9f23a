{{ config(materialized='view') }}

with columns as (
    select
        table_id,
        vintage_period,
        vintage_delivery,
        vintage,
        column_position,
        column_name,
        normalised_label,
        normalised_label_end,
        column_role,
        measure_kind,
        count_positions
    from {{ ref('int_published__columns') }}
),

table_rows as (
    select
        table_id,
        vintage_period,
        vintage_delivery,
        cells
    from {{ ref('stg_jobindsats__rows') }}
),

areas as (
    select
        {{ published_label('alias') }} as area_label,
        -- The country stands beside its municipalities under the code that all marts use for it.
        case when area_type_code = 'country' then '0000' else municipality_code end as municipality_code
    from {{ ref('municipality_aliases') }}
    where area_type_code in ('municipality', 'country')
),

layouts as (
    select
        table_id,
        vintage_period,
        vintage_delivery,
        min(column_position) filter (where column_role = 'period') as period_position,
        min(column_position) filter (where column_role = 'area') as area_position,
        list(column_position order by column_position) filter (where column_role = 'dimension') as dimension_positions
    from columns
    group by table_id, vintage_period, vintage_delivery
),

placed as (
    select
        table_rows.table_id,
        table_rows.vintage_period,
        table_rows.vintage_delivery,
        table_rows.cells,
        trim(table_rows.cells[layouts.period_position]) as period_code,
        -- A table that names no area is summed to the country.
        case
            when layouts.area_position is null then '0000'
            else areas.municipality_code
        end as municipality_code,
        array_to_string(
            list_transform(layouts.dimension_positions, lambda place: trim(table_rows.cells[place])), ' | '
        ) as dimension_label
    from table_rows
    inner join layouts
        on
            table_rows.table_id = layouts.table_id
            and table_rows.vintage_period = layouts.vintage_period
            and table_rows.vintage_delivery = layouts.vintage_delivery
    left join areas on {{ published_label('table_rows.cells[layouts.area_position]') }} = areas.area_label
),

ranked as (
    select
        *,
        dense_rank() over (
            partition by table_id, period_code order by vintage_period desc, vintage_delivery desc
        ) = 1 as is_newest
    from placed
),

known as (
    select
        *,
        {{ published_period_start('period_code') }} as period_start_date,
        {{ published_period_end('period_code') }} as period_end_date
    from ranked
    where municipality_code is not null
),

measured as (
    select
        known.table_id,
        known.vintage_period,
        known.vintage_delivery,
        columns.vintage,
        known.period_code,
        known.period_start_date,
        known.period_end_date,
        known.municipality_code,
        known.dimension_label,
        columns.column_name,
        columns.normalised_label,
        columns.normalised_label_end,
        columns.measure_kind,
        known.is_newest,
        -- A percentage beside a count of 0-2 would give the count away, or stand as a false 0.
        case
            when
                list_bool_or(
                    list_transform(
                        columns.count_positions, lambda place: try_cast(known.cells[place] as double) is null
                    )
                )
                then null
            else try_cast(known.cells[columns.column_position] as double)
        end as value
    from known
    inner join columns
        on
            known.table_id = columns.table_id
            and known.vintage_period = columns.vintage_period
            and known.vintage_delivery = columns.vintage_delivery
            and columns.column_role = 'measure'
    where known.period_end_date is not null
)

select
    table_id,
    vintage_period,
    vintage_delivery,
    vintage,
    period_code,
    period_start_date,
    period_end_date,
    case when regexp_matches(period_code, '^\d{4}M\d{2}$') then period_start_date end as month,
    municipality_code,
    dimension_label,
    column_name,
    normalised_label,
    normalised_label_end,
    measure_kind,
    is_newest,
    value,
    value is null as is_suppressed_or_zero
from measured
