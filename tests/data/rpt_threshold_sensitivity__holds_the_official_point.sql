{#- Official thresholds that are no point of the grid (seed rule_threshold_grid): the table can't show them. -#}
{{ config(severity='warn') }}
select distinct
    official.period_code,
    official.result_margin,
    official.passive_limit_percentage,
    official.few_conversations_limit_percentage
from {{ ref('fct_category_assignments') }} as official
anti join {{ ref('rpt_threshold_sensitivity') }} as sensitivity
    on
        official.period_code = sensitivity.period_code
        and official.result_margin = sensitivity.result_margin
        -- a suspended goal names no limit: every point of the grid gives the same there
        and coalesce(official.passive_limit_percentage, sensitivity.passive_limit_percentage)
        = sensitivity.passive_limit_percentage
        and coalesce(official.few_conversations_limit_percentage, sensitivity.few_conversations_limit_percentage)
        = sensitivity.few_conversations_limit_percentage
where official.scenario_code = 'official'
