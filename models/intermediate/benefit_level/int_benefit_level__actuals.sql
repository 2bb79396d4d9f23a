with periods as (
    select
        period_code,
        period_start_date,
        period_end_date,
        last_month,
        day_count
    from {{ ref('int_benefit_level__periods') }}
    where is_loaded
),

municipalities as (
    select
        municipality_code,
        valid_from_date,
        valid_to_date
    from {{ ref('municipalities') }}
),

areas as (
    select
        benefit_area_code,
        valid_from_date,
        valid_to_date
    from {{ ref('benefit_areas') }}
),

area_members as (
    select
        benefit_area_code,
        benefit_group_code,
        valid_from_date,
        valid_to_date
    from {{ ref('benefit_area_members') }}
),

full_time_days as (
    select
        month,
        municipality_code,
        benefit_group_code,
        full_time_days
    from {{ ref('int_benefit_recipients__full_time_days') }}
),

populations as (
    select
        quarter_end_month,
        municipality_code,
        population_16_66
    from {{ ref('int_population__quarters') }}
),

area_days as (
    select
        periods.period_code,
        full_time_days.municipality_code,
        area_members.benefit_area_code,
        sum(full_time_days.full_time_days) as full_time_days
    from periods
    inner join full_time_days
        on full_time_days.month between periods.period_start_date and periods.last_month
    inner join area_members
        on
            full_time_days.benefit_group_code = area_members.benefit_group_code
            and {{ in_force_on('last_day(full_time_days.month)', 'area_members') }}
    group by
        periods.period_code,
        full_time_days.municipality_code,
        area_members.benefit_area_code
),

due as (
    select
        periods.period_code,
        periods.last_month,
        periods.day_count,
        municipalities.municipality_code,
        areas.benefit_area_code
    from periods
    inner join municipalities
        on {{ in_force_on('periods.period_end_date', 'municipalities') }}
    inner join areas
        on {{ in_force_on('periods.period_end_date', 'areas') }}
),

measured as (
    select
        due.period_code,
        due.municipality_code,
        due.benefit_area_code,
        cast(coalesce(area_days.full_time_days, 0) as double) / due.day_count as actual_full_time_persons,
        populations.population_16_66
    from due
    left join area_days
        on
            due.period_code = area_days.period_code
            and due.municipality_code = area_days.municipality_code
            and due.benefit_area_code = area_days.benefit_area_code
    left join populations
        on
            due.last_month = populations.quarter_end_month
            and due.municipality_code = populations.municipality_code
)

select
    period_code,
    municipality_code,
    benefit_area_code,
    actual_full_time_persons,
    population_16_66,
    100 * actual_full_time_persons / population_16_66 as actual_percentage
from measured
