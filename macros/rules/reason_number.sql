{#-
    A number of a reason with two decimals, Danish (12,30) or English (12.30). With a limit and the decimals of
    comparison given, a value that two decimals would show as the limit though it is not keeps those decimals, lest a
    sentence say that 30.00 is not below 30.00.
-#}
{% macro reason_number(value_expr, language, limit_expr=none, decimals_expr=none) -%}
{%- set value = "cast(" ~ value_expr ~ " as double)" -%}
{%- set short = "printf('%.2f', round(" ~ value ~ ", 2) + 0.0)" -%}
{%- if limit_expr is none -%}
{%- set text = short -%}
{%- else -%}
{%- set text -%}
case
    when
        round({{ value }}, 2) = round(cast({{ limit_expr }} as double), 2)
        and round({{ value }}, {{ decimals_expr }}) <> round(cast({{ limit_expr }} as double), {{ decimals_expr }})
        then printf('%.' || {{ decimals_expr }} || 'f', round({{ value }}, {{ decimals_expr }}) + 0.0)
    else {{ short }}
end
{%- endset -%}
{%- endif -%}
{%- if language == 'da' -%}replace({{ text }}, '.', ','){%- else -%}{{ text }}{%- endif -%}
{%- endmacro %}
