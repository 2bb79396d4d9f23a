{{ config(materialized='monthly', inputs={'active_offers': [0, 0]}) }}

-- Two offers may have the same days: as one row they leave no tie in the order of days, which both steps below rely on.
with active_offers as (
    select
        month,
        person_key,
        from_date,
        to_date
    from {{ ref('stg_extracts__active_offers') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
    group by month, person_key, from_date, to_date
),

loaded_months as (
    select month
    from {{ ref('int_months') }}
),

-- A row opens a new run when all earlier rows of the person in the month end before the day before it.
marked as (
    select
        active_offers.month,
        active_offers.person_key,
        active_offers.from_date,
        active_offers.to_date,
        coalesce(
            max(active_offers.to_date) over (
                partition by active_offers.month, active_offers.person_key
                order by active_offers.from_date, active_offers.to_date
                rows between unbounded preceding and 1 preceding
            ) < active_offers.from_date - 1,
            true
        ) as is_new_run
    from active_offers
    semi join loaded_months
        on active_offers.month = loaded_months.month
),

numbered as (
    select
        month,
        person_key,
        from_date,
        to_date,
        count(*) filter (where is_new_run) over (
            partition by month, person_key
            order by from_date, to_date
            rows unbounded preceding
        ) as run_number
    from marked
)

select
    month,
    person_key,
    min(from_date) as from_date,
    max(to_date) as to_date
from numbered
group by month, person_key, run_number
