"""The job that does everything from the landing zone to the release, and what starts it."""

from __future__ import annotations

import hashlib

import dagster as dg

from orchestration.defs.partitions import MONTHS, partition_key, partition_periods
from orchestration.lib import deliveries, ledger
from orchestration.lib.settings import Settings

pipeline = dg.define_asset_job(
    "pipeline",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("official"),
    partitions_def=MONTHS,
    description="Load what is new, build, check and release. A range of months is one run.",
)


def range_tags(periods: list[str]) -> dict[str, str]:
    """The tags of a run over the months from the first to the last of the periods (`YYYY-MM`)."""
    return {
        "dagster/asset_partition_range_start": partition_key(min(periods)),
        "dagster/asset_partition_range_end": partition_key(max(periods)),
    }


@dg.sensor(
    job=pipeline,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Looks at the landing zone every minute: a delivery that no run has decided upon starts the pipeline.",
)
def new_deliveries(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Start the pipeline when a manifest appears that no run has decided upon yet."""
    settings = Settings.from_environment()
    if not settings.landing.is_dir():
        return dg.SkipReason(f"there is no landing zone at {settings.landing}")
    known = ledger.Ledger(settings.ledger)
    found = deliveries.discover(settings.landing)
    new = [item for item in found if known.find(item.path, item.manifest_hash) is None]
    if not new:
        return dg.SkipReason("no new delivery")
    periods = partition_periods()
    months = sorted({item.period for item in new} & periods) or [min(periods)]
    # The same deliveries ask for one run only; a later one about them is the nightly schedule's.
    run_key = hashlib.sha256(repr(sorted((item.path, item.manifest_hash) for item in new)).encode()).hexdigest()
    periods_tags = range_tags(months)
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=run_key, tags=periods_tags)])


@dg.schedule(
    job=pipeline,
    cron_schedule="30 5 * * *",
    execution_timezone="Europe/Copenhagen",
    description="Every morning: whatever the sensor has missed. With nothing new it changes nothing.",
)
def nightly_pipeline() -> dg.RunRequest:
    """One run over all months; known deliveries are passed over."""
    return dg.RunRequest(tags=range_tags(sorted(partition_periods())))
