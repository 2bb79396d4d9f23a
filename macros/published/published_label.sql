{#-
    A published label for comparing: lower case, single spaces, ": " before a part. The spacing before colons varies
    from table to table and from fetch to fetch.
-#}
{% macro published_label(label_expr) -%}
lower({{ published_label_as_written(label_expr) }})
{%- endmacro %}

{#- The same with its capital letters, for showing. -#}
{% macro published_label_as_written(label_expr) -%}
regexp_replace(trim(regexp_replace({{ label_expr }}, '\s+', ' ', 'g')), '\s*:\s*', ': ', 'g')
{%- endmacro %}

{#- What stands after the last ": " of a label: the measure's own name within its group. -#}
{% macro published_label_end(label_expr) -%}
regexp_replace({{ published_label(label_expr) }}, '^.*: ', '')
{%- endmacro %}
