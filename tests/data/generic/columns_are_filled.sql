{#-
    None of the columns holds a null. One test for a whole table instead of one per column: every test is a statement
    of its own, and hundreds of them would take longer than the build.
-#}
{% test columns_are_filled(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where {% for column in columns %}{{ column }} is null{% if not loop.last %} or {% endif %}{% endfor %}
{% endtest %}
