{{ config(
    materialized='monthly',
    inputs={
        'benefit_periods': 'history',
        'conversations': [-11, 0],
        'active_offers': [-12, 0],
        'ordinary_hours': [-11, 0]
    }
) }}

with long_term as (
    select
        month,
        municipality_code,
        benefit_group_code,
        offer_day_count
    from {{ ref('int_focus_goals__population') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

six_months as (
    select
        month,
        municipality_code,
        benefit_group_code,
        has_first_offer
    from {{ ref('int_offer_effort__six_months_population') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

months as (
    select
        month,
        four_weeks_days
    from {{ ref('int_months') }}
),

persons as (
    select
        long_term.month,
        long_term.municipality_code,
        long_term.benefit_group_code,
        true as is_long_term,
        long_term.offer_day_count >= months.four_weeks_days as has_four_weeks,
        false as has_reached_six_months,
        false as has_first_offer
    from long_term
    inner join months on long_term.month = months.month
    union all
    select
        month,
        municipality_code,
        benefit_group_code,
        false as is_long_term,
        false as has_four_weeks,
        true as has_reached_six_months,
        has_first_offer
    from six_months
)

select
    month,
    coalesce(municipality_code, '0000') as municipality_code,
    coalesce(benefit_group_code, 'all') as benefit_group_code,
    count(*) filter (where is_long_term) as person_count,
    count(*) filter (where has_four_weeks) as four_weeks_count,
    count(*) filter (where has_reached_six_months) as reached_six_months_count,
    count(*) filter (where has_first_offer) as first_offer_in_time_count
from persons
group by month, cube(municipality_code, benefit_group_code)
