{#-
    Condition: the dated row `alias` is in force on the day `date_expr`.
    Validity is half-open: valid_from_date is the first day in force, valid_to_date the first day no longer in force.
-#}
{% macro in_force_on(date_expr, alias) -%}
({{ date_expr }} >= {{ alias }}.valid_from_date and {{ date_expr }} < {{ alias }}.valid_to_date)
{%- endmacro %}
