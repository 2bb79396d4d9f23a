{#- Rolling years as jobindsats publishes them: those that end with the second and the fourth quarter. -#}
with months as (
    select
        month,
        is_window_complete
    from {{ ref('int_months') }}
),

published as (
    select
        period_code,
        period_start_date,
        period_end_date
    from {{ ref('stg_jobindsats__y30r21') }}
),

rule_parameters as (
    select
        parameter_code,
        value,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_parameters') }}
),

loaded_periods as (
    select
        printf('%dQMAT%02d', year(month), quarter(month)) as period_code,
        cast(month - interval 1 year + interval 1 month as date) as period_start_date,
        last_day(month) as period_end_date
    from months
    where
        is_window_complete
        and month(month) in (6, 12)
),

published_periods as (
    select
        period_code,
        min(period_start_date) as period_start_date,
        max(period_end_date) as period_end_date
    from published
    group by period_code
),

periods as (
    select
        coalesce(loaded_periods.period_code, published_periods.period_code) as period_code,
        coalesce(loaded_periods.period_start_date, published_periods.period_start_date) as period_start_date,
        coalesce(loaded_periods.period_end_date, published_periods.period_end_date) as period_end_date,
        loaded_periods.period_code is not null as is_loaded,
        published_periods.period_code is not null as is_published
    from loaded_periods
    full outer join published_periods
        on loaded_periods.period_code = published_periods.period_code
),

parameters as (
    select
        periods.period_code,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'comparison_decimals'
        ) as comparison_decimals,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'model_municipality_count'
        ) as model_municipality_count,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'similar_municipality_count'
        ) as similar_municipality_count,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'rank_simulation_draws'
        ) as rank_simulation_draws,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'rank_simulation_seed'
        ) as rank_simulation_seed,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'best_rank_maximum'
        ) as best_rank_maximum,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'confidence_z'
        ) as confidence_z,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'funnel_wide_z'
        ) as funnel_wide_z,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'funnel_winsorised_share'
        ) as funnel_winsorised_share,
        max(rule_parameters.value) filter (
            where rule_parameters.parameter_code = 'correlation_minimum_municipalities'
        ) as correlation_minimum_municipalities
    from periods
    left join rule_parameters
        on {{ in_force_on('periods.period_end_date', 'rule_parameters') }}
    group by periods.period_code
)

select
    periods.period_code,
    periods.period_start_date,
    periods.period_end_date,
    cast(date_trunc('month', periods.period_end_date) as date) as last_month,
    date_diff('day', periods.period_start_date, periods.period_end_date) + 1 as day_count,
    periods.is_loaded,
    periods.is_published,
    month(periods.period_end_date) = 12 as is_annual_statement,
    cast(
        {{ required_rule(
            'parameters.comparison_decimals', "'comparison_decimals for ' || periods.period_code"
        ) }} as integer
    ) as comparison_decimals,
    cast(
        {{ required_rule(
            'parameters.model_municipality_count', "'model_municipality_count for ' || periods.period_code"
        ) }} as integer
    ) as model_municipality_count,
    cast(
        {{ required_rule(
            'parameters.similar_municipality_count', "'similar_municipality_count for ' || periods.period_code"
        ) }} as integer
    ) as similar_municipality_count,
    cast(
        {{ required_rule(
            'parameters.rank_simulation_draws', "'rank_simulation_draws for ' || periods.period_code"
        ) }} as integer
    ) as rank_simulation_draws,
    cast(
        {{ required_rule(
            'parameters.rank_simulation_seed', "'rank_simulation_seed for ' || periods.period_code"
        ) }} as integer
    ) as rank_simulation_seed,
    cast(
        {{ required_rule(
            'parameters.best_rank_maximum', "'best_rank_maximum for ' || periods.period_code"
        ) }} as integer
    ) as best_rank_maximum,
    cast(
        {{ required_rule(
            'parameters.confidence_z', "'confidence_z for ' || periods.period_code"
        ) }} as double
    ) as confidence_z,
    cast(
        {{ required_rule(
            'parameters.funnel_wide_z', "'funnel_wide_z for ' || periods.period_code"
        ) }} as double
    ) as funnel_wide_z,
    cast(
        {{ required_rule(
            'parameters.funnel_winsorised_share', "'funnel_winsorised_share for ' || periods.period_code"
        ) }} as double
    ) as funnel_winsorised_share,
    cast(
        {{ required_rule(
            'parameters.correlation_minimum_municipalities', "'correlation_minimum_municipalities for ' || periods.period_code"
        ) }} as integer
    ) as correlation_minimum_municipalities
from periods
inner join parameters
    on periods.period_code = parameters.period_code
