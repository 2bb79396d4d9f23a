-- The point of the grid that holds the official thresholds must count what the official categories count: else the grid
-- would show a cliff that is not there. A point that the grid lacks fails too, since nothing can be compared then: the
-- grid (seeds/rules/rule_threshold_grid.csv) must get the official thresholds first.
{{ config(meta={'dagster': {'ref': {'name': 'rpt_threshold_sensitivity'}}}) }}

with official_counts as (
    select
        period_code,
        result_margin,
        max(passive_limit_percentage) as passive_limit_percentage,
        max(few_conversations_limit_percentage) as few_conversations_limit_percentage,
        municipality_category,
        count(*) as municipality_count
    from {{ ref('fct_category_assignments') }}
    where scenario_code = 'official'
    group by
        period_code,
        result_margin,
        municipality_category
)

select
    official_counts.period_code,
    official_counts.municipality_category,
    official_counts.municipality_count,
    sensitivity.municipality_count as grid_count
from official_counts
left join {{ ref('rpt_threshold_sensitivity') }} as sensitivity
    on
        official_counts.period_code = sensitivity.period_code
        and official_counts.municipality_category = sensitivity.municipality_category
        and official_counts.result_margin = sensitivity.result_margin
        -- a suspended goal names no limit: every point of the grid gives the same there
        and coalesce(
            official_counts.passive_limit_percentage, sensitivity.passive_limit_percentage
        ) = sensitivity.passive_limit_percentage
        and coalesce(
            official_counts.few_conversations_limit_percentage, sensitivity.few_conversations_limit_percentage
        ) = sensitivity.few_conversations_limit_percentage
where official_counts.municipality_count is distinct from sensitivity.municipality_count
