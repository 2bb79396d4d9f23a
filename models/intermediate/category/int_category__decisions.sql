with inputs as (
    select
        scenario_code,
        period_code,
        municipality_code,
        period_end_date,
        is_annual_statement,
        comparison_decimals,
        difference_percentage_points,
        difference_standard_error,
        expected_source,
        result_missing_da,
        result_missing_en,
        result_margin,
        population_16_66,
        is_offers_in_force,
        passive_percentage,
        passive_mean_person_count,
        passive_limit_percentage,
        is_conversations_in_force,
        few_conversations_percentage,
        few_conversations_mean_person_count,
        few_conversations_limit_percentage,
        order_of_1,
        order_of_2,
        order_of_3,
        order_of_4,
        rule_set_id
    from {{ ref('int_category__inputs') }}
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

judged_goals as (
    select
        *,
        {{ result_goal_status('difference_percentage_points', 'result_margin', 'comparison_decimals') }}
            as result_status,
        {{ focus_goal_status(
            'is_offers_in_force', 'passive_percentage', 'passive_limit_percentage', 'comparison_decimals'
        ) }} as offers_status,
        {{ focus_goal_status(
            'is_conversations_in_force', 'few_conversations_percentage', 'few_conversations_limit_percentage',
            'comparison_decimals'
        ) }} as conversations_status,
        result_margin - difference_percentage_points as result_distance,
        case when is_offers_in_force then passive_limit_percentage - passive_percentage end as passive_distance,
        case
            when is_conversations_in_force then few_conversations_limit_percentage - few_conversations_percentage
        end as few_conversations_distance
    from inputs
),

decided as (
    select
        judged_goals.*,
        case
            when
                judged_goals.result_status is null
                or judged_goals.offers_status is null
                or judged_goals.conversations_status is null
                then 0
            else
                {{ required_rule(
                    'category_decisions.municipality_category',
                    "'category of ' || judged_goals.result_status || ', ' || judged_goals.offers_status || ', ' "
                    ~ "|| judged_goals.conversations_status"
                ) }}
        end as municipality_category
    from judged_goals
    left join category_decisions
        on
            judged_goals.result_status = category_decisions.result_status
            and judged_goals.offers_status = category_decisions.offers_status
            and judged_goals.conversations_status = category_decisions.conversations_status
            and {{ in_force_on('judged_goals.period_end_date', 'category_decisions') }}
),

counted_persons as (
    select
        *,
        case
            when municipality_category > 0
                then {{ persons_to_flip('result_distance', 'population_16_66') }}
        end as result_persons_to_flip,
        case
            when municipality_category > 0
                then {{ persons_to_flip('passive_distance', 'passive_mean_person_count') }}
        end as passive_persons_to_flip,
        case
            when municipality_category > 0
                then {{ persons_to_flip('few_conversations_distance', 'few_conversations_mean_person_count') }}
        end as few_conversations_persons_to_flip
    from decided
)

select
    scenario_code,
    period_code,
    municipality_code,
    period_end_date,
    is_annual_statement,
    comparison_decimals,
    difference_percentage_points,
    difference_standard_error,
    expected_source,
    result_missing_da,
    result_missing_en,
    result_margin,
    result_status,
    result_status = 'met' as is_result_met,
    is_offers_in_force,
    passive_percentage,
    passive_limit_percentage,
    offers_status,
    case when is_offers_in_force then offers_status = 'met' end as is_offers_met,
    is_conversations_in_force,
    few_conversations_percentage,
    few_conversations_limit_percentage,
    conversations_status,
    case when is_conversations_in_force then conversations_status = 'met' end as is_conversations_met,
    cast(municipality_category as integer) as municipality_category,
    cast(
        case municipality_category
            when 1 then order_of_1
            when 2 then order_of_2
            when 3 then order_of_3
            when 4 then order_of_4
        end as integer
    ) as category_order,
    result_distance,
    passive_distance,
    few_conversations_distance,
    cast(result_persons_to_flip as bigint) as result_persons_to_flip,
    cast(passive_persons_to_flip as bigint) as passive_persons_to_flip,
    cast(few_conversations_persons_to_flip as bigint) as few_conversations_persons_to_flip,
    -- least() leaves nulls out: the smallest of the goals that have a number.
    cast(
        least(result_persons_to_flip, passive_persons_to_flip, few_conversations_persons_to_flip) as bigint
    ) as persons_to_flip,
    rule_set_id
from counted_persons
