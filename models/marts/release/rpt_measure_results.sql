with facts as (
    select
        measure_id,
        period_start_date,
        period_end_date,
        municipality_code,
        group_code,
        numerator_count,
        denominator_count,
        measure_value,
        unit,
        rule_id,
        is_provisional
    from {{ ref('fct_measure_results') }}
),

municipalities as (
    select
        municipality_code,
        municipality_name
    from {{ ref('dim_municipalities') }}
    where is_current
),

measures as (
    select
        measure_id,
        name_da,
        name_en
    from {{ ref('dim_measures') }}
)

select
    facts.measure_id,
    facts.period_start_date,
    facts.period_end_date,
    facts.municipality_code,
    facts.group_code,
    facts.numerator_count,
    facts.denominator_count,
    facts.measure_value,
    facts.unit,
    facts.rule_id,
    facts.is_provisional,
    municipalities.municipality_name,
    measures.name_da as measure_name_da,
    measures.name_en as measure_name_en
from facts
left join municipalities on facts.municipality_code = municipalities.municipality_code
left join measures on facts.measure_id = measures.measure_id
