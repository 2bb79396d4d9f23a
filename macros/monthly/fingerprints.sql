{#-
    One row per month of the data set `months_of`: (month, fingerprint) of the raw batches that a `monthly` model's month depends on.

    inputs: data set -> 'history' (every month up to M), ['history', months ahead] or [months back, months ahead].
    The project's hash (build.project, written by the pipeline: models, seeds, macros) and the code of the model itself
    are part of it, so that a changed rule or query rebuilds the month.
-#}
{% macro month_fingerprints(inputs, code_hash, months_of='benefit_periods') -%}
    select
        m.period as month,
        md5(concat_ws(
            '|',
            (select max(project_hash) from build.project),
            '{{ code_hash }}',
            coalesce(string_agg(
                concat_ws(':', b.dataset, b.period, b.delivery, b.sha256), '|' order by b.dataset, b.period, b.delivery
            ), '')
        )) as fingerprint
    from raw.current_batches as m
    left join raw.current_batches as b
        on (
            {%- for dataset, window in inputs.items() %}
            {{ "or " if not loop.first }}(
                b.dataset = '{{ dataset }}'
                {%- if window == 'history' %}
                and b.period <= m.period
                {%- elif window[0] == 'history' %}
                and b.period <= m.period + interval '{{ window[1] }} months'
                {%- else %}
                and b.period between m.period + interval '{{ window[0] }} months' and m.period + interval '{{ window[1] }} months'
                {%- endif %}
            )
            {%- endfor %}
        )
    where m.dataset = '{{ months_of }}'
    group by m.period
{%- endmacro %}
