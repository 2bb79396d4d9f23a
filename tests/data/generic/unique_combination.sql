{#-
    One row per combination of the columns; nulls count as equal, so that a key with an empty part is a key too.
    `filled`: columns that hold no null, asked for in the same pass over the table (see columns_are_filled).
-#}
{% test unique_combination(model, columns, filled=[]) %}
select
    {{ columns | join(', ') }},
    count(*) as row_count,
    count(*) filter (where {{ (filled or ['false']) | join(' is null or ') }} is null) as unfilled_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1 or unfilled_count > 0
{% endtest %}
