"""Runs of Dagster that need tending: those of a killed process, and those that are old enough to go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.defs.operations.event_storage import open_instance
from orchestration.lib.dagster_home import prepare_dagster_home
from orchestration.lib.operations import keeping
from orchestration.lib.settings import Settings

# Runs of `make pipeline` live and die with its process; the pipeline's lock says that there is only one.
STARTED_BY = "jobcenter/started_by"
COMMAND = "make pipeline"

_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


# What SQLite says of a file that is no database, or not a whole one (cut off, overwritten): no waiting and no migration
# makes it readable. A process that is killed while Dagster makes its storage leaves none of these behind: SQLite takes
# the half step back, and Dagster goes on from there.
_BROKEN_FILE = ("file is not a database", "database disk image is malformed")


class RecordOfRunsUnusable(RuntimeError):
    """Dagster's record of runs can't be opened and is left as it is; the message says why and what to do."""


def usable_instance(settings: Settings, say: Callable[[str], None]) -> dg.DagsterInstance:
    """Dagster's instance in DAGSTER_HOME; when a file of its storage is broken, that is set aside and made anew.

    Runs and events are a record only: nothing in the warehouse or a release depends on them. Yet whatever is no broken
    file (locked, made by another version, no permission, full disk, a fault of the code) leaves the record where it is.
    Raises RecordOfRunsUnusable.
    """
    try:
        return _open(settings)
    except Exception as error:  # sqlite's, SQLAlchemy's, alembic's and Dagster's own
        reason = next(iter(str(error).strip().splitlines()), "no further reason given")
        if not any(sign in str(error) for sign in _BROKEN_FILE):
            raise RecordOfRunsUnusable(
                f"Dagster's record of runs in {settings.dagster_home} is left as it is, since it can't be opened "
                f"({type(error).__name__}: {reason[:120]}). Locked, full or closed: try again when that is mended. "
                "After an upgrade `dagster instance migrate`, after a downgrade go back. Else stop the daemon and move "
                "the folder away: the next run makes it anew, no figure depends on it."
            ) from error
    aside = settings.dagster_home.with_name("dagster-broken")
    keeping.remove_tree(aside)
    settings.dagster_home.rename(aside)
    say(f"Dagster's record of runs can't be read ({reason}); it was set aside in {aside}")
    prepare_dagster_home(settings)
    return _open(settings)


def _open(settings: Settings) -> dg.DagsterInstance:
    instance = open_instance(settings.dagster_home)
    instance.get_runs_count()
    instance.event_log_storage.get_pool_limits()
    return instance


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark the runs of killed `make pipeline` processes as failed, and give back their place in the pool.

    Only while the pipeline's lock is held: then none of them can be alive. Returns their ids.
    """
    dead = instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED, tags={STARTED_BY: COMMAND}))
    for run in dead:
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        instance.report_run_failed(run, message="The process was killed before the run had ended.")
    return [run.run_id for run in dead]


def prune_runs(
    instance: dg.DagsterInstance, settings: Settings, keep: keeping.Keep, now: datetime | None = None
) -> int:
    """Delete finished runs, and dbt's folders of them, that are older than the setting. Returns how many runs."""
    before = (now or datetime.now(UTC)) - timedelta(days=keep.run_days)
    finished = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    old = instance.get_runs(dg.RunsFilter(statuses=finished, created_before=before))
    for run in old:
        instance.delete_run(run.run_id)
    keeping.prune_dbt_targets(settings, before)
    return len(old)
