{#-
    How many persons would have to change to move a value over its limit: max(1, ceil(|distance| / 100 x base - 1e-9)),
    null when either lacks. On a strict limit one person is still needed, hence at least 1; 1e-9 keeps noise from asking
    for one more. No greatest(): it leaves nulls out and would turn a missing base into 1.
-#}
{% macro persons_to_flip(distance_expr, base_expr) -%}
case
    when abs({{ distance_expr }}) / 100 * {{ base_expr }} - 1e-9 <= 1 then 1
    else ceil(abs({{ distance_expr }}) / 100 * {{ base_expr }} - 1e-9)
end
{%- endmacro %}
