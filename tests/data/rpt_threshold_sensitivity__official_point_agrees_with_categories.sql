-- The point of the grid that holds the official thresholds must count what the official categories count: else the grid
-- would show a cliff that is not there. Whether the grid has that point at all is another test, a warning: limits may
-- be varied without it.
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
),

points as (
    select distinct
        period_code,
        result_margin,
        passive_limit_percentage,
        few_conversations_limit_percentage
    from {{ ref('rpt_threshold_sensitivity') }}
)

select
    official_counts.period_code,
    official_counts.municipality_category,
    official_counts.municipality_count,
    sensitivity.municipality_count as grid_count
from official_counts
inner join points
    on
        official_counts.period_code = points.period_code
        and official_counts.result_margin = points.result_margin
        -- a suspended goal names no limit: every point of the grid gives the same there
        and coalesce(official_counts.passive_limit_percentage, points.passive_limit_percentage)
        = points.passive_limit_percentage
        and coalesce(official_counts.few_conversations_limit_percentage, points.few_conversations_limit_percentage)
        = points.few_conversations_limit_percentage
left join {{ ref('rpt_threshold_sensitivity') }} as sensitivity
    on
        points.period_code = sensitivity.period_code
        and points.result_margin = sensitivity.result_margin
        and points.passive_limit_percentage = sensitivity.passive_limit_percentage
        and points.few_conversations_limit_percentage = sensitivity.few_conversations_limit_percentage
        and official_counts.municipality_category = sensitivity.municipality_category
where official_counts.municipality_count is distinct from sensitivity.municipality_count
