{#- Whole calendar months from `start_expr` to the day before `next_month_expr` (the first day after the month counted to). -#}
{% macro completed_months(start_expr, next_month_expr) -%}
(
    12 * (year({{ next_month_expr }}) - year({{ start_expr }}))
    + month({{ next_month_expr }}) - month({{ start_expr }})
    - case when day({{ start_expr }}) > 1 then 1 else 0 end
)
{%- endmacro %}
