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


def usable_instance(settings: Settings, say: Callable[[str], None]) -> dg.DagsterInstance:
    """Dagster's instance in DAGSTER_HOME; when its storage can't be read, that is set aside and made anew.

    A process killed while Dagster makes its storage leaves half a storage behind. Runs and events are a record only:
    nothing in the warehouse or a release depends on them.
    """
    try:
        instance = open_instance(settings.dagster_home)
        instance.get_runs_count()
        instance.event_log_storage.get_pool_limits()
        return instance
    except Exception as error:  # sqlite's, SQLAlchemy's, alembic's and Dagster's own
        if any(sign in str(error) for sign in ("disk is full", "readonly database", "unable to open", "disk I/O")):
            raise
        aside = settings.dagster_home.with_name("dagster-broken")
        keeping.remove_tree(aside)
        settings.dagster_home.rename(aside)
        say(f"Dagster's record of runs can't be read ({type(error).__name__}); it was set aside in {aside}")
        prepare_dagster_home(settings)
        return open_instance(settings.dagster_home)


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
