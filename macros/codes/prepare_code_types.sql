{#-
    The types of the codes that stand in millions of rows, made anew from the seeds before the first model runs: a code is
    a number of one byte for DuckDB, and reads, compares and sorts as its text (the codes are in the order of the text).
    Mixed with text it becomes text. A code that the seeds do not hold is an error; the loader lets none in.
    From the seeds' files and not from their tables, which this very run may load only after a model was asked for its
    columns. A table keeps the type it was made with; the `monthly` materialization makes it anew when that has changed.
-#}
{% macro prepare_code_types() %}
    {%- if execute and target.name == 'warehouse' and flags.WHICH in ('build', 'run', 'test') %}
        create schema if not exists codes;
        {%- for name, seed, column in [
            ('municipality', 'municipalities', 'municipality_code'),
            ('benefit_group', 'benefit_groups', 'benefit_group_code'),
            ('match_group', 'match_groups', 'match_group_code'),
            ('target_group', 'target_groups', 'target_group_code'),
        ] %}
        {%- set node = graph.nodes.values() | selectattr('resource_type', 'equalto', 'seed')
            | selectattr('name', 'equalto', seed) | first %}
        create or replace type codes.{{ name }} as enum (
            select distinct {{ column }}
            from read_csv('{{ node.root_path ~ "/" ~ node.original_file_path }}', header = true, all_varchar = true)
            order by all
        );
        {%- endfor %}
    {%- endif %}
{% endmacro %}
