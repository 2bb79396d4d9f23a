with due_rows as (
    select
        month,
        municipality_code,
        benefit_group_code
    from {{ ref('int_benefit_group_rows') }}
),

months as (
    select
        month,
        days_in_month,
        is_provisional
    from {{ ref('int_months') }}
),

counts as (
    select
        month,
        municipality_code,
        benefit_group_code,
        person_count
    from {{ ref('int_benefit_recipients__counts') }}
),

full_time_days as (
    select
        month,
        municipality_code,
        benefit_group_code,
        full_time_days
    from {{ ref('int_benefit_recipients__full_time_days_rows') }}
),

population as (
    select
        month,
        municipality_code,
        population_16_66
    from {{ ref('int_population__months') }}
),

levels as (
    select
        due_rows.month,
        due_rows.municipality_code,
        due_rows.benefit_group_code,
        coalesce(counts.person_count, 0) as person_count,
        coalesce(full_time_days.full_time_days, 0)::double / months.days_in_month as full_time_persons,
        population.population_16_66,
        months.is_provisional
    from due_rows
    inner join months on due_rows.month = months.month
    left join counts
        on
            due_rows.month = counts.month
            and due_rows.municipality_code = counts.municipality_code
            and due_rows.benefit_group_code = counts.benefit_group_code
    left join full_time_days
        on
            due_rows.month = full_time_days.month
            and due_rows.municipality_code = full_time_days.municipality_code
            and due_rows.benefit_group_code = full_time_days.benefit_group_code
    left join population
        on
            due_rows.month = population.month
            and due_rows.municipality_code = population.municipality_code
)

select
    month,
    municipality_code,
    benefit_group_code,
    person_count,
    full_time_persons,
    population_16_66,
    100 * {{ share('full_time_persons', 'population_16_66') }} as share_of_population_percentage,
    is_provisional
from levels
