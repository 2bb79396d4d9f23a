{{ config(materialized='monthly', inputs={'active_offers': [0, 0]}) }}

with loaded_months as (
    select month
    from {{ ref('int_months') }}
),

active_offers as (
    select
        active_offers.month,
        active_offers.person_key,
        active_offers.from_date,
        active_offers.to_date
    from {{ ref('stg_extracts__active_offers') }} as active_offers
    semi join loaded_months
        on active_offers.month = loaded_months.month
    where active_offers.month between {{ batch_from() }} and {{ batch_to() }}
),

-- Where the last of a person's offers begins at the latest on the day after the first one ends, any two of them meet:
-- they are one run. So are nearly everybody's, who have one offer a month.
persons as (
    select
        month,
        person_key,
        min(from_date) as from_date,
        max(to_date) as to_date,
        max(from_date) <= min(to_date) + 1 as is_one_run
    from active_offers
    group by month, person_key
),

persons_to_look_at as (
    select
        month,
        person_key
    from persons
    where not is_one_run
),

-- Two offers may have the same days: as one row they leave no tie in the order of days, which both steps below rely on.
offers_to_look_at as (
    select
        active_offers.month,
        active_offers.person_key,
        active_offers.from_date,
        active_offers.to_date
    from active_offers
    semi join persons_to_look_at
        on
            active_offers.month = persons_to_look_at.month
            and active_offers.person_key = persons_to_look_at.person_key
    group by active_offers.month, active_offers.person_key, active_offers.from_date, active_offers.to_date
),

-- A row opens a new run when all earlier rows of the person in the month end before the day before it.
marked as (
    select
        month,
        person_key,
        from_date,
        to_date,
        coalesce(
            max(to_date) over (
                partition by month, person_key
                order by from_date, to_date
                rows between unbounded preceding and 1 preceding
            ) < from_date - 1,
            true
        ) as is_new_run
    from offers_to_look_at
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
    from_date,
    to_date
from persons
where is_one_run
union all
select
    month,
    person_key,
    min(from_date) as from_date,
    max(to_date) as to_date
from numbered
group by month, person_key, run_number
