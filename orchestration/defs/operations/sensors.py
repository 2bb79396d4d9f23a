"""What tells people: a run that failed (with the checks that failed in it), and a month that is not here by its day."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import dagster as dg

from orchestration.defs.operations.runs import COMMAND, STARTED_BY
from orchestration.lib.contracts import load_contracts
from orchestration.lib.ledger import Ledger
from orchestration.lib.operations import alerts, freshness
from orchestration.lib.settings import Settings


@dg.run_failure_sensor(
    monitor_all_code_locations=False,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A failed run is told by e-mail and webhook, with the checks that failed in it.",
)
def alert_failed_run(context: dg.RunFailureSensorContext) -> None:
    """Send one alert per failed run; `make pipeline` tells of its own runs itself."""
    where = alerts.AlertSettings.from_environment()
    if not where.is_set or context.dagster_run.tags.get(STARTED_BY) == COMMAND:
        return
    records = context.instance.get_records_for_run(
        context.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    evaluations = [record.event_log_entry.get_dagster_event().asset_check_evaluation_data for record in records]
    failed = [
        f"check failed: {one.asset_key.to_user_string()}: {one.check_name}" for one in evaluations if not one.passed
    ]
    lines = [f"run {context.dagster_run.run_id}: {context.failure_event.message or 'failed'}", *failed]
    for problem in alerts.send(alerts.Alert(f"{context.dagster_run.job_name} failed", lines), where):
        context.log.warning(problem)


@dg.sensor(
    minimum_interval_seconds=3600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A month that is not here, complete, by the day of the dated rule is told once.",
)
def alert_missing_month(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Send one alert for all months that have become overdue since the last one; the cursor holds what was told."""
    settings, where = Settings.from_environment(), alerts.AlertSettings.from_environment()
    statuses = freshness.month_statuses(
        Ledger(settings.ledger),
        load_contracts(),
        freshness.read_accepted_missing(settings.project),
        settings.project,
        datetime.now(UTC).date(),
    )
    overdue = {freshness.describe(status) for status in statuses if status.is_overdue}
    told = set(json.loads(context.cursor or "[]"))
    new = sorted(overdue - told)
    if new and where.is_set:
        problems = alerts.send(alerts.Alert(f"{len(new)} overdue months", new), where)
        if problems:
            return dg.SkipReason(f"{len(new)} overdue months; {'; '.join(problems)}")
        context.update_cursor(json.dumps(sorted(overdue)))
    return dg.SkipReason(f"{len(overdue)} months are overdue, {len(new)} of them not told before")
