{#- Of the rows under the condition, those that share the columns with others, or lack one that must be filled. -#}
{% macro rows_not_unique(model, columns, filled, condition) -%}
select
    {{ columns | join(', ') }},
    count(*) as row_count,
    count(*) filter (where {{ (filled or ['false']) | join(' is null or ') }} is null) as unfilled_count
from {{ model }}
where {{ condition }}
group by {{ columns | join(', ') }}
having count(*) > 1 or unfilled_count > 0
{%- endmacro %}

{#-
    The condition of the months of a `monthly` model's newest build. Many months are looked at here, in batches as they
    were built, and those batches remain in which something was found: all rows of years in one table, beside another
    test that does the same, are more than DuckDB's memory may hold.
-#}
{% macro built_months_to_test(model, columns, filled) -%}
    {%- set built_by = "model = '" ~ model.schema ~ "." ~ model.identifier ~ "'" -%}
    {%- set newest_build = "month in (select month from build.model_months where " ~ built_by
        ~ " and build_number = (select max(build_number) from build.model_months where " ~ built_by ~ "))" -%}
    {%- if not (execute and target.name == 'warehouse') -%}
        {{ return(newest_build) }}
    {%- else -%}
        {%- do take_memory_of_newest_build(model) -%}
        {%- set per_batch = run_query('select max(months_per_batch) from build.project').columns[0].values()[0]
            or var('months_per_batch') -%}
        {%- set months = run_query(
            'select month::varchar from build.model_months where ' ~ built_by ~ ' and ' ~ newest_build ~ ' order by 1'
        ).columns[0].values() | list -%}
        {%- if months | length <= per_batch -%}
            {{ return(newest_build) }}
        {%- endif -%}
        {%- set found = [] -%}
        {%- for batch in months | batch(per_batch) -%}
            {%- set condition = "month between date '" ~ batch[0] ~ "' and date '" ~ batch[-1] ~ "'" -%}
            {%- set broken = rows_not_unique(model, columns, filled, condition) -%}
            {%- if run_query('select count(*) from (' ~ broken ~ ')').columns[0].values()[0] -%}
                {%- do found.append('(' ~ condition ~ ')') -%}
            {%- endif -%}
        {%- endfor -%}
        {{ return(found | join(' or ') or 'false') }}
    {%- endif -%}
{%- endmacro %}
