with rounds as (
    select
        round_code,
        baseline_month,
        follow_up_month
    from {{ ref('follow_up_rounds') }}
),

rule_parameters as (
    select
        parameter_code,
        value,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_parameters') }}
),

municipality_months as (
    select
        month,
        municipality_code
    from {{ ref('int_municipalities') }}
),

target_groups as (
    select
        target_group_code,
        valid_from_date,
        valid_to_date
    from {{ ref('target_groups') }}
),

counts as (
    select
        month,
        municipality_code,
        target_group_code,
        person_count,
        sufficient_count
    from {{ ref('int_conversation_coverage__counts') }}
),

-- Every municipality, group and loaded month, so that an empty group is a row of 0 persons.
coverage as (
    select
        municipality_months.month,
        municipality_months.municipality_code,
        target_groups.target_group_code,
        coalesce(counts.person_count, 0) as person_count,
        coalesce(counts.sufficient_count, 0) as sufficient_count,
        {{ share('counts.sufficient_count', 'counts.person_count') }} as sufficient_share
    from municipality_months
    inner join target_groups
        on {{ in_force_on('last_day(municipality_months.month)', 'target_groups') }}
    left join counts
        on
            municipality_months.month = counts.month
            and municipality_months.municipality_code = counts.municipality_code
            and target_groups.target_group_code = counts.target_group_code
),

parameters as (
    select
        rounds.round_code,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'comparison_decimals'
        ) as comparison_decimals,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'follow_up_well_below_points'
        ) as follow_up_well_below_points,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'follow_up_improved_points'
        ) as follow_up_improved_points,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'follow_up_minimum_persons'
        ) as follow_up_minimum_persons,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'follow_up_minimum_groups'
        ) as follow_up_minimum_groups
    from rounds
    left join rule_parameters
        on {{ in_force_on('last_day(rounds.follow_up_month)', 'rule_parameters') }}
    group by rounds.round_code
),

-- Inner joins: a round exists only when both of its months are loaded.
paired as (
    select
        rounds.round_code,
        follow_ups.municipality_code,
        follow_ups.target_group_code,
        rounds.baseline_month,
        rounds.follow_up_month,
        follow_ups.person_count as follow_up_person_count,
        follow_ups.sufficient_count as follow_up_sufficient_count,
        baselines.person_count as baseline_person_count,
        baselines.sufficient_count as baseline_sufficient_count,
        baselines.sufficient_share as baseline_share,
        follow_ups.sufficient_share as follow_up_share,
        countries.sufficient_share as national_follow_up_share
    from rounds
    inner join coverage as follow_ups
        on rounds.follow_up_month = follow_ups.month
    inner join coverage as baselines
        on
            rounds.baseline_month = baselines.month
            and follow_ups.municipality_code = baselines.municipality_code
            and follow_ups.target_group_code = baselines.target_group_code
    inner join coverage as countries
        on
            rounds.follow_up_month = countries.month
            and follow_ups.target_group_code = countries.target_group_code
            and countries.municipality_code = '0000'
    where follow_ups.municipality_code <> '0000'
),

compared as (
    select
        paired.*,
        parameters.comparison_decimals,
        {{ required_rule(
            'parameters.follow_up_improved_points', "'follow_up_improved_points of ' || paired.round_code"
        ) }} as improved_points,
        {{ required_rule(
            'parameters.follow_up_well_below_points', "'follow_up_well_below_points of ' || paired.round_code"
        ) }} as well_below_points,
        {{ required_rule(
            'parameters.follow_up_minimum_persons', "'follow_up_minimum_persons of ' || paired.round_code"
        ) }} as minimum_persons,
        {{ required_rule(
            'parameters.follow_up_minimum_groups', "'follow_up_minimum_groups of ' || paired.round_code"
        ) }} as minimum_groups,
        cast(
            {{ required_rule(
                'parameters.comparison_decimals', "'comparison_decimals of ' || paired.round_code"
            ) }} as integer
        ) as decimals,
        100 * (paired.follow_up_share - paired.baseline_share) as change_percentage_points,
        100 * (paired.follow_up_share - paired.national_follow_up_share) as above_country_percentage_points
    from paired
    inner join parameters
        on paired.round_code = parameters.round_code
),

judged as (
    select
        *,
        case
            when above_country_percentage_points is null then null
            when round(above_country_percentage_points, decimals) < -well_below_points then 'well_below'
            when round(above_country_percentage_points, decimals) < 0 then 'below'
            else 'at_or_above'
        end as status,
        round(change_percentage_points, decimals) >= improved_points as is_improved
    from compared
)

select
    round_code,
    municipality_code,
    target_group_code,
    baseline_month,
    follow_up_month,
    baseline_person_count,
    baseline_sufficient_count,
    follow_up_person_count,
    follow_up_sufficient_count,
    baseline_share,
    follow_up_share,
    change_percentage_points,
    national_follow_up_share,
    status,
    is_improved,
    count(*) filter (
        where status = 'well_below' and follow_up_person_count >= minimum_persons
    ) over (partition by round_code, municipality_code) >= minimum_groups as is_on_list
from judged
