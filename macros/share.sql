{#- numerator ÷ denominator as a double; null when the denominator is 0 or unknown. -#}
{% macro share(numerator, denominator) -%}
{{ numerator }} / nullif({{ denominator }}, 0)::double
{%- endmacro %}
