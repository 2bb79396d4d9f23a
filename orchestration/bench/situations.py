"""The real pipeline, as a command in a process of its own, in the situations that an engineer waits for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.bench import phases
from orchestration.bench.phases import MODELS_PREFIX, Phase
from orchestration.bench.process_tree import Trace, run_python
from orchestration.lib.release import writer
from orchestration.lib.settings import Settings

FULL_REFRESH = "full refresh"
NEW_MONTH = "one new month"
CORRECTION = "a correction 12 months back"
NOTHING_NEW = "nothing new"


@dataclass(frozen=True)
class Situation:
    """A run of the pipeline: its phases, its totals, and the rows of the files that it read and of its release."""

    name: str
    phases: list[Phase]
    wall: float
    cpu: float
    peak_memory: float
    read: float
    written: float
    disk_read: float
    disk_written: float
    rows_in: int
    rows_out: int
    warehouse_bytes: int


def environment_for(settings: Settings) -> dict[str, str]:
    """The environment of a program that works in these places; the key is a generated one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JOBCENTER_", "DAGSTER_HOME"))}
    environment = {
        **kept,
        "JOBCENTER_LANDING": str(settings.landing),
        "JOBCENTER_DATA": str(settings.data),
        "JOBCENTER_MEMORY_LIMIT": settings.memory_limit,
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
        "GX_ANALYTICS_ENABLED": "false",
    }
    if settings.threads is not None:
        environment["JOBCENTER_THREADS"] = str(settings.threads)
    return environment


def run_situation(name: str, settings: Settings) -> Situation:
    """Run the pipeline once and lay what it took over its phases. Raises ProgramFailed when it fails."""
    before = _builds(settings)
    finished = run_python(
        "orchestration.commands.pipeline",
        [],
        folder=settings.project,
        environment=environment_for(settings),
        apart=list(phases.APART),
    )
    trace = finished.trace
    found = phases.phases_of_run(
        trace, phases.dagster_steps(settings.dagster_home, trace), phases.dbt_nodes(settings.dbt, trace)
    )
    rows_in = _count_rows(settings, trace, found, before)
    release = writer.current_release(settings.releases)
    rows_out = _released_rows(release) if release is not None else 0
    is_new = any(phase.name == phases.RELEASE for phase in found)
    for phase in found:
        if phase.name == phases.RELEASE:
            phase.rows_out = rows_out
    return Situation(
        name=name,
        phases=found,
        wall=trace.ended - trace.began,
        cpu=trace.total("cpu"),
        peak_memory=trace.peak_memory,
        read=trace.total("read"),
        written=trace.total("written"),
        disk_read=trace.total("disk_read"),
        disk_written=trace.total("disk_written"),
        rows_in=rows_in,
        rows_out=rows_out if is_new else 0,
        warehouse_bytes=settings.warehouse.stat().st_size,
    )


def _released_rows(release: Path) -> int:
    tables = json.loads((release / writer.MANIFEST).read_text("utf-8"))["tables"]
    return sum(int(table["row_count"]) for table in tables.values())


def _builds(settings: Settings) -> dict[str, int]:
    """The newest build of each monthly model so far."""
    if not settings.warehouse.exists():
        return {}
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        found = connection.execute(
            "select count(*) from duckdb_tables() where schema_name = 'build' and table_name = 'model_months'"
        ).fetchone()
        if found == (0,):
            return {}
        return dict(
            connection.execute("select model, max(build_number) from build.model_months group by model").fetchall()
        )


def newest_manifest(settings: Settings) -> Path | None:
    """dbt's manifest of the newest build; the compiled code stands in `compiled` beside it."""
    runs = sorted(settings.dbt.glob("*/run_results.json"), key=lambda path: path.stat().st_mtime)
    return runs[-1].parent / "manifest.json" if runs else None


def _count_rows(settings: Settings, trace: Trace, found: list[Phase], before: Mapping[str, int]) -> int:
    """Rows of the files read in this run; also notes for load and models how many rows each has written."""
    by_name = {phase.name: phase for phase in found}
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        rows_in, accepted = connection.execute(
            """
            select coalesce(sum(datasets.rows_in_file), 0)::bigint, coalesce(sum(datasets.accepted), 0)::bigint
            from quality.deliveries as deliveries
            inner join quality.delivery_datasets as datasets
                on deliveries.period = datasets.period and deliveries.delivery = datasets.delivery
            where epoch(deliveries.loaded_at) >= ?
            """,
            [trace.began],
        ).fetchone() or (0, 0)
        if phases.LOAD in by_name:
            by_name[phases.LOAD].rows_in, by_name[phases.LOAD].rows_out = rows_in, accepted
        manifest = newest_manifest(settings)
        if manifest is not None and any(name.startswith(MODELS_PREFIX) for name in by_name):
            for phase, rows in _rows_written(connection, manifest, before).items():
                if phase in by_name:
                    by_name[phase].rows_out = rows
    return int(rows_in)


def _rows_written(connection: duckdb.DuckDBPyConnection, manifest: Path, before: Mapping[str, int]) -> dict[str, int]:
    """Rows that the newest build wrote per phase: whole tables, and of monthly tables the months that it built."""
    rows: dict[str, int] = {}
    for node in json.loads(manifest.read_text("utf-8"))["nodes"].values():
        kind = node["config"].get("materialized")
        if node["resource_type"] != "model" or kind == "view":
            continue
        table, condition, values = f"{node['schema']}.{node['name']}", "true", []
        if kind == "monthly":
            month = node["config"].get("month_column") or "month"
            condition = (
                f"{month} in (select month from build.model_months where model = ? and build_number > ? "
                "and build_number = (select max(build_number) from build.model_months where model = ?))"
            )
            values = [table, before.get(table, 0), table]
        counted = connection.execute(f"select count(*) from {table} where {condition}", values).fetchone()
        phase = phases.phase_of(node)
        rows[phase] = rows.get(phase, 0) + (int(counted[0]) if counted else 0)
    return rows
