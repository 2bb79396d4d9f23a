{{ config(materialized='view') }}

with segments as (
    select
        month,
        person_key,
        to_date,
        municipality_code,
        benefit_group_code,
        target_group_code,
        is_in_scope,
        benefit_spell_start_date,
        support_spell_start_date,
        is_benefit_left_censored,
        is_support_left_censored
    from {{ ref('int_benefit_segments') }}
),

months as (
    select
        month,
        as_of_date,
        next_month_date
    from {{ ref('int_months') }}
)

select
    segments.month,
    segments.person_key,
    segments.municipality_code,
    segments.benefit_group_code,
    segments.target_group_code,
    segments.is_in_scope,
    segments.benefit_spell_start_date,
    segments.support_spell_start_date,
    segments.is_benefit_left_censored,
    segments.is_support_left_censored,
    {{ completed_months('segments.benefit_spell_start_date', 'months.next_month_date') }} as benefit_completed_months,
    {{ completed_months('segments.support_spell_start_date', 'months.next_month_date') }} as support_completed_months
from segments
inner join months
    on
        segments.month = months.month
        and segments.to_date = months.as_of_date
