{#-
    The bookkeeping of the `monthly` materialization, made before the first model runs (two models may start at once).
    build.model_months: what each month of each model was built from, and by which of its builds.
    build.project: the hash of models, seeds and macros, and the size of a batch; the pipeline writes it.
    JOBCENTER_THREADS limits DuckDB here and not in the profile, where it would have to have a default.
-#}
{% macro prepare_build_tables() %}
    {%- if execute and target.name == 'warehouse' and flags.WHICH in ('build', 'run', 'test') %}
        create schema if not exists build;
        create table if not exists build.model_months (
            model varchar, month date, fingerprint varchar, build_number integer
        );
        create table if not exists build.project (project_hash varchar, months_per_batch integer);
        {%- if env_var('JOBCENTER_THREADS', '') %}
        set threads = {{ env_var('JOBCENTER_THREADS') | int }};
        {%- endif %}
    {%- endif %}
{% endmacro %}
