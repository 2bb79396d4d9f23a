{#- The bookkeeping of the `monthly` materialization; the pipeline makes the same tables (orchestration/lib/warehouse.py). -#}
{% macro prepare_build_tables() %}
    {%- if execute and target.name == 'warehouse' and flags.WHICH in ('build', 'run', 'test') %}
        create schema if not exists build;
        create table if not exists build.model_months (model varchar, month date, fingerprint varchar);
        create table if not exists build.project (project_hash varchar, months_per_batch integer);
    {%- endif %}
{% endmacro %}
