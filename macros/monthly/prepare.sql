{#-
    The bookkeeping of the `monthly` materialization, made before the first model runs (two models may start at once).
    build.model_months: what each month of each model was built from, and by which of its builds.
    build.project: the hash of models, seeds and macros, and the size of a batch; the pipeline writes it.
    Each statement is worked on by the thread of dbt that sent it, and by DuckDB's threads beyond the first. All together
    are no more than there are cores, as long as dbt's are not: a statement costs more where others take its core.
    JOBCENTER_THREADS is DuckDB's number, where it is given; not in the profile, which would need a default that knows
    the cores.

    DuckDB keeps what it has read for as long as its limit of memory allows, so that one new month would hold as much as
    a full refresh. A build begins with what few months need (var memory_of_few_months: the largest month's rows, the
    marts, which grow with the months, what each of dbt's threads needs to read a seed, and what each of DuckDB's holds
    in a join or a group of its own); the first model or test of more months takes the whole limit.
-#}
{% macro prepare_build_tables() %}
    {%- if execute and target.name == 'warehouse' and flags.WHICH in ('build', 'run', 'test') %}
        create schema if not exists build;
        create table if not exists build.model_months (
            model varchar, month date, fingerprint varchar, build_number integer
        );
        create table if not exists build.project (project_hash varchar, months_per_batch integer);
        {%- if env_var('JOBCENTER_THREADS', '') %}
            {%- set threads = env_var('JOBCENTER_THREADS') | int %}
        {%- else %}
            {%- do run_query('reset threads') %}
            {%- set cores = run_query("select current_setting('threads')").columns[0].values()[0] | int %}
            {%- set threads = [1, cores - target.threads + 1] | max %}
        {%- endif %}
        set threads = {{ threads }};
        {%- if flags.WHICH != 'test' %}
        {%- set needed = var('memory_of_few_months') %}
        {%- set by_threads = target.threads * needed.bytes_per_thread + threads * needed.bytes_per_database_thread %}
        {%- set little = run_query(
            "select " ~ (needed.bytes + by_threads) ~ " + count(distinct period) * " ~ needed.bytes_per_month
            ~ " + coalesce(max(row_count), 0) * " ~ needed.bytes_per_row ~ " from raw.current_batches"
        ).columns[0].values()[0] | int %}
        {%- set given = run_query(
            "select parse_formatted_bytes(current_setting('memory_limit'))"
        ).columns[0].values()[0] | int %}
        set memory_limit = '{{ [little, given] | min }} bytes';
        {%- endif %}
    {%- endif %}
{% endmacro %}

{#- For so many months: all that the profile allows, from here on, unless they are few. -#}
{% macro take_memory(months) %}
    {%- if months > var('memory_of_few_months').months %}
        {%- do run_query("set memory_limit = '" ~ target.config_options.memory_limit ~ "'") %}
    {%- endif %}
{% endmacro %}

{#- For the months that the newest build of a `monthly` model wrote. -#}
{% macro take_memory_of_newest_build(model) %}
    {%- if execute and target.name == 'warehouse' %}
        {%- set built_by = "model = '" ~ model.schema ~ "." ~ model.identifier ~ "'" %}
        {%- do take_memory(run_query(
            "select count(*) from build.model_months where " ~ built_by
            ~ " and build_number = (select max(build_number) from build.model_months where " ~ built_by ~ ")"
        ).columns[0].values()[0] | int) %}
    {%- endif %}
{% endmacro %}
