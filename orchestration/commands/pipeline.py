"""`make pipeline`: load whatever is new in the landing zone, build, check, publish.

Exit status: 0 when every acceptable delivery is in a release (rejected ones are listed); 1 when a check or an error
stopped the run; 2 when something must be set up first (key, landing zone, a first delivery); 75 when another pipeline
is at work, or another program has the warehouse open.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from orchestration.commands import end
from orchestration.lib import build, loading, memory, publishing, warehouse
from orchestration.lib.dagster_home import prepare_dagster_home
from orchestration.lib.dbt_manifest import PARTIAL_PARSE, ensure_manifest
from orchestration.lib.dbt_waiting import waiting_dbt
from orchestration.lib.deliveries import FoundDelivery, LandingMissing, discover
from orchestration.lib.ledger import Ledger, LedgerBroken
from orchestration.lib.official import status as official_status
from orchestration.lib.operations import alerts, doctor, keeping, renewing
from orchestration.lib.pipeline_lock import PipelineRunning, is_handed_on, pipeline_lock
from orchestration.lib.progress import counted, output_to, say, say_below
from orchestration.lib.pseudonyms import KeyMissing, KeyTooShort
from orchestration.lib.release import writer
from orchestration.lib.settings import Settings, SettingsError

if TYPE_CHECKING:
    from dagster import ExecuteInProcessResult
    from dagster_shared.error import SerializableErrorInfo

EXIT_FAILED = 1
EXIT_SET_UP = 2
EXIT_BUSY = 75

# A month's delivery and a correction or two beside it.
FEW_DELIVERIES = 3

# What dbt and Dagster print of the last run, below `logs/`.
DETAILS = "pipeline.log"

# How Python writes the name of an error before its message.
_OWN_ERROR = re.compile(r"orchestration\.[\w.]+: ")


@dataclass(frozen=True)
class Situation:
    """What there is to do: deliveries not decided upon, and whether the newest build is the current release.

    `is_nothing_there`: no delivery lies in the landing zone, and none was ever decided upon. `is_nothing_accepted`:
    none stands in the warehouse. `warnings` tell what of the landing zone is not loaded, or has gone from it.
    """

    unseen: list[FoundDelivery]
    is_released: bool
    is_nothing_there: bool
    is_nothing_accepted: bool
    warnings: list[str]


def look(settings: Settings) -> Situation:
    """Compare landing zone, warehouse, project and current release; a broken warehouse file is set aside here."""
    found = discover(settings.landing)
    try:
        known, plan, batches = _read_books(settings)
    except (warehouse.WarehouseBroken, duckdb.Error) as error:
        if isinstance(error, duckdb.Error) and not warehouse.is_corruption(error):
            raise
        _set_aside(settings, str(error))
        known, plan, batches = _read_books(settings)
    unseen = [item for item in found if (item.path, item.manifest_hash) not in known]
    released = build.released_build_id(writer.current_release(settings.releases))
    ledger = Ledger(settings.ledger)
    is_nothing_there = not found and next(iter(ledger), None) is None
    return Situation(
        unseen,
        released == plan.build_id,
        is_nothing_there,
        batches == 0,
        doctor.delivery_warnings(settings, found, ledger),
    )


def _read_books(settings: Settings) -> tuple[set[tuple[str, str]], build.BuildPlan, int]:
    """The deliveries that were decided upon, the next build, and how many data sets of a month stand in raw."""
    connection = warehouse.connect(settings)
    try:
        warehouse.ensure_schemas(connection)
        known = set(connection.execute("select path, hash from quality.deliveries").fetchall())
        batches = connection.execute("select count(*) from raw.current_batches").fetchall()[0][0]
        return known, build.plan_build(connection, settings.project), batches
    finally:
        connection.close()


def _require_key(settings: Settings, unseen: list[FoundDelivery]) -> None:
    connection = warehouse.connect(settings)
    try:
        loading.require_key(connection, settings, unseen)
    finally:
        connection.close()


def _set_aside(settings: Settings, reason: str) -> None:
    folder = warehouse.set_aside_broken_warehouse(settings)
    say(reason.strip().splitlines()[0])
    say(f"the damaged warehouse was set aside in {folder}; it is built again from the landing zone")


def official_sources(settings: Settings) -> list[str]:
    """A line per official source that is stale or failed; how all stand goes to `quality.official_sources`."""
    statuses = official_status.standing(settings.data, settings.landing, settings.project, datetime.now().astimezone())
    connection = warehouse.connect(settings)
    try:
        official_status.write_status_table(connection, statuses)
    finally:
        connection.close()
    return official_status.describe(statuses)


def run_job(settings: Settings, periods: list[str]) -> ExecuteInProcessResult:
    """Run the Dagster job `pipeline` in this process over the range of the periods."""
    say("starting Dagster")
    parsed = ensure_manifest(settings).with_name(PARTIAL_PARSE)
    with waiting_dbt(parsed):
        return _run_job(settings, periods)


def _run_job(settings: Settings, periods: list[str]) -> ExecuteInProcessResult:
    warnings.filterwarnings("ignore", module="dagster")
    from orchestration.definitions import defs
    from orchestration.defs.operations import runs
    from orchestration.defs.partitions import partition_periods
    from orchestration.defs.pipeline import range_tags

    known = partition_periods()
    inside = [period for period in periods if period in known] or [min(known)]
    job = defs().get_job_def("pipeline") if callable(defs) else defs.get_job_def("pipeline")
    with runs.usable_instance(settings, say) as instance:
        for run_id in runs.end_dead_runs(instance):
            say(f"run {run_id[:8]} of a pipeline that was killed is marked as failed")
        with output_to(settings.logs / DETAILS):
            result = job.execute_in_process(
                instance=instance,
                tags={**range_tags(inside), runs.STARTED_BY: runs.COMMAND},
                run_config={"loggers": {"console": {"config": {"log_level": "WARNING"}}}},
                raise_on_error=False,
            )
        runs.prune_runs(instance, settings, keeping.Keep.from_environment())
        return result


def end_dead_runs(settings: Settings) -> None:
    """Mark runs of killed pipelines as failed, when there is nothing else to do in Dagster."""
    from orchestration.defs.operations import runs

    prepare_dagster_home(settings)
    with runs.usable_instance(settings, say) as instance:
        runs.end_dead_runs(instance)


def failures(result: ExecuteInProcessResult) -> list[str]:
    """Each failed step with its cause, and each failed check that blocks."""
    messages = []
    for event in result.all_events:
        if event.is_step_failure:
            messages.append(f"{event.step_key}: {innermost_message(event.step_failure_data.error)}")
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            evaluation = event.asset_check_evaluation_data
            if not evaluation.passed and evaluation.severity.value == "ERROR":
                name = f"{evaluation.asset_key.to_user_string()}: {evaluation.check_name}"
                messages.append(f"check failed: {name}")
    return messages


def innermost_message(error: SerializableErrorInfo | None) -> str:
    """The message of the first of our own errors among the causes, which says what to do; else the innermost one."""
    while error is not None and error.cause is not None and not _OWN_ERROR.match(error.message):
        error = error.cause
    return _OWN_ERROR.sub("", error.message, count=1).strip() if error is not None else "no message"


def main() -> int:
    """Run the pipeline for the settings of the environment; see the module for the exit status."""
    try:
        settings = Settings.from_environment().prepare()
        alerts.AlertSettings.from_environment()
        keeping.Keep.from_environment()
        with pipeline_lock(settings):
            return _run(settings)
    except PipelineRunning as error:
        say(str(error))
        return EXIT_BUSY
    except warehouse.WarehouseLocked as error:
        # No pipeline, or it would hold the lock; whoever left a program open all night should hear of it.
        return _stopped(str(error), EXIT_BUSY)
    except (LandingMissing, KeyMissing, KeyTooShort, loading.KeyMismatch, SettingsError) as error:
        return _stopped(str(error), EXIT_SET_UP)
    except (warehouse.WarehouseUnavailable, LedgerBroken, OSError, duckdb.Error) as error:
        return _stopped(str(error), EXIT_FAILED)
    # Whatever it was (Dagster's own storage on a full disk, say): a message and a status, never half a page of code.
    except Exception as error:
        return _stopped(f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}", EXIT_FAILED)


def _stopped(message: str, status: int) -> int:
    say(f"Stopped: {message if status == EXIT_SET_UP else alerts.clean(message)}")
    _tell("the pipeline stopped", [message])
    return status


def _tell(subject: str, lines: list[str]) -> None:
    try:
        where = alerts.AlertSettings.from_environment()
    except SettingsError:
        return  # it has been told as the reason to stop
    for problem in alerts.send(alerts.Alert(subject, lines), where):
        say(f"alert: {problem}")


def _run(settings: Settings) -> int:
    say(f"landing zone {settings.landing}, data {settings.data}")
    # Under a renewal's own lock, what lies aside is that renewal's.
    if not is_handed_on(settings) and renewing.bring_back(settings):
        say("a rekey or restore drill was killed: what it had set aside is back in its place, do it again")
    for line in publishing.settle_releases(settings):
        say(line)
    situation = look(settings)
    for line in situation.warnings:
        say(line)
    if situation.is_nothing_there:
        return _stopped(
            f"no delivery (a folder with manifest.json) lies in {settings.landing}: docs/deliveries.md says what one "
            "looks like; `make sample` writes some.",
            EXIT_SET_UP,
        )
    mark = settings.dagster_home / "run_in_process"
    if not situation.unseen and situation.is_released:
        if mark.exists():
            end_dead_runs(settings)
            mark.unlink()
        say("nothing new: no unseen delivery, unchanged project, and the newest build is released")
        _close(settings)
        return 0
    if not situation.unseen and situation.is_nothing_accepted:
        status = _stopped(
            "no delivery is new, and none stands in the warehouse. Deliver the rejected ones again under a new number.",
            EXIT_FAILED,
        )
        _close(settings)
        return status
    say(counted(len(situation.unseen), "new delivery", "new deliveries"))
    if len(situation.unseen) <= FEW_DELIVERIES:
        memory.give_back_large_blocks()
    _require_key(settings, situation.unseen)
    prepare_dagster_home(settings)
    mark.touch(mode=0o600)
    result = run_job(settings, [item.period for item in situation.unseen])
    messages = failures(result)
    if any(warehouse.tells_of_corruption(message) for message in messages):
        # The file could be opened, but a block inside it is damaged. Once, so that a broken disk is no endless loop.
        _set_aside(settings, next(message for message in messages if warehouse.tells_of_corruption(message)))
        result = run_job(settings, [item.period for item in look(settings).unseen])
        messages = failures(result)
    mark.unlink()
    if messages or not result.success:
        say("the pipeline stopped; no new release was published:")
        for message in messages:
            say_below(message)
        say(f"all that dbt and Dagster said: {settings.logs / DETAILS}")
        _tell("the pipeline failed: no new release", messages)
        _close(settings)
        return EXIT_FAILED
    for name in keeping.prune_releases(settings, keeping.Keep.from_environment().releases):
        say(f"release {name} is older than JOBCENTER_KEEP_RELEASES and was removed")
    _close(settings)
    return 0


def _close(settings: Settings) -> None:
    """The last lines: what was rejected, which official source is stale or failed, and where the release is."""
    rejected, mended = doctor.rejected_deliveries(discover(settings.landing), Ledger(settings.ledger))
    if rejected:
        say(f"{counted(len(rejected), 'rejected delivery', 'rejected deliveries')}:")
        for decision in rejected:
            say_below("\n  ".join([f"{decision.path}:", *decision.reasons]))
    if mended:
        say(doctor.delivered_again(mended))
    for line in official_sources(settings):
        say(line)
    current = writer.current_release(settings.releases)
    if current is not None:
        say(f"release: {current}")
        site = current / "site" / "index.html"
        if site.is_file():
            say(f"web site: {site}")


if __name__ == "__main__":
    end(main, __doc__)
