{#-
    dbt-duckdb asks the database for the columns before it comments on them, twice for each model; a contract has compared
    them with the described ones already.
-#}
{% macro duckdb__alter_column_comment(relation, column_dict) %}
    {%- for column in column_dict.values() if column.description %}
    comment on column {{ relation }}.{{ adapter.quote(column.name) }} is {{ duckdb_escape_comment(column.description) }};
    {%- endfor %}
{% endmacro %}
