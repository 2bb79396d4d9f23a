{#-
    unique_combination for a `monthly` model, of the months that its newest build wrote: what has not been written since
    it was tested can't have changed, and the test's cost follows the month, not the history.

    Many months are looked at in batches, as they were built: all rows of years in one table, beside another test that
    does the same, are more than DuckDB's memory may hold. The test itself then asks for the rows of the batches in which
    something was found.
-#}
{% test unique_in_built_months(model, columns, filled=[]) %}
{%- set built_by = "model = '" ~ model.schema ~ "." ~ model.identifier ~ "'" -%}
{%- set newest_build -%}
month in (
    select month
    from build.model_months
    where
        {{ built_by }}
        and build_number = (select max(build_number) from build.model_months where {{ built_by }})
)
{%- endset -%}
{%- set looked_at = [newest_build] -%}
{%- if execute and target.name == 'warehouse' -%}
    {%- do take_memory_of_newest_build(model) -%}
    {%- set per_batch = run_query('select max(months_per_batch) from build.project').columns[0].values()[0]
        or var('months_per_batch') -%}
    {%- set months = run_query(
        'select distinct month::varchar from build.model_months where ' ~ built_by ~ ' and ' ~ newest_build ~ ' order by 1'
    ).columns[0].values() | list -%}
    {%- if months | length > per_batch -%}
        {%- do looked_at.clear() -%}
        {%- for batch in months | batch(per_batch) -%}
            {%- set condition = "month between date '" ~ batch[0] ~ "' and date '" ~ batch[-1] ~ "'" -%}
            {%- if run_query(
                'select count(*) from (' ~ rows_not_unique(model, columns, filled, condition) ~ ')'
            ).columns[0].values()[0] -%}
                {%- do looked_at.append('(' ~ condition ~ ')') -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endif -%}
{{ rows_not_unique(model, columns, filled, looked_at | join(' or ') or 'false') }}
{% endtest %}
