with facts as (
    select
        month,
        municipality_code,
        benefit_group_code,
        duration_band_code,
        person_count,
        passive_count,
        passive_share,
        is_provisional
    from {{ ref('fct_passive_by_duration') }}
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
),

duration_bands as (
    select
        duration_band_code,
        label_da,
        label_en,
        sort_order
    from {{ ref('duration_bands') }}
    {{ newest_row('duration_band_code') }}
)

select
    facts.month,
    facts.municipality_code,
    facts.benefit_group_code,
    facts.duration_band_code,
    facts.person_count,
    facts.passive_count,
    facts.passive_share,
    facts.is_provisional,
    municipalities.municipality_name,
    benefit_groups.benefit_group_name_da,
    benefit_groups.benefit_group_name_en,
    duration_bands.label_da as duration_band_name_da,
    duration_bands.label_en as duration_band_name_en,
    duration_bands.sort_order as duration_band_order
from facts
left join municipalities on facts.municipality_code = municipalities.municipality_code
left join benefit_groups on facts.benefit_group_code = benefit_groups.benefit_group_code
left join duration_bands on facts.duration_band_code = duration_bands.duration_band_code
