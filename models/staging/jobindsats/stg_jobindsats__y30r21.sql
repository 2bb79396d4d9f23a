with tables as (
    select
        columns,
        _period,
        _delivery
    from {{ source('raw', 'jobindsats_tables') }}
    where table_id = 'y30r21'
),

table_rows as (
    select
        cells,
        _period,
        _delivery
    from {{ source('raw', 'jobindsats_rows') }}
    where table_id = 'y30r21'
),

measures as (
    select
        measure_label,
        measure_code
    from {{ ref('jobindsats_measures') }}
    where content_code = 'expected_level'
),

areas as (
    select
        {{ published_label('alias') }} as area_label,
        municipality_code
    from {{ ref('municipality_aliases') }}
    where area_type_code = 'municipality'
),

benefit_areas as (
    select
        benefit_area_code,
        {{ published_label('published_label') }} as published_label
    from {{ ref('benefit_areas') }}
    where published_label is not null
),

labels as (
    select
        _period,
        _delivery,
        unnest(columns) as column_label,
        generate_subscripts(columns, 1) as column_position
    from tables
),

named as (
    select
        labels._period,
        labels._delivery,
        labels.column_position,
        case
            when {{ published_label('labels.column_label') }} = 'periode' then 'period'
            when {{ published_label('labels.column_label') }} = 'område' then 'area'
            else coalesce(measures.measure_code, 'benefit_area')
        end as column_code
    from labels
    left join measures on {{ published_label_end('labels.column_label') }} = measures.measure_label
),

positions as (
    select
        _period,
        _delivery,
        min(column_position) filter (where column_code = 'period') as period_position,
        min(column_position) filter (where column_code = 'area') as area_position,
        min(column_position) filter (where column_code = 'benefit_area') as benefit_area_position,
        min(column_position) filter (where column_code = 'expected_full_time_persons') as expected_persons_position,
        min(column_position) filter (where column_code = 'actual_full_time_persons') as actual_persons_position,
        min(column_position) filter (where column_code = 'difference_full_time_persons') as difference_persons_position,
        min(column_position) filter (where column_code = 'expected_percentage') as expected_percentage_position,
        min(column_position) filter (where column_code = 'actual_percentage') as actual_percentage_position,
        min(column_position) filter (where column_code = 'difference_percentage_points') as difference_points_position,
        min(column_position) filter (where column_code = 'published_benchmark_rank') as rank_position
    from named
    group by _period, _delivery
),

published as (
    select
        table_rows._period,
        table_rows._delivery,
        trim(table_rows.cells[positions.period_position]) as period_code,
        {{ published_label('table_rows.cells[positions.area_position]') }} as area_label,
        {{ published_label('table_rows.cells[positions.benefit_area_position]') }} as published_label,
        try_cast(table_rows.cells[positions.expected_persons_position] as double) as expected_full_time_persons,
        try_cast(table_rows.cells[positions.actual_persons_position] as double) as actual_full_time_persons,
        try_cast(table_rows.cells[positions.difference_persons_position] as double) as difference_full_time_persons,
        try_cast(table_rows.cells[positions.expected_percentage_position] as double) as expected_percentage,
        try_cast(table_rows.cells[positions.actual_percentage_position] as double) as actual_percentage,
        try_cast(table_rows.cells[positions.difference_points_position] as double) as difference_percentage_points,
        try_cast(table_rows.cells[positions.rank_position] as integer) as published_benchmark_rank
    from table_rows
    inner join positions
        on
            table_rows._period = positions._period
            and table_rows._delivery = positions._delivery
),

-- Of several fetches the newest that contains a period counts, whole: also where it holds fewer rows than an older one.
newest as (
    select *
    from published
    qualify dense_rank() over (partition by period_code order by _period desc, _delivery desc) = 1
)

select
    newest.period_code,
    {{ published_period_start('newest.period_code') }} as period_start_date,
    {{ published_period_end('newest.period_code') }} as period_end_date,
    areas.municipality_code,
    benefit_areas.benefit_area_code,
    newest.expected_full_time_persons,
    newest.actual_full_time_persons,
    newest.difference_full_time_persons,
    newest.expected_percentage,
    newest.actual_percentage,
    newest.difference_percentage_points,
    newest.published_benchmark_rank,
    newest._period as vintage_period,
    newest._delivery as vintage_delivery
from newest
inner join areas on newest.area_label = areas.area_label
inner join benefit_areas on newest.published_label = benefit_areas.published_label
where {{ published_period_end('newest.period_code') }} is not null
