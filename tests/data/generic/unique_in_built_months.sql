{#-
    unique_combination for a `monthly` model, of the months that its newest build wrote: what has not been written since
    it was tested can't have changed, and the test's cost follows the month, not the history.
-#}
{% test unique_in_built_months(model, columns, filled=[]) %}
{%- set built_months %}
    select month
    from build.model_months
    where
        model = '{{ model.schema }}.{{ model.identifier }}'
        and build_number = (
            select max(build_number)
            from build.model_months
            where model = '{{ model.schema }}.{{ model.identifier }}'
        )
{%- endset %}
{%- if execute and target.name == 'warehouse' %}
    {%- do take_memory(run_query('select count(*) from (' ~ built_months ~ ')').columns[0].values()[0] | int) %}
{%- endif %}
select
    {{ columns | join(', ') }},
    count(*) as row_count,
    count(*) filter (where {{ (filled or ['false']) | join(' is null or ') }} is null) as unfilled_count
from {{ model }}
where month in ({{ built_months }})
group by {{ columns | join(', ') }}
having count(*) > 1 or unfilled_count > 0
{% endtest %}
