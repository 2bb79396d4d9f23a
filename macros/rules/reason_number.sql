{#-
    A number of a reason with two decimals, Danish (12,30) or English (12.30). With a limit given, a value that two
    decimals would show as the limit though it is not keeps nine, lest a sentence say that 30.00 is not below 30.00.
-#}
{% macro reason_number(value_expr, language, limit_expr=none) -%}
{%- set two = "printf('%.2f', round(cast(" ~ value_expr ~ " as double), 2) + 0.0)" -%}
{%- set nine = "printf('%.9f', round(cast(" ~ value_expr ~ " as double), 9) + 0.0)" -%}
{%- if limit_expr is none -%}
{%- set text = two -%}
{%- else -%}
{%- set text -%}
case
    when
        round(cast({{ value_expr }} as double), 2) = round(cast({{ limit_expr }} as double), 2)
        and round(cast({{ value_expr }} as double), 9) <> round(cast({{ limit_expr }} as double), 9)
        then {{ nine }}
    else {{ two }}
end
{%- endset -%}
{%- endif -%}
{%- if language == 'da' -%}replace({{ text }}, '.', ','){%- else -%}{{ text }}{%- endif -%}
{%- endmacro %}
