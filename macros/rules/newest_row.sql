{#- Of the dated rows of a key the newest: readers see a label in its newest wording, whatever a figure's month. -#}
{% macro newest_row(key_column) -%}
qualify row_number() over (partition by {{ key_column }} order by valid_to_date desc) = 1
{%- endmacro %}
