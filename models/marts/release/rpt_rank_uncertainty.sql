with levels as (
    select
        period_code,
        municipality_code,
        expected_source,
        difference_percentage_points,
        benchmark_rank
    from {{ ref('int_benefit_level__levels') }}
    where
        benefit_area_code = 'all'
        and is_chosen_source
),

rank_simulation as (
    select
        period_code,
        municipality_code,
        rank_lower_95,
        rank_upper_95,
        best_ten_probability,
        worst_ten_probability
    from {{ ref('int_benefit_level__rank_simulation') }}
    where benefit_area_code = 'all'
),

shares as (
    select
        period_code,
        municipality_code,
        measure_id,
        is_high_good,
        measure_value,
        measured_count
    from {{ ref('int_rank_uncertainty__shares') }}
),

funnels as (
    select
        period_code,
        measure_id,
        municipality_code,
        funnel_target,
        funnel_lower_95,
        funnel_upper_95,
        funnel_lower_998,
        funnel_upper_998,
        funnel_overdispersion
    from {{ ref('int_rank_uncertainty__funnels') }}
),

periods as (
    select
        period_code,
        comparison_decimals
    from {{ ref('int_benefit_level__periods') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

ranked_levels as (
    select
        levels.period_code,
        levels.municipality_code,
        'benefit_level_difference' as measure_id,
        levels.expected_source,
        levels.difference_percentage_points as measure_value,
        cast(null as double) as measured_count,
        levels.benchmark_rank as measure_rank,
        rank_simulation.rank_lower_95,
        rank_simulation.rank_upper_95,
        rank_simulation.best_ten_probability,
        rank_simulation.worst_ten_probability
    from levels
    left join rank_simulation
        on
            levels.expected_source = 'model'
            and levels.period_code = rank_simulation.period_code
            and levels.municipality_code = rank_simulation.municipality_code
),

ranked_shares as (
    select
        shares.period_code,
        shares.municipality_code,
        shares.measure_id,
        cast(null as varchar) as expected_source,
        shares.measure_value,
        shares.measured_count,
        case
            when shares.measure_value is not null
                then
                    cast(
                        row_number() over (
                            partition by
                                shares.period_code,
                                shares.measure_id
                            order by
                                round(
                                    case
                                        when shares.is_high_good then -shares.measure_value
                                        else shares.measure_value
                                    end,
                                    periods.comparison_decimals
                                ) nulls last,
                                shares.municipality_code
                        ) as integer
                    )
        end as measure_rank,
        cast(null as double) as rank_lower_95,
        cast(null as double) as rank_upper_95,
        cast(null as double) as best_ten_probability,
        cast(null as double) as worst_ten_probability
    from shares
    inner join periods
        on shares.period_code = periods.period_code
),

all_ranks as (
    select
        period_code,
        municipality_code,
        measure_id,
        expected_source,
        measure_value,
        measured_count,
        measure_rank,
        rank_lower_95,
        rank_upper_95,
        best_ten_probability,
        worst_ten_probability
    from ranked_levels

    union all

    select
        period_code,
        municipality_code,
        measure_id,
        expected_source,
        measure_value,
        measured_count,
        measure_rank,
        rank_lower_95,
        rank_upper_95,
        best_ten_probability,
        worst_ten_probability
    from ranked_shares
)

select
    all_ranks.period_code,
    all_ranks.municipality_code,
    all_ranks.measure_id,
    municipalities.municipality_name,
    all_ranks.expected_source,
    all_ranks.measure_value,
    all_ranks.measured_count,
    all_ranks.measure_rank as rank,
    all_ranks.rank_lower_95,
    all_ranks.rank_upper_95,
    all_ranks.best_ten_probability,
    all_ranks.worst_ten_probability,
    funnels.funnel_target,
    funnels.funnel_lower_95,
    funnels.funnel_upper_95,
    funnels.funnel_lower_998,
    funnels.funnel_upper_998,
    funnels.funnel_overdispersion,
    case
        when funnels.funnel_target is null or all_ranks.measure_value is null then null
        when all_ranks.measure_value < funnels.funnel_lower_998 then 'below_998'
        when all_ranks.measure_value < funnels.funnel_lower_95 then 'below_95'
        when all_ranks.measure_value > funnels.funnel_upper_998 then 'above_998'
        when all_ranks.measure_value > funnels.funnel_upper_95 then 'above_95'
        else 'within'
    end as funnel_position_code
from all_ranks
left join funnels
    on
        all_ranks.period_code = funnels.period_code
        and all_ranks.municipality_code = funnels.municipality_code
        and all_ranks.measure_id = funnels.measure_id
left join municipalities
    on all_ranks.municipality_code = municipalities.municipality_code
