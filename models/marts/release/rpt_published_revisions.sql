with revisions as (
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
        new_value
    from {{ ref('int_published__revisions') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

tables as (
    select
        table_id,
        title_da,
        benefit_group_code
    from {{ ref('jobindsats_tables') }}
    {{ newest_row('table_id') }}
),

data_breaks as (
    select
        data_break_code,
        benefit_group_code,
        table_id,
        break_date,
        end_date
    from {{ ref('data_breaks') }}
),

broken as (
    select
        revisions.table_id,
        revisions.period_code,
        -- distinct: a break may touch a table by its id and by its benefit group
        array_to_string(list(distinct data_breaks.data_break_code order by data_breaks.data_break_code), ', ')
            as data_break_codes
    from revisions
    left join tables on revisions.table_id = tables.table_id
    inner join data_breaks
        on
            (
                revisions.table_id = data_breaks.table_id
                or tables.benefit_group_code = data_breaks.benefit_group_code
            )
            and revisions.period_end_date >= data_breaks.break_date
            and revisions.period_start_date < data_breaks.end_date
    group by revisions.table_id, revisions.period_code
)

select
    revisions.table_id,
    revisions.period_code,
    revisions.municipality_code,
    -- The dimension's labels belong to the column, so that table, period, municipality, column and vintage are the key.
    revisions.column_name || coalesce(' [' || revisions.dimension_label || ']', '') as column_name,
    revisions.vintage,
    revisions.previous_vintage,
    revisions.old_value,
    revisions.new_value,
    tables.title_da as table_name_da,
    municipalities.municipality_name,
    broken.data_break_codes
from revisions
left join tables on revisions.table_id = tables.table_id
left join municipalities on revisions.municipality_code = municipalities.municipality_code
left join broken
    on
        revisions.table_id = broken.table_id
        and revisions.period_code = broken.period_code
