{#-
    Drops the tables of `monthly` models that the project no longer has: they hold persons, and nobody keeps them up.
    Only tables that the materialization has made itself are known to it (build.model_months); no other is touched.
-#}
{% macro drop_tables_of_gone_models() %}
    {%- if execute and target.name == 'warehouse' and flags.WHICH in ('build', 'run') %}
        {%- set kept = [] %}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.config.materialized == 'monthly' %}
            {%- do kept.append(node.schema ~ '.' ~ node.alias) %}
        {%- endfor %}
        {%- for row in run_query('select distinct model from build.model_months order by model').rows
            if row[0] not in kept %}
        drop table if exists {{ row[0] }};
        delete from build.model_months where model = '{{ row[0] }}';
        {%- endfor %}
    {%- endif %}
{% endmacro %}
