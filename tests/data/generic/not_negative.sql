{#- The column is nowhere below 0; null passes: whether a figure may be missing is another test. -#}
{% test not_negative(model, column_name) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} < 0
{% endtest %}
