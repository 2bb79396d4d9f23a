with facts as (
    select
        round_code,
        municipality_code,
        target_group_code,
        baseline_month,
        follow_up_month,
        baseline_share,
        follow_up_share,
        change_percentage_points,
        national_follow_up_share,
        status,
        is_improved,
        is_on_list
    from {{ ref('fct_follow_up') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

target_groups as (
    select
        target_group_code,
        label_da,
        label_en
    from {{ ref('target_groups') }}
    {{ newest_row('target_group_code') }}
),

rounds as (
    select
        round_code,
        label_da,
        label_en
    from {{ ref('follow_up_rounds') }}
    {{ newest_row('round_code') }}
)

select
    facts.round_code,
    facts.municipality_code,
    facts.target_group_code,
    facts.baseline_month,
    facts.follow_up_month,
    facts.baseline_share,
    facts.follow_up_share,
    facts.change_percentage_points,
    facts.national_follow_up_share,
    facts.status,
    facts.is_improved,
    facts.is_on_list,
    municipalities.municipality_name,
    target_groups.label_da as target_group_name_da,
    target_groups.label_en as target_group_name_en,
    rounds.label_da as round_name_da,
    rounds.label_en as round_name_en
from facts
left join municipalities
    on facts.municipality_code = municipalities.municipality_code
left join target_groups
    on facts.target_group_code = target_groups.target_group_code
left join rounds
    on facts.round_code = rounds.round_code
