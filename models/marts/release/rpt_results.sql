with facts as (
    select
        month,
        municipality_code,
        benefit_group_code,
        full_time_persons,
        full_time_persons_change,
        ended_spell_count,
        average_spell_days,
        average_weeks_on_support,
        retained_count,
        retained_share,
        is_provisional
    from {{ ref('fct_results') }}
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
    facts.full_time_persons,
    facts.full_time_persons_change,
    facts.ended_spell_count,
    facts.average_spell_days,
    facts.average_weeks_on_support,
    facts.retained_count,
    facts.retained_share,
    facts.is_provisional,
    municipalities.municipality_name,
    benefit_groups.benefit_group_name_da,
    benefit_groups.benefit_group_name_en
from facts
left join municipalities on facts.municipality_code = municipalities.municipality_code
left join benefit_groups on facts.benefit_group_code = benefit_groups.benefit_group_code
