{#-
    The id under which a figure names the rule row that decided it: <rule>:<key>:<valid_from_date>.
    `rule` is the rule's name, `key_expr` and `valid_from_expr` are SQL expressions; a null in either gives null.
-#}
{% macro rule_id(rule, key_expr, valid_from_expr) -%}
{{ rule_id_of("'" ~ rule ~ "'", key_expr, valid_from_expr) }}
{%- endmacro %}

{#- The same where the rule's name is a column: `rule_expr` is an SQL expression. -#}
{% macro rule_id_of(rule_expr, key_expr, valid_from_expr) -%}
({{ rule_expr }} || ':' || {{ key_expr }} || ':' || strftime({{ valid_from_expr }}, '%Y-%m-%d'))
{%- endmacro %}
