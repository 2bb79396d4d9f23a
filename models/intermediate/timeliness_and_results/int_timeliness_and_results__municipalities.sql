with periods as (
    select
        period_code,
        period_start_date,
        period_end_date,
        last_month,
        comparison_decimals
    from {{ ref('int_benefit_level__periods') }}
    where is_loaded
),

timeliness as (
    select
        month,
        municipality_code,
        on_time_count,
        not_on_time_count
    from {{ ref('int_conversation_timeliness__counts') }}
),

results as (
    select
        period_code,
        municipality_code,
        difference_percentage_points
    from {{ ref('int_category__results') }}
    where not counts_foertidspension
),

quadrants as (
    select
        quadrant_code,
        is_high_on_time,
        is_good_result,
        valid_from_date,
        valid_to_date
    from {{ ref('quadrants') }}
),

municipality_counts as (
    select
        periods.period_code,
        timeliness.municipality_code,
        sum(timeliness.on_time_count) as on_time_count,
        sum(timeliness.on_time_count + timeliness.not_on_time_count) as obligation_count
    from periods
    inner join timeliness
        on timeliness.month between periods.period_start_date and periods.last_month
    where timeliness.municipality_code <> '0000'
    group by
        periods.period_code,
        timeliness.municipality_code
),

-- An obligation has one municipality: the country's count is the sum of theirs.
period_counts as (
    select
        period_code,
        municipality_code,
        on_time_count,
        obligation_count
    from municipality_counts

    union all

    select
        period_code,
        '0000' as municipality_code,
        sum(on_time_count) as on_time_count,
        sum(obligation_count) as obligation_count
    from municipality_counts
    group by period_code
),

period_shares as (
    select
        period_code,
        municipality_code,
        on_time_count,
        obligation_count,
        {{ share('on_time_count', 'obligation_count') }} as on_time_share
    from period_counts
),

compared as (
    select
        results.period_code,
        results.municipality_code,
        periods.period_end_date,
        municipal_shares.on_time_count,
        municipal_shares.obligation_count,
        municipal_shares.on_time_share,
        country_shares.on_time_share as national_on_time_share,
        results.difference_percentage_points,
        round(municipal_shares.on_time_share, periods.comparison_decimals)
        >= round(country_shares.on_time_share, periods.comparison_decimals) as is_high_on_time,
        round(results.difference_percentage_points, periods.comparison_decimals) <= 0 as is_good_result
    from results
    inner join periods
        on results.period_code = periods.period_code
    left join period_shares as municipal_shares
        on
            results.period_code = municipal_shares.period_code
            and results.municipality_code = municipal_shares.municipality_code
    left join period_shares as country_shares
        on
            results.period_code = country_shares.period_code
            and country_shares.municipality_code = '0000'
)

select
    compared.period_code,
    compared.municipality_code,
    cast(coalesce(compared.on_time_count, 0) as bigint) as on_time_count,
    cast(coalesce(compared.obligation_count, 0) as bigint) as obligation_count,
    compared.on_time_share,
    compared.national_on_time_share,
    compared.difference_percentage_points,
    quadrants.quadrant_code
from compared
left join quadrants
    on
        compared.is_high_on_time = quadrants.is_high_on_time
        and compared.is_good_result = quadrants.is_good_result
        and {{ in_force_on('compared.period_end_date', 'quadrants') }}
