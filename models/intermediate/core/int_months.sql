with batches as (
    select
        dataset_code,
        month
    from {{ ref('stg_extracts__batches') }}
),

parameters as (
    select
        parameter_code,
        value,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_parameters') }}
),

loaded as (
    select
        month,
        last_day(month) as as_of_date,
        (month + interval 1 month)::date as next_month_date,
        min(month) over () as first_month,
        max(month) over () as newest_month
    from batches
    where dataset_code = 'benefit_periods'
),

-- One column per scalar rule, in force on the month's last day.
ruled as (
    select
        loaded.month,
        max(parameters.value) filter (where parameters.parameter_code = 'spell_gap_days') as spell_gap_days,
        max(parameters.value) filter (
            where parameters.parameter_code = 'passive_minimum_months'
        ) as passive_minimum_months,
        max(parameters.value) filter (where parameters.parameter_code = 'ordinary_hours_limit') as hours_limit,
        max(
            {{ rule_id('ordinary_hours_limit', "'all'", 'parameters.valid_from_date') }}
        ) filter (where parameters.parameter_code = 'ordinary_hours_limit') as hours_rule_id,
        max(parameters.value) filter (
            where parameters.parameter_code = 'few_conversations_minimum'
        ) as few_conversations_minimum,
        max(parameters.value) filter (
            where parameters.parameter_code = 'activity_window_months'
        )::integer as activity_window_months,
        max(parameters.value) filter (where parameters.parameter_code = 'four_weeks_days') as four_weeks_days,
        max(parameters.value) filter (where parameters.parameter_code = 'first_offer_months') as first_offer_months,
        max(parameters.value) filter (where parameters.parameter_code = 'weeks_per_year') as weeks_per_year,
        max(parameters.value) filter (where parameters.parameter_code = 'retention_months') as retention_months,
        max(parameters.value) filter (where parameters.parameter_code = 'year_change_months') as year_change_months,
        max(parameters.value) filter (where parameters.parameter_code = 'final_after_months') as final_after_months,
        max(parameters.value) filter (where parameters.parameter_code = 'comparison_decimals') as comparison_decimals,
        max(parameters.value) filter (
            where parameters.parameter_code = 'early_effort_completed_months'
        ) as early_effort_completed_months,
        max(parameters.value) filter (
            where parameters.parameter_code = 'early_effort_required_conversations'
        ) as early_effort_required_conversations,
        max(parameters.value) filter (where parameters.parameter_code = 'early_effort_share') as early_effort_share,
        max(parameters.value) filter (
            where parameters.parameter_code = 'early_effort_minimum_persons'
        ) as early_effort_minimum_persons,
        max(parameters.value) filter (
            where parameters.parameter_code = 'early_effort_run_months'
        ) as early_effort_run_months,
        bool_or(starts_with(parameters.parameter_code, 'early_effort_')) as has_early_effort
    from loaded
    inner join parameters
        on {{ in_force_on('loaded.as_of_date', 'parameters') }}
    group by loaded.month
),

neighbours as (
    select
        loaded.month,
        count(*) filter (
            where
            others.month between loaded.month - to_months(ruled.activity_window_months - 1) and loaded.month
        ) as window_loaded_count,
        count(*) filter (
            where
            others.month > loaded.month - interval 1 year
            and others.month <= loaded.month
        ) as year_loaded_count,
        max(others.month) filter (where others.month < loaded.month) as previous_loaded_month,
        count(*) filter (where others.month > loaded.month) as later_loaded_months_count,
        count(*) filter (where others.month = loaded.month - interval 1 month) > 0 as has_previous_month_loaded
    from loaded
    inner join ruled on loaded.month = ruled.month
    cross join loaded as others
    group by loaded.month
),

-- Of the next calendar month, loaded or not: what this month says must not depend on when the next one comes.
next_month_rules as (
    select
        loaded.month,
        max(parameters.value) filter (where parameters.parameter_code = 'spell_gap_days') as spell_gap_days
    from loaded
    inner join parameters
        on {{ in_force_on('last_day(loaded.next_month_date)', 'parameters') }}
    group by loaded.month
)

