{{ config(
    materialized='monthly',
    inputs={'benefit_periods': ['history', 3], 'ordinary_hours': [0, 3]}
) }}

with ended_spells as (
    select
        month,
        municipality_code,
        benefit_group_code,
        spell_days,
        is_retained
    from {{ ref('int_results__ended_spells') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
)

select
    month,
    coalesce(municipality_code, '0000') as municipality_code,
    coalesce(benefit_group_code, 'all') as benefit_group_code,
    count(*) as ended_spell_count,
    sum(spell_days)::bigint as spell_days,
    count(*) filter (where is_retained) as retained_count
from ended_spells
group by month, cube(municipality_code, benefit_group_code)
