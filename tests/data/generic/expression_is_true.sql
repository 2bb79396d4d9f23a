{#- The expression is true in every row; null is a failure, since nobody decided that it may be unknown. -#}
{% test expression_is_true(model, expression) %}
select *
from {{ model }}
where ({{ expression }}) is not true
{% endtest %}
