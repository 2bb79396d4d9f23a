with due_rows as (
    select
        month,
        municipality_code,
        benefit_group_code
    from {{ ref('int_benefit_group_rows') }}
    where is_in_scope
),

months as (
    select
        month,
        has_hole_in_window,
        is_provisional
    from {{ ref('int_months') }}
),

counts as (
    select
        month,
        municipality_code,
        benefit_group_code,
        person_count,
        four_weeks_count,
        reached_six_months_count,
        first_offer_in_time_count
    from {{ ref('int_offer_effort__counts') }}
),

-- A window of twelve months with a month missing inside it says nothing; an empty group is 0 persons.
known as (
    select
        due_rows.month,
        due_rows.municipality_code,
        due_rows.benefit_group_code,
        months.is_provisional,
        case when not months.has_hole_in_window then coalesce(counts.person_count, 0) end as person_count,
        case when not months.has_hole_in_window then coalesce(counts.four_weeks_count, 0) end as four_weeks_count,
        coalesce(counts.reached_six_months_count, 0) as reached_six_months_count,
        coalesce(counts.first_offer_in_time_count, 0) as first_offer_in_time_count
    from due_rows
    inner join months on due_rows.month = months.month
    left join counts
        on
            due_rows.month = counts.month
            and due_rows.municipality_code = counts.municipality_code
            and due_rows.benefit_group_code = counts.benefit_group_code
)

select
    month,
    municipality_code,
    benefit_group_code,
    person_count,
    four_weeks_count,
    {{ share('four_weeks_count', 'person_count') }} as four_weeks_share,
    reached_six_months_count,
    first_offer_in_time_count,
    {{ share('first_offer_in_time_count', 'reached_six_months_count') }} as first_offer_in_time_share,
    is_provisional
from known
