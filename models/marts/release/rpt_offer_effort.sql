with facts as (
    select
        month,
        municipality_code,
        benefit_group_code,
        person_count,
        four_weeks_count,
        four_weeks_share,
        reached_six_months_count,
        first_offer_in_time_count,
        first_offer_in_time_share,
        is_provisional
    from {{ ref('fct_offer_effort') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

benefit_groups as (
    select
        benefit_group_code,
        benefit_group_name_da,
        benefit_group_name_en
    from {{ ref('dim_benefit_groups') }}
    {{ newest_row('benefit_group_code') }}
)

select
    facts.month,
    facts.municipality_code,
    facts.benefit_group_code,
    facts.person_count,
    facts.four_weeks_count,
    facts.four_weeks_share,
    facts.reached_six_months_count,
    facts.first_offer_in_time_count,
    facts.first_offer_in_time_share,
    facts.is_provisional,
    municipalities.municipality_name,
    benefit_groups.benefit_group_name_da,
    benefit_groups.benefit_group_name_en
from facts
left join municipalities on facts.municipality_code = municipalities.municipality_code
left join benefit_groups on facts.benefit_group_code = benefit_groups.benefit_group_code
