with periods as (
    select
        period_code,
        period_end_date,
        last_month,
        is_annual_statement,
        comparison_decimals
    from {{ ref('int_benefit_level__periods') }}
    where is_loaded
),

scenarios as (
    select
        scenario_code,
        result_margin,
        passive_limit_percentage,
        few_conversations_limit_percentage,
        counts_foertidspension,
        uses_dated_limits,
        order_of_1,
        order_of_2,
        order_of_3,
        order_of_4,
        valid_from_date,
        valid_to_date
    from {{ ref('scenarios') }}
),

-- DISTINCT: a scenario has a row for each validity.
scenario_codes as (
    select distinct scenario_code
    from scenarios
),

goal_limits as (
    select
        goal_code,
        limit_percentage,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_goal_limits') }}
),

goal_suspensions as (
    select
        goal_code,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_goal_suspensions') }}
),

dated_goals as (
    select
        periods.period_code,
        goals.goal_code,
        goal_suspensions.goal_code is null as is_in_force,
        goal_limits.limit_percentage,
        case
            when goal_suspensions.goal_code is null
                then {{ rule_id('goal_limit', 'goals.goal_code', 'goal_limits.valid_from_date') }}
            else {{ rule_id('goal_suspension', 'goals.goal_code', 'goal_suspensions.valid_from_date') }}
        end as goal_rule_id
    from periods
    cross join (values ('offers'), ('conversations')) as goals (goal_code)
    left join goal_limits
        on
            goals.goal_code = goal_limits.goal_code
            and {{ in_force_on('periods.period_end_date', 'goal_limits') }}
    left join goal_suspensions
        on
            goals.goal_code = goal_suspensions.goal_code
            and {{ in_force_on('periods.period_end_date', 'goal_suspensions') }}
),

scenario_periods as (
    select
        {{ required_rule(
            'scenarios.scenario_code', "'scenario ' || scenario_codes.scenario_code || ' for ' || periods.period_code"
        ) }} as scenario_code,
        periods.period_code,
        periods.period_end_date,
        periods.last_month,
        periods.is_annual_statement,
        periods.comparison_decimals,
        scenarios.result_margin,
        scenarios.counts_foertidspension,
        scenarios.order_of_1,
        scenarios.order_of_2,
        scenarios.order_of_3,
        scenarios.order_of_4,
        scenarios.uses_dated_limits,
        case
            when scenarios.uses_dated_limits then offers.is_in_force
            else true
        end as is_offers_in_force,
        case
            when scenarios.uses_dated_limits then conversations.is_in_force
            else true
        end as is_conversations_in_force,
        case
            when scenarios.uses_dated_limits then offers.limit_percentage
            else scenarios.passive_limit_percentage
        end as passive_limit_percentage,
        case
            when scenarios.uses_dated_limits then conversations.limit_percentage
            else scenarios.few_conversations_limit_percentage
        end as few_conversations_limit_percentage,
        {{ rule_id('scenario', 'scenarios.scenario_code', 'scenarios.valid_from_date') }} as scenario_rule_id,
        offers.goal_rule_id as offers_rule_id,
        conversations.goal_rule_id as conversations_rule_id
    from periods
    cross join scenario_codes
    left join scenarios
        on
            scenario_codes.scenario_code = scenarios.scenario_code
            and {{ in_force_on('periods.period_end_date', 'scenarios') }}
    inner join dated_goals as offers
        on
            periods.period_code = offers.period_code
            and offers.goal_code = 'offers'
    inner join dated_goals as conversations
        on
            periods.period_code = conversations.period_code
            and conversations.goal_code = 'conversations'
)

select
    scenario_code,
    period_code,
    period_end_date,
    last_month,
    is_annual_statement,
    comparison_decimals,
    cast(result_margin as double) as result_margin,
    counts_foertidspension,
    is_offers_in_force,
    is_conversations_in_force,
    case
        when is_offers_in_force
            then
                cast(
                    {{ required_rule(
                        'passive_limit_percentage', "'passive limit of ' || scenario_code || ' for ' || period_code"
                    ) }} as double
                )
    end as passive_limit_percentage,
    case
        when is_conversations_in_force
            then
                cast(
                    {{ required_rule(
                        'few_conversations_limit_percentage',
                        "'conversations limit of ' || scenario_code || ' for ' || period_code"
                    ) }} as double
                )
    end as few_conversations_limit_percentage,
    order_of_1,
    order_of_2,
    order_of_3,
    order_of_4,
    case
        when uses_dated_limits
            then scenario_rule_id || ' + ' || offers_rule_id || ' + ' || conversations_rule_id
        else scenario_rule_id
    end as rule_set_id
from scenario_periods
