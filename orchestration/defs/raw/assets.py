"""The raw layer: deliveries of the landing zone, loaded by month. How is in orchestration/lib/loading.py."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

# Dagster reads this annotation itself and knows it under its own name only.
from dagster import AssetExecutionContext

from orchestration.defs.official.assets import POPULATION_KEY, TABLE_KEYS
from orchestration.defs.partitions import MONTHS, partition_periods
from orchestration.expectations import workers
from orchestration.lib import imports, loading, warehouse
from orchestration.lib.contracts import load_contracts
from orchestration.lib.deliveries import discover
from orchestration.lib.official import status as official_status
from orchestration.lib.operations import retention
from orchestration.lib.pipeline_lock import pipeline_lock
from orchestration.lib.progress import say
from orchestration.lib.settings import Settings

WAREHOUSE_POOL = "warehouse"

_BOOKS = ("current_batches", "jobindsats_tables", "jobindsats_rows")
# What of raw may come from a source that we fetch from, by way of the landing zone.
_FETCHED = {"population": (POPULATION_KEY,), "jobindsats_tables": TABLE_KEYS, "jobindsats_rows": TABLE_KEYS}
_DATASETS = tuple(name for name, contract in load_contracts().items() if contract.dataset_pattern is None)


def raw_key(table: str) -> dg.AssetKey:
    """The asset of a raw table; the same key as the dbt source's."""
    return dg.AssetKey(["raw", table])


@dg.multi_asset(
    name="load_deliveries",
    specs=[
        dg.AssetSpec(
            raw_key(table),
            description=f"Accepted rows of `{table}`, person numbers replaced by a keyed hash.",
            group_name="raw",
            kinds={"duckdb"},
            deps=_FETCHED.get(table, ()),
        )
        for table in (*_DATASETS, *_BOOKS)
    ],
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool=WAREHOUSE_POOL,
)
def load_deliveries(context: AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    """Load every delivery of the chosen months that is not known yet, each in one transaction."""
    settings = Settings.from_environment().prepare()
    chosen = {key[:7] for key in context.partition_keys}
    # A folder whose name is no month of ours has no partition; whichever run comes decides upon it (and rejects it).
    strays = {item.period for item in discover(settings.landing)} - partition_periods()
    with pipeline_lock(settings):
        report, counts = _load(settings, chosen | strays)
    if report.key is not None and report.key.is_sample:
        say(f"sample data: persons are hashed with a generated key in {settings.keys}; not for real deliveries")
    for path, message in report.postponed:
        say(f"postponed, to be tried again: {path}: {message}")
    deleted = retention.deleted_paths(settings)
    for lost in report.lost:
        reason = "deleted by the rule of retention" if lost.path in deleted else "not in the landing zone as it was"
        say(f"can't be rebuilt: {lost.path} ({', '.join(lost.datasets)}): {reason}")
    for rejected in report.rejected:
        context.log.warning(f"rejected {rejected.path}: {'; '.join(rejected.reasons)}")
    for table in (*_DATASETS, *_BOOKS):
        yield dg.MaterializeResult(
            asset_key=raw_key(table),
            metadata={
                "dagster/row_count": dg.MetadataValue.int(int(counts.get(table) or 0)),
                "deliveries accepted": len(report.accepted),
                "deliveries rejected": len(report.rejected),
                "deliveries unchanged": report.unchanged,
                "deliveries postponed": len(report.postponed),
                "deliveries that can't be rebuilt": len(report.lost),
                "rejected": dg.MetadataValue.md(
                    "\n".join(f"- `{item.path}`: {'; '.join(item.reasons)}" for item in report.rejected) or "none"
                ),
            },
        )


def _load(settings: Settings, periods: set[str]) -> tuple[loading.LoadReport, dict[str, int]]:
    """Load the months' deliveries and note how the official sources stand; the report, and raw's rows by data set."""
    connection = warehouse.connect(settings)
    try:
        warehouse.ensure_schemas(connection)
        workers.start()
        with imports.ahead():
            report = loading.load_pending(connection, settings, periods=periods, progress=say)
        now = datetime.now().astimezone()
        official_status.write_status_table(
            connection, official_status.standing(settings.data, settings.landing, settings.project, now)
        )
        counts = dict(
            connection.execute("select dataset, sum(row_count) from raw.current_batches group by dataset").fetchall()
        )
    finally:
        connection.close()
    return report, counts
