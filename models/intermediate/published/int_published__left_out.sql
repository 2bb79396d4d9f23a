with columns as (
    select
        table_id,
        vintage_period,
        vintage_delivery,
        vintage,
        column_position,
        normalised_label_end,
        column_role
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

aliases as (
    select {{ published_label('alias') }} as area_label
    from {{ ref('municipality_aliases') }}
),

benefit_areas as (
    select {{ published_label('published_label') }} as published_label
    from {{ ref('benefit_areas') }}
    where published_label is not null
),

tables as (
    select
        table_id,
        content_code
    from {{ ref('jobindsats_tables') }}
    -- a table's content does not change with the validity of its comparison
    {{ newest_row('table_id') }}
),

measures as (
    select
        content_code,
        measure_code,
        measure_label
    from {{ ref('jobindsats_measures') }}
),

labelled as (
    select
        columns.table_id,
        columns.vintage,
        columns.column_role,
        tables.content_code,
        table_rows.cells[columns.column_position] as label
    from table_rows
    inner join columns
        on
            table_rows.table_id = columns.table_id
            and table_rows.vintage_period = columns.vintage_period
            and table_rows.vintage_delivery = columns.vintage_delivery
            and columns.column_role in ('period', 'area', 'dimension')
    left join tables on columns.table_id = tables.table_id
),

left_out_labels as (
    select
        table_id,
        vintage,
        case
            when column_role = 'area' then 'unknown_area'
            when column_role = 'period' then 'unknown_period'
            else 'unknown_benefit_area'
        end as reason_code,
        coalesce(label, '') as label
    from labelled
    where
        (
            column_role = 'area'
            and coalesce({{ published_label('label') }}, '') not in (select aliases.area_label from aliases)
        )
        or (column_role = 'period' and {{ published_period_end('trim(label)') }} is null)
        or (
            column_role = 'dimension'
            and content_code = 'expected_level'
            and {{ published_label('label') }} not in (select benefit_areas.published_label from benefit_areas)
        )
),

vintages as (
    select
        columns.table_id,
        columns.vintage,
        tables.content_code,
        list(columns.normalised_label_end) as label_ends,
        bool_or(columns.column_role = 'period') as has_period
    from columns
    left join tables on columns.table_id = tables.table_id
    group by columns.table_id, columns.vintage, tables.content_code
),

missing_measures as (
    select
        vintages.table_id,
        vintages.vintage,
        'missing_measure' as reason_code,
        measures.measure_code as label
    from vintages
    inner join measures on vintages.content_code = measures.content_code
    group by vintages.table_id, vintages.vintage, measures.measure_code
    having not bool_or(list_contains(vintages.label_ends, measures.measure_label))
)

select
    table_id,
    vintage,
    reason_code,
    label,
    count(*) as row_count
from left_out_labels
group by table_id, vintage, reason_code, label
union all
select
    table_id,
    vintage,
    reason_code,
    label,
    0 as row_count
from missing_measures
union all
select
    table_id,
    vintage,
    'missing_period_column' as reason_code,
    '' as label,
    0 as row_count
from vintages
where not has_period
