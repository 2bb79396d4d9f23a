with municipality_months as (
    select
        month,
        municipality_code
    from {{ ref('int_municipalities') }}
),

months as (
    select
        month,
        month_index,
        is_provisional,
        comparison_decimals,
        early_effort_completed_months,
        early_effort_share,
        early_effort_minimum_persons,
        early_effort_run_months
    from {{ ref('int_months') }}
    where early_effort_completed_months is not null
),

counts as (
    select
        month,
        municipality_code,
        person_count,
        conversations_met_count,
        offer_met_count
    from {{ ref('int_early_effort__counts') }}
),

shares as (
    select
        municipality_months.month,
        municipality_months.municipality_code,
        months.month_index,
        months.is_provisional,
        months.comparison_decimals,
        months.early_effort_share,
        months.early_effort_minimum_persons,
        months.early_effort_run_months,
        coalesce(counts.person_count, 0) as person_count,
        {{ share('counts.conversations_met_count', 'counts.person_count') }} as conversations_met_share,
        {{ share('counts.offer_met_count', 'counts.person_count') }} as offer_met_share
    from municipality_months
    inner join months on municipality_months.month = months.month
    left join counts
        on
            municipality_months.month = counts.month
            and municipality_months.municipality_code = counts.municipality_code
),

judged as (
    select
        shares.*,
        shares.person_count >= shares.early_effort_minimum_persons
        and (
            round(shares.conversations_met_share, shares.comparison_decimals) < shares.early_effort_share
            or round(shares.offer_met_share, shares.comparison_decimals) < shares.early_effort_share
        ) as is_below
    from shares
),

-- A run is broken by a month that is not below, and by a month that is not loaded.
broken as (
    select
        judged.*,
        case
            when
                not judged.is_below
                or coalesce(lag(judged.month_index) over municipality_run, 0) != judged.month_index - 1
                then judged.month_index - case when judged.is_below then 1 else 0 end
        end as last_month_index_before_run
    from judged
    window municipality_run as (partition by judged.municipality_code order by judged.month)
),

runs as (
    select
        broken.*,
        broken.month_index - max(broken.last_month_index_before_run) over (
            partition by broken.municipality_code
            order by broken.month
        ) as consecutive_months_below
    from broken
)

select
    month,
    municipality_code,
    person_count,
    conversations_met_share,
    offer_met_share,
    consecutive_months_below::integer as consecutive_months_below,
    consecutive_months_below >= early_effort_run_months as is_flagged,
    is_provisional
from runs
