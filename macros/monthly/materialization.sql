{#-
    A table that is built month by month: only months whose input changed are deleted and inserted again, in one
    transaction together with their new fingerprint, so that a killed build goes on where it stopped.

    Config: inputs and months_of (see month_fingerprints), month_column (default `month`), is_folded (a month reads its own
    month before, so that months of many rows are built one by one: see var months_worth_a_batch).
    The model's SQL must return exactly the months from batch_from() to batch_to().
-#}
{% materialization monthly, adapter='duckdb' %}
    {%- set inputs = config.require('inputs') -%}
    {%- set month_column = config.get('month_column', 'month') -%}
    {%- set months_of = config.get('months_of', 'benefit_periods') -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set key = target_relation.schema ~ '.' ~ target_relation.identifier -%}
    {%- set empty_sql = sql -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- set code_hash = local_md5(model.raw_code) -%}

    {%- if existing is not none and (should_full_refresh() or existing.type != 'table') -%}
        {%- do adapter.drop_relation(existing) -%}
        {%- set existing = none -%}
    {%- endif -%}

    {%- set per_batch = run_query('select max(months_per_batch) from build.project').columns[0].values()[0]
        or var('months_per_batch') -%}
    {%- if config.get('is_folded', false) and per_batch < var('months_worth_a_batch') -%}
        {%- set per_batch = 1 -%}
    {%- endif -%}

    {%- if existing is not none -%}
        {%- set wanted = get_column_schema_from_query(get_empty_subquery_sql(empty_sql)) -%}
        {%- set present = adapter.get_columns_in_relation(existing) -%}
        {%- if wanted | map(attribute='name') | list != present | map(attribute='name') | list
            or wanted | map(attribute='data_type') | list != present | map(attribute='data_type') | list -%}
            {%- do adapter.drop_relation(existing) -%}
            {%- set existing = none -%}
        {%- endif -%}
    {%- endif -%}

    {%- if existing is none -%}
        {%- call statement('create') -%}
            {#- a model that reads its own earlier months can't be asked for its columns before it exists -#}
            {%- if config.get('contract').enforced -%}
                create table {{ target_relation }} (
                    {%- for column in model.columns.values() %}
                    {{ adapter.quote(column.name) }} {{ column.data_type }}{{ "," if not loop.last }}
                    {%- endfor %}
                )
            {%- else -%}
                create table {{ target_relation }} as {{ get_empty_subquery_sql(empty_sql) }}
            {%- endif -%}
        {%- endcall -%}
        {%- call statement('forget') -%}
            delete from build.model_months where model = '{{ key }}'
        {%- endcall -%}
        {%- do adapter.commit() -%}
    {%- endif -%}

    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(empty_sql) }}
    {%- endif -%}

    {%- call statement('plan', fetch_result=True) -%}
        with wanted as ({{ month_fingerprints(inputs, code_hash, months_of) }}),

        built as (select month, fingerprint from build.model_months where model = '{{ key }}')

        select
            coalesce(wanted.month, built.month)::varchar as month,
            wanted.fingerprint
        from wanted
        full join built on wanted.month = built.month
        where wanted.fingerprint is distinct from built.fingerprint
        order by 1
    {%- endcall -%}

    {#- batches of contiguous months; months that are no longer loaded are batches of their own -#}
    {%- set batches = [] -%}
    {%- for row in load_result('plan')['data'] -%}
        {%- set last = batches[-1] if batches else none -%}
        {%- set months = (row[0][:4] | int) * 12 + (row[0][5:7] | int) -%}
        {%- if last is not none and row[1] is not none and last.loaded and months == last.index + 1
            and last.rows | length < per_batch -%}
            {%- do last.rows.append((row[0], row[1])) -%}
            {%- do last.update({'index': months}) -%}
        {%- else -%}
            {%- do batches.append({'index': months, 'loaded': row[1] is not none, 'rows': [(row[0], row[1])]}) -%}
        {%- endif -%}
    {%- endfor -%}

    {%- set build_number = (run_query(
        "select coalesce(max(build_number), 0) + 1 from build.model_months where model = '" ~ key ~ "'"
    ).columns[0].values()[0] | int) if batches else 0 -%}

    {%- do take_memory(batches | map(attribute='rows') | map('length') | sum) -%}

    {%- for batch in batches -%}
        {%- set first = batch.rows[0][0] -%}
        {%- set last = batch.rows[-1][0] -%}
        {%- set batch_sql = sql
            | replace(batch_from(), "date '" ~ first ~ "'")
            | replace(batch_to(), "date '" ~ last ~ "'") -%}
        {%- call statement('delete_' ~ loop.index) -%}
            delete from {{ target_relation }}
            where {{ month_column }} between date '{{ first }}' and date '{{ last }}'
        {%- endcall -%}
        {%- if batch.loaded -%}
            {%- call statement('insert_' ~ loop.index) -%}
                insert into {{ target_relation }} by name
                {{ batch_sql }}
            {%- endcall -%}
        {%- endif -%}
        {%- call statement('forget_' ~ loop.index) -%}
            delete from build.model_months
            where model = '{{ key }}' and month between date '{{ first }}' and date '{{ last }}'
        {%- endcall -%}
        {%- if batch.loaded -%}
            {%- call statement('remember_' ~ loop.index) -%}
                insert into build.model_months (model, month, fingerprint, build_number) values
                {%- for row in batch.rows %}
                ('{{ key }}', date '{{ row[0] }}', '{{ row[1] }}', {{ build_number }}){{ "," if not loop.last }}
                {%- endfor %}
            {%- endcall -%}
        {%- endif -%}
        {%- do adapter.commit() -%}
    {%- endfor -%}

    {%- call statement('main') -%}
        select {{ batches | map(attribute='rows') | map('length') | sum }} as months_built
    {%- endcall -%}

    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
