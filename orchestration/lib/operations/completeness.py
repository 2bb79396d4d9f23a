"""The completeness curve: of a month's rows, which share was here k months after the month had ended."""

from __future__ import annotations

import duckdb

from orchestration.lib.release import meta

_QUERY = """
    with deliveries as (
        select
            datasets.dataset,
            make_date(left(datasets.period, 4)::integer, right(datasets.period, 2)::integer, 1) as month,
            datasets.delivery,
            datasets.accepted,
            -- A delivery that comes in the month itself counts as here from the start.
            greatest(0, date_diff('month', month, deliveries.delivered_at::date)) as months_after
        from {source}.quality.delivery_datasets as datasets
        inner join {source}.quality.deliveries as deliveries
            on datasets.period = deliveries.period and datasets.delivery = deliveries.delivery
        where
            deliveries.status <> 'rejected'
            and datasets.dataset in ('benefit_periods', 'conversations', 'active_offers', 'ordinary_hours')
    ),
    newest_day as (
        select max(delivered_at::date) as newest_date
        from {source}.quality.deliveries
        where status <> 'rejected'
    ),
    months as (
        select dataset, month, arg_max(accepted, delivery) as final_count
        from deliveries
        group by dataset, month
    ),
    steps as (
        select unnest(generate_series(0, 12)) as months_after
    ),
    -- A month is on the curve for as long as it has been watched.
    watched as (
        select months.dataset, months.month, months.final_count, steps.months_after
        from months
        cross join steps
        cross join newest_day
        where months.month + to_months(steps.months_after::integer) <= newest_day.newest_date
    ),
    arrived as (
        select
            watched.dataset,
            watched.month,
            watched.months_after,
            watched.final_count,
            coalesce(arg_max(deliveries.accepted, deliveries.delivery), 0) as arrived_count
        from watched
        left join deliveries
            on
                watched.dataset = deliveries.dataset
                and watched.month = deliveries.month
                and watched.months_after >= deliveries.months_after
        group by watched.dataset, watched.month, watched.months_after, watched.final_count
    )
    select
        dataset,
        months_after,
        count(*) as month_count,
        sum(arrived_count)::bigint as arrived_row_count,
        sum(final_count)::bigint as final_row_count,
        case when sum(final_count) > 0 then sum(arrived_count) / sum(final_count) end as arrived_share
    from arrived
    group by dataset, months_after
    order by dataset, months_after
"""


def write_completeness(con: duckdb.DuckDBPyConnection, source: str) -> None:
    """Make `release.meta.completeness` from the deliveries in schema quality of catalog `source` (quoted).

    One row per data set and number of months after the month: rows that stood then, and rows that stand in the newest
    delivery. Above 1 where a correction took rows away. Without deliveries (a made-up warehouse) the table is empty.
    """
    target = meta.create_table(con, "completeness")
    found = con.execute(
        "select count(*) from duckdb_tables() where database_name = ? and schema_name = 'quality' "
        "and table_name in ('deliveries', 'delivery_datasets')",
        [source.strip('"')],
    ).fetchone()
    if found == (2,):
        con.execute(f"insert into {target} {_QUERY.format(source=source)}")
