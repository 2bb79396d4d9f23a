with decisions as (
    select
        period_code,
        municipality_code,
        period_end_date,
        comparison_decimals,
        difference_percentage_points,
        is_offers_in_force,
        passive_percentage,
        is_conversations_in_force,
        few_conversations_percentage
    from {{ ref('int_category__decisions') }}
    where scenario_code = 'official'
),

threshold_grid as (
    select
        goal_code,
        grid_value,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_threshold_grid') }}
),

category_decisions as (
    select
        result_status,
        offers_status,
        conversations_status,
        municipality_category,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_category_decisions') }}
),

category_names as (
    select
        municipality_category,
        valid_from_date,
        valid_to_date
    from {{ ref('category_names') }}
),

periods as (
    select
        period_code,
        period_end_date
    from decisions
    group by
        period_code,
        period_end_date
),

grid_points as (
    select
        periods.period_code,
        periods.period_end_date,
        cast(margins.grid_value as double) as result_margin,
        cast(offers.grid_value as double) as passive_limit_percentage,
        cast(conversations.grid_value as double) as few_conversations_limit_percentage
    from periods
    inner join threshold_grid as margins
        on
            margins.goal_code = 'result'
            and {{ in_force_on('periods.period_end_date', 'margins') }}
    inner join threshold_grid as offers
        on
            offers.goal_code = 'offers'
            and {{ in_force_on('periods.period_end_date', 'offers') }}
    inner join threshold_grid as conversations
        on
            conversations.goal_code = 'conversations'
            and {{ in_force_on('periods.period_end_date', 'conversations') }}
),

judged_goals as (
    select
        grid_points.period_code,
        grid_points.period_end_date,
        grid_points.result_margin,
        grid_points.passive_limit_percentage,
        grid_points.few_conversations_limit_percentage,
        decisions.municipality_code,
        {{ result_goal_status(
            'decisions.difference_percentage_points', 'grid_points.result_margin', 'decisions.comparison_decimals'
        ) }} as result_status,
        {{ focus_goal_status(
            'decisions.is_offers_in_force', 'decisions.passive_percentage',
            'grid_points.passive_limit_percentage', 'decisions.comparison_decimals'
        ) }} as offers_status,
        {{ focus_goal_status(
            'decisions.is_conversations_in_force', 'decisions.few_conversations_percentage',
            'grid_points.few_conversations_limit_percentage', 'decisions.comparison_decimals'
        ) }} as conversations_status
    from grid_points
    inner join decisions
        on grid_points.period_code = decisions.period_code
),

-- A goal in force without a value finds no row in the decision table: category 0.
categories as (
    select
        judged_goals.period_code,
        judged_goals.result_margin,
        judged_goals.passive_limit_percentage,
        judged_goals.few_conversations_limit_percentage,
        coalesce(category_decisions.municipality_category, 0) as municipality_category,
        count(*) as municipality_count
    from judged_goals
    left join category_decisions
        on
            judged_goals.result_status = category_decisions.result_status
            and judged_goals.offers_status = category_decisions.offers_status
            and judged_goals.conversations_status = category_decisions.conversations_status
            and {{ in_force_on('judged_goals.period_end_date', 'category_decisions') }}
    group by
        judged_goals.period_code,
        judged_goals.result_margin,
        judged_goals.passive_limit_percentage,
        judged_goals.few_conversations_limit_percentage,
        coalesce(category_decisions.municipality_category, 0)
)

select
    grid_points.period_code,
    grid_points.result_margin,
    grid_points.passive_limit_percentage,
    grid_points.few_conversations_limit_percentage,
    cast(category_names.municipality_category as integer) as municipality_category,
    cast(coalesce(categories.municipality_count, 0) as integer) as municipality_count
from grid_points
inner join category_names
    on {{ in_force_on('grid_points.period_end_date', 'category_names') }}
left join categories
    on
        grid_points.period_code = categories.period_code
        and grid_points.result_margin = categories.result_margin
        and grid_points.passive_limit_percentage = categories.passive_limit_percentage
        and grid_points.few_conversations_limit_percentage = categories.few_conversations_limit_percentage
        and category_names.municipality_category = categories.municipality_category
