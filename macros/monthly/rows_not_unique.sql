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
