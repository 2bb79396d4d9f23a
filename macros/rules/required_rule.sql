{#-
    The value of a rule, or an error that names what has no rule in force: a default would be a wrong figure that
    nobody sees. `what_expr` must hold a column, since an error made of constants alone could be raised while the
    query is planned, before any row has asked for it.
-#}
{% macro required_rule(value_expr, what_expr) -%}
case
    when {{ value_expr }} is null
        then error('No rule in force: ' || coalesce(cast({{ what_expr }} as varchar), 'unknown'))
    else {{ value_expr }}
end
{%- endmacro %}
