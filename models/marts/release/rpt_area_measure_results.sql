{#-
    Whatever these measures count (a person on the month's last day, an obligation, a request, an ended spell, a day on
    a benefit, an inhabitant) has one municipality, and a municipality one area of each kind: the area's count of
    persons is the sum of its municipalities' counts. Measures of a year are left out: an area has no expected level.
-#}
-- Decimals, so that a sum does not depend on the order in which threads add; here, before each row stands in every
-- kind of area.
with facts as (
    select
        measure_id,
        period_start_date,
        period_end_date,
        municipality_code,
        group_code,
        numerator_count::decimal(38, 12) as numerator_count,
        denominator_count::decimal(38, 12) as denominator_count,
        is_provisional
    from {{ ref('fct_measure_results') }}
    where
        municipality_code != '0000'
        and period_start_date = date_trunc('month', period_end_date)
),

areas as (
    select
        area_type_code,
        area_code,
        area_name,
        municipality_code,
        valid_from_date,
        valid_to_date
    from {{ ref('municipality_areas') }}
),

measures as (
    select
        measure_id,
        unit,
        name_da,
        name_en
    from {{ ref('dim_measures') }}
),

-- A part that lacks leaves no sum.
summed as (
    select
        areas.area_type_code,
        areas.area_code,
        facts.measure_id,
        facts.period_start_date as month,
        facts.group_code,
        min(areas.area_name) as area_name,
        bool_or(facts.is_provisional) as is_provisional,
        case
            when count(facts.numerator_count) = count(*) then sum(facts.numerator_count)
        end::double as numerator_count,
        case
            when count(facts.denominator_count) = count(*) then sum(facts.denominator_count)
        end::double as denominator_count
    from facts
    inner join areas
        on
            facts.municipality_code = areas.municipality_code
            and {{ in_force_on('facts.period_end_date', 'areas') }}
    group by
        areas.area_type_code,
        areas.area_code,
        facts.measure_id,
        facts.period_start_date,
        facts.group_code
)

select
    summed.area_type_code,
    summed.area_code,
    summed.measure_id,
    summed.month,
    summed.group_code,
    summed.numerator_count,
    summed.denominator_count,
    case measures.unit
        when 'full_time_persons' then summed.numerator_count
        when 'percentage' then 100 * {{ share('summed.numerator_count', 'summed.denominator_count') }}
        else {{ share('summed.numerator_count', 'summed.denominator_count') }}
    end as measure_value,
    measures.unit,
    summed.is_provisional,
    summed.area_name,
    measures.name_da as measure_name_da,
    measures.name_en as measure_name_en
from summed
left join measures on summed.measure_id = measures.measure_id
