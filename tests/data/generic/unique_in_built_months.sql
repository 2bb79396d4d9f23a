{#-
    unique_combination for a `monthly` model, of the months that its newest build wrote: what has not been written since
    it was tested can't have changed, and the test's cost follows the month, not the history.
-#}
{% test unique_in_built_months(model, columns, filled=[]) %}
select
    {{ columns | join(', ') }},
    count(*) as row_count,
    count(*) filter (where {{ (filled or ['false']) | join(' is null or ') }} is null) as unfilled_count
from {{ model }}
where month in (
    select month
    from build.model_months
    where
        model = '{{ model.schema }}.{{ model.identifier }}'
        and build_number = (
            select max(build_number)
            from build.model_months
            where model = '{{ model.schema }}.{{ model.identifier }}'
        )
)
group by {{ columns | join(', ') }}{% do take_memory_of_newest_build(model) %}
having count(*) > 1 or unfilled_count > 0
{% endtest %}
