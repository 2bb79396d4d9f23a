with months as (
    select month
    from {{ ref('int_months') }}
),

municipality_months as (
    select
        month,
        municipality_code
    from {{ ref('int_municipalities') }}
),

population as (
    select
        quarter_end_month,
        municipality_code,
        population_16_66
    from {{ ref('int_population__quarters') }}
),

newest_quarters as (
    select
        months.month,
        max(population.quarter_end_month) as quarter_end_month
    from months
    left join population on months.month >= population.quarter_end_month
    group by months.month
),

by_municipality as (
    select
        municipality_months.month,
        municipality_months.municipality_code,
        population.population_16_66
    from municipality_months
    inner join newest_quarters on municipality_months.month = newest_quarters.month
    left join population
        on
            newest_quarters.quarter_end_month = population.quarter_end_month
            and municipality_months.municipality_code = population.municipality_code
    where municipality_months.municipality_code != '0000'
)

select
    month,
    municipality_code,
    population_16_66
from by_municipality
union all
-- The country's population is known when that of every municipality is.
select
    month,
    '0000' as municipality_code,
    case when count(*) = count(population_16_66) then sum(population_16_66)::bigint end as population_16_66
from by_municipality
group by month
