{{ config(materialized='monthly', inputs={'benefit_periods': 'history'}) }}

-- Read anew by each step, which needs few of its rows or columns.
with segments as not materialized (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        is_in_scope,
        is_only_of_month
    from {{ ref('int_benefit_segments') }}
    where month between {{ batch_from() }} and {{ batch_to() }}
),

-- Who has one segment in the month counts once wherever its cell is added in; just the others need a distinct count.
single as (
    select
        month,
        municipality_code,
        benefit_group_code,
        is_in_scope,
        count(*) as person_count
    from segments
    where is_only_of_month
    group by month, municipality_code, benefit_group_code, is_in_scope
),

several as (
    select
        month,
        person_key,
        municipality_code,
        benefit_group_code,
        is_in_scope
    from segments
    where not is_only_of_month
),

counted as (
    select
        month,
        coalesce(municipality_code, '0000') as municipality_code,
        coalesce(benefit_group_code, 'all_with_foertidspension') as benefit_group_code,
        sum(person_count)::bigint as person_count
    from single
    group by month, cube(municipality_code, benefit_group_code)
    union all
    select
        month,
        coalesce(municipality_code, '0000') as municipality_code,
        'all' as benefit_group_code,
        sum(person_count)::bigint as person_count
    from single
    where is_in_scope
    group by month, rollup(municipality_code)
    union all
    -- One person may stand in several of the cells that a row adds up: each counts once.
    select
        month,
        coalesce(municipality_code, '0000') as municipality_code,
        coalesce(benefit_group_code, 'all_with_foertidspension') as benefit_group_code,
        count(distinct person_key) as person_count
    from several
    group by month, cube(municipality_code, benefit_group_code)
    union all
    select
        month,
        coalesce(municipality_code, '0000') as municipality_code,
        'all' as benefit_group_code,
        count(distinct person_key) as person_count
    from several
    where is_in_scope
    group by month, rollup(municipality_code)
)

select
    month,
    municipality_code,
    benefit_group_code,
    sum(person_count)::bigint as person_count
from counted
group by month, municipality_code, benefit_group_code
