with population as (
    select
        month,
        municipality_code,
        supplier_code,
        population_16_66
    from {{ ref('stg_extracts__population') }}
    -- A population is that of a quarter; one delivered for another month is told by a check, and never used.
    where month = (date_trunc('quarter', month) + interval 1 quarter - interval 1 month)::date
),

suppliers as (
    select
        supplier_code,
        population_precedence,
        valid_from_date,
        valid_to_date
    from {{ ref('suppliers') }}
),

ranked as (
    select
        population.month,
        population.municipality_code,
        population.population_16_66,
        dense_rank() over (
            partition by population.month
            order by
                {{ required_rule(
                    'coalesce(named.population_precedence, others.population_precedence)',
                    "'suppliers:' || population.supplier_code || ' on ' || population.month"
                ) }},
                -- Of two suppliers that the seed does not name, the first by name: one of them, whole.
                population.supplier_code
        ) as precedence_rank
    from population
    left join suppliers as named
        on
            population.supplier_code = named.supplier_code
            and {{ in_force_on('population.month', 'named') }}
    left join suppliers as others
        on
            others.supplier_code = '*'
            and {{ in_force_on('population.month', 'others') }}
)

select
    month as quarter_end_month,
    municipality_code,
    population_16_66
from ranked
where precedence_rank = 1
