"""Freshness: is each month here, complete, by its day, and has each official source been asked lately."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from orchestration.defs.raw.assets import raw_key
from orchestration.lib.contracts import load_contracts
from orchestration.lib.ledger import Ledger
from orchestration.lib.official import status as official_status
from orchestration.lib.operations import freshness
from orchestration.lib.settings import Settings


@dg.asset_check(
    asset=raw_key("current_batches"),
    name="months_are_here_by_their_day",
    description="Every month whose day (dated rule) has passed is here with all data sets due for it. A warning.",
)
def months_are_here_by_their_day() -> dg.AssetCheckResult:
    """Judged from the ledger on the day of the run; never stops a release."""
    settings = Settings.from_environment()
    statuses = freshness.month_statuses(
        Ledger(settings.ledger),
        load_contracts(),
        freshness.read_accepted_missing(settings.project),
        settings.project,
        datetime.now(UTC).date(),
    )
    overdue = [status for status in statuses if status.is_overdue]
    late = [status for status in statuses if status.is_late]
    newest = max((status.month for status in statuses if status.complete_date is not None), default=None)
    return dg.AssetCheckResult(
        passed=not overdue,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "overdue": dg.MetadataValue.md("\n".join(f"- {freshness.describe(one)}" for one in overdue) or "none"),
            "complete, but after their day": len(late),
            "newest complete month": f"{newest:%Y-%m}" if newest is not None else "none",
        },
    )


@dg.asset_check(
    asset=raw_key("jobindsats_tables"),
    name="official_sources_are_fresh",
    description="Each official source was asked lately and gave what it has; else stale or failed, since when and why.",
)
def official_sources_are_fresh() -> dg.AssetCheckResult:
    """A warning: the pipeline works on what it has. The same stands in `quality.official_sources`."""
    settings = Settings.from_environment()
    now = datetime.now().astimezone()
    lines = official_status.describe(official_status.standing(settings.data, settings.landing, settings.project, now))
    return dg.AssetCheckResult(
        passed=not lines,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"stale or failed": dg.MetadataValue.md("\n".join(f"- {line}" for line in lines) or "none")},
    )
