{#-
    The types of the codes that stand in millions of rows, made anew from the seeds before the first model runs: a code is
    a number of one byte for DuckDB, and reads, compares and sorts as its text (the codes are in the order of the text).
    Mixed with text it becomes text. A table keeps the type it was made with; the `monthly` materialization makes the table
    anew when that has changed.

    From the seeds' files: staging does not depend on the seeds, so that dbt may need the types before it has loaded them.
    Of the project that dbt runs, wherever it stood when it was parsed.

    In schema main: DuckDB (1.5) can't replay a log that makes a schema and a type in it, so that a killed run would leave
    a warehouse that can't be opened (tests/integration/test_code_types.py).

    Raises a compiler error when a seed has lost a code that delivered rows use, before anything is changed.
-#}
{% macro prepare_code_types() %}
    {%- if execute and target.name == 'warehouse' and flags.WHICH in ('build', 'run', 'test') %}
        {%- for name, seed, raw_column in [
            ('municipality_code', 'municipalities', 'municipality_code'),
            ('benefit_group_code', 'benefit_groups', 'benefit_code'),
            ('match_group_code', 'match_groups', 'match_group_code'),
            ('target_group_code', 'target_groups', none),
        ] %}
        {%- set file = (graph.nodes.values() | selectattr('resource_type', 'equalto', 'seed')
            | selectattr('name', 'equalto', seed) | first).original_file_path %}
        {%- set path = (invocation_args_dict.project_dir ~ "/" ~ file) | replace("'", "''") %}
        {%- set listed = "read_csv('" ~ path ~ "', header = true, all_varchar = true)" %}
        {%- if raw_column %}
            {%- set lost = run_query(
                "select distinct " ~ raw_column ~ " from " ~ source('raw', 'benefit_periods')
                ~ " where " ~ raw_column ~ " in (select unnest(labels) from duckdb_types() "
                ~ "where database_name = current_database() and schema_name = 'main' and type_name = '" ~ name ~ "' "
                ~ "except select " ~ name ~ " from " ~ listed ~ ") order by 1"
            ).columns[0].values() | list %}
            {%- if lost %}
                {{ exceptions.raise_compiler_error(
                    file ~ " has lost " ~ lost | join(", ") ~ ", which delivered rows use. Put the code back; where it "
                    ~ "ends, its row says so by valid_to_date."
                ) }}
            {%- endif %}
        {%- endif %}
        create or replace type main.{{ name }} as enum (select distinct {{ name }} from {{ listed }} order by all);
        {%- endfor %}
    {%- endif %}
{% endmacro %}
