with tables as (
    select
        table_id,
        columns,
        vintage_period,
        vintage_delivery,
        vintage
    from {{ ref('stg_jobindsats__tables') }}
),

table_rows as (
    select
        table_id,
        cells,
        vintage_period,
        vintage_delivery
    from {{ ref('stg_jobindsats__rows') }}
),

measure_kinds as (
    select
        match_order,
        label_pattern,
        measure_kind
    from {{ ref('jobindsats_measure_kinds') }}
),

labels as (
    select
        table_id,
        vintage_period,
        vintage_delivery,
        vintage,
        unnest(columns) as column_label,
        generate_subscripts(columns, 1) as column_position
    from tables
),

cells as (
    select
        table_id,
        vintage_period,
        vintage_delivery,
        unnest(cells) as cell,
        generate_subscripts(cells, 1) as column_position
    from table_rows
),

-- A column without any text but the marks for "missing" is a measure; a dimension always has labels.
texts as (
    select
        table_id,
        vintage_period,
        vintage_delivery,
        column_position,
        count(*) as text_count
    from cells
    where try_cast(cell as double) is null and trim(cell) not in ('', '-', '.', '..')
    group by table_id, vintage_period, vintage_delivery, column_position
),

named as (
    select
        labels.table_id,
        labels.vintage_period,
        labels.vintage_delivery,
        labels.vintage,
        labels.column_position,
        {{ published_label_as_written('labels.column_label') }} as column_name,
        {{ published_label('labels.column_label') }} as normalised_label,
        {{ published_label_end('labels.column_label') }} as normalised_label_end,
        coalesce(texts.text_count, 0) > 0 as has_text
    from labels
    left join texts
        on
            labels.table_id = texts.table_id
            and labels.vintage_period = texts.vintage_period
            and labels.vintage_delivery = texts.vintage_delivery
            and labels.column_position = texts.column_position
),

-- The order is fixed: period, area, dimensions, measures. So the first column without text begins the measures.
ranged as (
    select
        *,
        min(case when not has_text and normalised_label not in ('periode', 'område') then column_position end) over (
            partition by table_id, vintage_period, vintage_delivery
        ) as first_measure_position
    from named
),

roles as (
    select
        *,
        case
            when normalised_label = 'periode' then 'period'
            when normalised_label = 'område' then 'area'
            when column_position >= first_measure_position then 'measure'
            else 'dimension'
        end as column_role
    from ranged
),

kinds as (
    select
        roles.*,
        case when roles.column_role = 'measure' then measure_kinds.measure_kind end as measure_kind
    from roles
    inner join measure_kinds
        on measure_kinds.label_pattern is null or regexp_matches(roles.normalised_label, measure_kinds.label_pattern)
    qualify
        row_number() over (
            partition by roles.table_id, roles.vintage_period, roles.vintage_delivery, roles.column_position
            order by measure_kinds.match_order
        ) = 1
),

turns as (
    select
        *,
        coalesce(
            measure_kind = 'count' and lag(measure_kind) over (
                partition by table_id, vintage_period, vintage_delivery order by column_position
            ) is distinct from 'count',
            false
        ) as begins_counts
    from kinds
),

-- Counts stand before the percentages made of them: a run of counts and what follows it belong together.
runs as (
    select
        *,
        count(*) filter (where begins_counts) over (
            partition by table_id, vintage_period, vintage_delivery order by column_position
        ) as run_number
    from turns
),

-- Of a run, the counts in total decide; parts ("… fordelt på type: Andre") only where there is no total.
run_counts as (
    select
        table_id,
        vintage_period,
        vintage_delivery,
        run_number,
        coalesce(
            list(column_position) filter (where measure_kind = 'count' and not contains(normalised_label, ': ')),
            list(column_position) filter (where measure_kind = 'count')
        ) as count_positions
    from runs
    group by table_id, vintage_period, vintage_delivery, run_number
)

select
    runs.table_id,
    runs.vintage_period,
    runs.vintage_delivery,
    runs.vintage,
    runs.column_position,
    runs.column_name,
    runs.normalised_label,
    runs.normalised_label_end,
    runs.column_role,
    runs.measure_kind,
    case when runs.measure_kind in ('percentage', 'average') then run_counts.count_positions end as count_positions
from runs
inner join run_counts
    on
        runs.table_id = run_counts.table_id
        and runs.vintage_period = run_counts.vintage_period
        and runs.vintage_delivery = run_counts.vintage_delivery
        and runs.run_number = run_counts.run_number
