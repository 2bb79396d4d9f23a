{#-
    Distinct persons of twelve months without reading twelve months again for each: a presence is the first of the
    window M−11 … M exactly when the one before it lies before the window, so it is enough to count presences
    by the months since the one before. The window is that of year_change_months' year (a test holds it to 12).
-#}
{{ config(materialized='monthly', inputs={'benefit_periods': 'history'}) }}

with segments as (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code
    from {{ ref('int_benefit_segments') }}
    where
        month between {{ batch_from() }} - interval 11 month and {{ batch_to() }}
        and is_in_scope
),

presences as (
    select
        month,
        person_key,
        coalesce(municipality_code, '0000') as municipality_code,
        coalesce(benefit_group_code, 'all') as benefit_group_code
    from segments
    group by month, person_key, cube(municipality_code, benefit_group_code)
),

compared as (
    select
        month,
        municipality_code,
        benefit_group_code,
        date_diff(
            'month',
            lag(month) over (partition by person_key, municipality_code, benefit_group_code order by month),
            month
        ) as months_since_previous
    from presences
)

-- 12 stands for twelve months and more, and for never before: the same for a window of twelve months.
select
    month,
    municipality_code,
    benefit_group_code,
    least(coalesce(months_since_previous, 12), 12)::integer as months_since_previous,
    count(*) as person_count
from compared
where month between {{ batch_from() }} and {{ batch_to() }}
group by month, municipality_code, benefit_group_code, least(coalesce(months_since_previous, 12), 12)
