with periods as (
    select
        period_code,
        period_start_date,
        period_end_date,
        last_month
    from {{ ref('int_benefit_level__periods') }}
    where is_loaded
),

excluded_months as (
    select
        month,
        valid_from_date,
        valid_to_date
    from {{ ref('rule_excluded_months') }}
),

months as (
    select
        month,
        has_hole_in_window
    from {{ ref('int_months') }}
),

counts as (
    select
        month,
        municipality_code,
        person_count,
        passive_count,
        few_conversations_count
    from {{ ref('int_focus_goals__counts') }}
    where benefit_group_code = 'all'
),

-- As in fct_focus_goals: no share where nobody is in the group, nor where the twelve months hold a month that lacks.
monthly_shares as (
    select
        counts.month,
        counts.municipality_code,
        counts.person_count,
        {{ share('counts.passive_count', 'counts.person_count') }} as passive_share,
        {{ share('counts.few_conversations_count', 'counts.person_count') }} as few_conversations_share
    from counts
    inner join months
        on counts.month = months.month
    where not months.has_hole_in_window
),

counting_shares as (
    select
        periods.period_code,
        monthly_shares.municipality_code,
        monthly_shares.person_count,
        -- Summed as decimals, so that the mean does not depend on the order of the months or on threads.
        cast(monthly_shares.passive_share as decimal(38, 18)) as passive_share,
        cast(monthly_shares.few_conversations_share as decimal(38, 18)) as few_conversations_share
    from periods
    inner join monthly_shares
        on monthly_shares.month between periods.period_start_date and periods.last_month
    left join excluded_months
        on
            monthly_shares.month = excluded_months.month
            and {{ in_force_on('periods.period_end_date', 'excluded_months') }}
    where excluded_months.month is null
),

summed_shares as (
    select
        period_code,
        municipality_code,
        sum(passive_share) as passive_share_sum,
        count(passive_share) as passive_month_count,
        sum(person_count) filter (where passive_share is not null) as passive_person_sum,
        sum(few_conversations_share) as few_conversations_share_sum,
        count(few_conversations_share) as few_conversations_month_count,
        sum(person_count) filter (where few_conversations_share is not null) as few_conversations_person_sum
    from counting_shares
    group by
        period_code,
        municipality_code
)

select
    period_code,
    municipality_code,
    passive_month_count,
    100 * cast(passive_share_sum as double) / nullif(passive_month_count, 0) as passive_percentage,
    cast(passive_person_sum as double) / nullif(passive_month_count, 0) as passive_mean_person_count,
    few_conversations_month_count,
    100 * cast(few_conversations_share_sum as double)
    / nullif(few_conversations_month_count, 0) as few_conversations_percentage,
    cast(few_conversations_person_sum as double)
    / nullif(few_conversations_month_count, 0) as few_conversations_mean_person_count
from summed_shares
