with municipality_months as (
    select
        month,
        municipality_code
    from {{ ref('int_municipalities') }}
),

months as (
    select
        month,
        newest_as_of_date,
        is_provisional
    from {{ ref('int_months') }}
),

requests as (
    select
        date_trunc('month', requested_date)::date as month,
        municipality_code,
        due_date,
        requested_count,
        within_10_days_count
    from {{ ref('int_conversation_requests__counts') }}
),

due_requests as (
    select
        requests.month,
        coalesce(requests.municipality_code, '0000') as municipality_code,
        sum(requests.requested_count)::bigint as requested_count,
        sum(requests.within_10_days_count)::bigint as within_10_days_count
    from requests
    inner join months on requests.month = months.month
    where requests.due_date <= months.newest_as_of_date
    group by requests.month, rollup(requests.municipality_code)
)

select
    municipality_months.month,
    municipality_months.municipality_code,
    coalesce(due_requests.requested_count, 0) as requested_count,
    coalesce(due_requests.within_10_days_count, 0) as within_10_days_count,
    {{ share('due_requests.within_10_days_count', 'due_requests.requested_count') }} as within_10_days_share,
    months.is_provisional
from municipality_months
inner join months on municipality_months.month = months.month
left join due_requests
    on
        municipality_months.month = due_requests.month
        and municipality_months.municipality_code = due_requests.municipality_code
