{{ config(materialized='monthly', inputs={'benefit_periods': 'history', 'active_offers': 'history'}) }}

with stock as (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        benefit_spell_start_date,
        benefit_completed_months
    from {{ ref('int_stock') }}
    where
        month between {{ batch_from() }} and {{ batch_to() }}
        and is_in_scope
),

months as (
    select
        month,
        as_of_date
    from {{ ref('int_months') }}
),

duration_bands as (
    select
        duration_band_code,
        from_months,
        to_months,
        from_days,
        to_days,
        valid_from_date,
        valid_to_date
    from {{ ref('duration_bands') }}
),

-- One row per person and month, of the spell of the month's newest days: who is in the stock is there in that spell.
offered as (
    select
        month,
        person_key
    from {{ ref('int_passive_by_duration__offered') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

-- The band depends on the spell's start alone: it is worked out once for each start.
starts as (
    select
        month,
        benefit_spell_start_date,
        benefit_completed_months
    from stock
    group by month, benefit_spell_start_date, benefit_completed_months
),

banded as (
    select
        starts.month,
        starts.benefit_spell_start_date,
        {{ required_rule(
            'duration_bands.duration_band_code',
            "'duration_bands: spell from ' || starts.benefit_spell_start_date || ' in ' || starts.month"
        ) }} as duration_band_code
    from starts
    inner join months on starts.month = months.month
    left join duration_bands
        on
            {{ in_force_on('months.as_of_date', 'duration_bands') }}
            and starts.benefit_completed_months >= duration_bands.from_months
            and (duration_bands.to_months is null or starts.benefit_completed_months < duration_bands.to_months)
            and (
                duration_bands.from_days is null
                or months.as_of_date - starts.benefit_spell_start_date + 1 >= duration_bands.from_days
            )
            and (
                duration_bands.to_days is null
                or months.as_of_date - starts.benefit_spell_start_date + 1 < duration_bands.to_days
            )
),

-- The persons come first: DuckDB keeps to the order of a left join, and this way lays the fewer rows into a table.
summed as (
    select
        stock.month,
        stock.municipality_code,
        stock.benefit_group_code,
        banded.duration_band_code,
        count(*) as person_count,
        count(*) filter (where offered.person_key is null) as passive_count
    from stock
    left join offered
        on
            stock.month = offered.month
            and stock.person_key = offered.person_key
    inner join banded
        on
            stock.month = banded.month
            and stock.benefit_spell_start_date = banded.benefit_spell_start_date
    group by stock.month, stock.municipality_code, stock.benefit_group_code, banded.duration_band_code
)

-- Each person of the stock stands in one municipality, group and band: the sums count each once.
select
    month,
    coalesce(municipality_code, '0000') as municipality_code,
    coalesce(benefit_group_code, 'all') as benefit_group_code,
    duration_band_code,
    sum(person_count)::bigint as person_count,
    sum(passive_count)::bigint as passive_count
from summed
group by month, duration_band_code, cube(municipality_code, benefit_group_code)