select
    loaded.month,
    loaded.as_of_date,
    loaded.next_month_date,
    day(loaded.as_of_date) as days_in_month,
    (12 * year(loaded.month) + month(loaded.month))::integer as month_index,
    loaded.first_month,
    loaded.newest_month,
    last_day(loaded.newest_month) as newest_as_of_date,
    loaded.month = loaded.newest_month as is_newest,
    neighbours.has_previous_month_loaded,
    neighbours.previous_loaded_month,
    neighbours.year_loaded_count = 12 as is_window_complete,
    neighbours.window_loaded_count
    < least(ruled.activity_window_months, 1 + date_diff('month', loaded.first_month, loaded.month))
        as has_hole_in_window,
    neighbours.later_loaded_months_count,
    neighbours.later_loaded_months_count
    < {{ required_rule('ruled.final_after_months', "'final_after_months on ' || loaded.as_of_date") }}
        as is_provisional,
    {{ required_rule('ruled.spell_gap_days', "'spell_gap_days on ' || loaded.as_of_date") }}::integer
        as spell_gap_days,
    {{ required_rule(
        'next_month_rules.spell_gap_days', "'spell_gap_days on ' || last_day(loaded.next_month_date)"
    ) }}::integer as spell_gap_days_of_next_month,
    {{ required_rule('ruled.passive_minimum_months', "'passive_minimum_months on ' || loaded.as_of_date") }}::integer
        as passive_minimum_months,
    {{ required_rule('ruled.hours_limit', "'ordinary_hours_limit on ' || loaded.as_of_date") }} as hours_limit,
    ruled.hours_rule_id,
    {{ required_rule(
        'ruled.few_conversations_minimum', "'few_conversations_minimum on ' || loaded.as_of_date"
    ) }}::integer as few_conversations_minimum,
    {{ required_rule('ruled.activity_window_months', "'activity_window_months on ' || loaded.as_of_date") }}::integer
        as activity_window_months,
    {{ required_rule('ruled.four_weeks_days', "'four_weeks_days on ' || loaded.as_of_date") }}::integer
        as four_weeks_days,
    {{ required_rule('ruled.first_offer_months', "'first_offer_months on ' || loaded.as_of_date") }}::integer
        as first_offer_months,
    {{ required_rule('ruled.weeks_per_year', "'weeks_per_year on ' || loaded.as_of_date") }}::integer
        as weeks_per_year,
    {{ required_rule('ruled.retention_months', "'retention_months on ' || loaded.as_of_date") }}::integer
        as retention_months,
    {{ required_rule('ruled.year_change_months', "'year_change_months on ' || loaded.as_of_date") }}::integer
        as year_change_months,
    {{ required_rule('ruled.comparison_decimals', "'comparison_decimals on ' || loaded.as_of_date") }}::integer
        as comparison_decimals,
    -- The early-effort follow-up began in November 2023: before that it has no rule, and no rows. Since then
    -- it has all of its rules, or none of its figures can be told.
    case
        when ruled.has_early_effort
            then
                {{ required_rule(
                    'ruled.early_effort_completed_months', "'early_effort_completed_months on ' || loaded.as_of_date"
                ) }}::integer
    end as early_effort_completed_months,
    case
        when ruled.has_early_effort
            then
                {{ required_rule(
                    'ruled.early_effort_required_conversations', "'early_effort_required_conversations on ' || loaded.as_of_date"
                ) }}::integer
    end as early_effort_required_conversations,
    case
        when ruled.has_early_effort
            then
                {{ required_rule(
                    'ruled.early_effort_share', "'early_effort_share on ' || loaded.as_of_date"
                ) }}
    end as early_effort_share,
    case
        when ruled.has_early_effort
            then
                {{ required_rule(
                    'ruled.early_effort_minimum_persons', "'early_effort_minimum_persons on ' || loaded.as_of_date"
                ) }}::integer
    end as early_effort_minimum_persons,
    case
        when ruled.has_early_effort
            then
                {{ required_rule(
                    'ruled.early_effort_run_months', "'early_effort_run_months on ' || loaded.as_of_date"
                ) }}::integer
    end as early_effort_run_months
from loaded
left join neighbours on loaded.month = neighbours.month
left join ruled on loaded.month = ruled.month
left join next_month_rules on loaded.month = next_month_rules.month
