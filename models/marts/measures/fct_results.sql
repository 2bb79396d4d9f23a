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
        is_window_complete,
        weeks_per_year,
        is_provisional,
        (month - to_months(year_change_months))::date as year_before_month,
        (month + to_months(retention_months))::date as retention_month
    from {{ ref('int_months') }}
),

days_in_months as (
    select
        month,
        days_in_month
    from {{ ref('int_months') }}
),

recipients as (
    select
        month,
        municipality_code,
        benefit_group_code,
        full_time_persons
    from {{ ref('fct_benefit_recipients') }}
),

full_time_days as (
    select
        month,
        municipality_code,
        benefit_group_code,
        full_time_days
    from {{ ref('int_benefit_recipients__full_time_days_rows') }}
),

presence_counts as (
    select
        month,
        municipality_code,
        benefit_group_code,
        months_since_previous,
        person_count
    from {{ ref('int_results__presence_counts') }}
),

ended_counts as (
    select
        month,
        municipality_code,
        benefit_group_code,
        ended_spell_count,
        spell_days,
        retained_count
    from {{ ref('int_results__ended_counts') }}
),

-- The months of each complete window, so that figures find theirs by equality.
windows as (
    select
        months.month,
        days_in_months.month as month_of_window,
        days_in_months.days_in_month,
        date_diff('month', (months.month - interval 1 year)::date, days_in_months.month) as number_in_window
    from months
    inner join days_in_months
        on
            days_in_months.month > months.month - interval 1 year
            and days_in_months.month <= months.month
    where months.is_window_complete
),

window_days as (
    select
        month,
        sum(days_in_month) as days_in_window
    from windows
    group by month
),

-- A presence is the first in the window when the one before it lies before the window.
window_persons as (
    select
        windows.month,
        presence_counts.municipality_code,
        presence_counts.benefit_group_code,
        sum(presence_counts.person_count) as person_count
    from windows
    inner join presence_counts
        on
            windows.month_of_window = presence_counts.month
            and windows.number_in_window <= presence_counts.months_since_previous
    group by windows.month, presence_counts.municipality_code, presence_counts.benefit_group_code
),

window_full_time as (
    select
        windows.month,
        full_time_days.municipality_code,
        full_time_days.benefit_group_code,
        sum(full_time_days.full_time_days) as full_time_days
    from windows
    inner join full_time_days on windows.month_of_window = full_time_days.month
    group by windows.month, full_time_days.municipality_code, full_time_days.benefit_group_code
),

weeks as (
    select
        window_persons.month,
        window_persons.municipality_code,
        window_persons.benefit_group_code,
        window_full_time.full_time_days::double / window_days.days_in_window
        / window_persons.person_count * months.weeks_per_year as average_weeks_on_support
    from window_persons
    inner join window_full_time
        on
            window_persons.month = window_full_time.month
            and window_persons.municipality_code = window_full_time.municipality_code
            and window_persons.benefit_group_code = window_full_time.benefit_group_code
    inner join window_days on window_persons.month = window_days.month
    inner join months on window_persons.month = months.month
)

select
    due_rows.month,
    due_rows.municipality_code,
    due_rows.benefit_group_code,
    recipients.full_time_persons,
    recipients.full_time_persons - year_before.full_time_persons as full_time_persons_change,
    coalesce(ended_counts.ended_spell_count, 0) as ended_spell_count,
    {{ share('ended_counts.spell_days', 'ended_counts.ended_spell_count') }} as average_spell_days,
    weeks.average_weeks_on_support,
    case
        when retention_months.month is not null then coalesce(ended_counts.retained_count, 0)
    end as retained_count,
    case
        when retention_months.month is not null
            then {{ share('ended_counts.retained_count', 'ended_counts.ended_spell_count') }}
    end as retained_share,
    months.is_provisional
from due_rows
inner join months on due_rows.month = months.month
left join recipients
    on
        due_rows.month = recipients.month
        and due_rows.municipality_code = recipients.municipality_code
        and due_rows.benefit_group_code = recipients.benefit_group_code
left join recipients as year_before
    on
        months.year_before_month = year_before.month
        and due_rows.municipality_code = year_before.municipality_code
        and due_rows.benefit_group_code = year_before.benefit_group_code
left join ended_counts
    on
        due_rows.month = ended_counts.month
        and due_rows.municipality_code = ended_counts.municipality_code
        and due_rows.benefit_group_code = ended_counts.benefit_group_code
left join weeks
    on
        due_rows.month = weeks.month
        and due_rows.municipality_code = weeks.municipality_code
        and due_rows.benefit_group_code = weeks.benefit_group_code
left join days_in_months as retention_months on months.retention_month = retention_months.month
