"""What each phase of a pipeline run cost: Dagster's own steps and dbt's own nodes laid over the watched process tree.

Where two models run at once, seconds, CPU and bytes are shared equally between them, so that the phases add up to the
run; what lies in no step and in no node is the tools' own time. dbt and the workers of the checks start while something
else is done: what they spend outside their own work is their start-up, and not that of the step they start beside.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from orchestration.bench.process_tree import Share, Trace

DAGSTER = "start-up and Dagster"
DBT = "start-up and dbt"
CHECKERS = "start-up of the checks"
LOAD = "load"
RAW_CHECKS = "raw checks"
SEEDS = "seeds"
DBT_TESTS = "dbt tests"
MODEL_CHECKS = "checks of the models"
RELEASE = "release"
RELEASE_CHECKS = "release checks"
SITE = "web site"
OTHER_CHECKS = "other checks"
MODELS_PREFIX = "models: "

TOOLS = (DAGSTER, DBT, CHECKERS)
CHECKS = (RAW_CHECKS, OTHER_CHECKS, DBT_TESTS, MODEL_CHECKS, RELEASE_CHECKS)
RELEASING = (RELEASE, RELEASE_CHECKS, SITE)

# Processes that get ready beside other work: their start-up, and whether a phase is their own work.
_DBT_PHASES = (DBT, SEEDS, DBT_TESTS)
APART: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "orchestration.lib.dbt_waiting": (DBT, lambda phase: phase in _DBT_PHASES or phase.startswith(MODELS_PREFIX)),
    "orchestration.expectations.workers": (
        CHECKERS,
        lambda phase: phase in (RAW_CHECKS, MODEL_CHECKS, RELEASE_CHECKS),
    ),
}

_STEPS = {
    "load_deliveries": LOAD,
    "raw_expectations": RAW_CHECKS,
    "dbt_models": DBT,
    "model_expectations": MODEL_CHECKS,
    "release__candidate": RELEASE,
    "release__site": SITE,
    "release__current": RELEASE,
}


@dataclass(frozen=True)
class Activity:
    """A phase at work from one moment to another (seconds since 1970)."""

    phase: str
    start: float
    end: float


@dataclass
class Phase:
    """The cost of a phase in one run: seconds, bytes of memory at most, bytes asked for and written, rows."""

    name: str
    wall: float = 0.0
    cpu: float = 0.0
    peak_memory: float = 0.0
    read: float = 0.0
    written: float = 0.0
    rows_in: int | None = None
    rows_out: int | None = None


def dagster_steps(dagster_home: Path, trace: Trace) -> list[Activity]:
    """The steps of the runs within the trace, from Dagster's event log."""
    found = []
    for database in sorted((dagster_home / "history" / "runs").glob("*.db")):
        if database.name == "index.db":
            continue
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            events = connection.execute(
                "select step_key, dagster_event_type, timestamp from event_logs "
                "where step_key is not null and dagster_event_type in "
                "('STEP_START', 'STEP_SUCCESS', 'STEP_FAILURE', 'ASSET_MATERIALIZATION') order by id"
            ).fetchall()
        finally:
            connection.close()
        found += list(_steps([(key, kind, _utc(at)) for key, kind, at in events]))
    return [step for step in found if step.start >= trace.began and step.end <= trace.ended + 1]


def _steps(events: Iterable[tuple[str, str, float]]) -> Iterator[Activity]:
    started: dict[str, float] = {}
    phases: dict[str, str] = {}
    for key, kind, at in events:
        if kind == "STEP_START":
            started[key], phases[key] = at, _STEPS.get(key, OTHER_CHECKS)
        elif kind == "ASSET_MATERIALIZATION":
            if key == "release__candidate" and key in started:
                # The candidate is written; what follows in this step is its check.
                yield Activity(RELEASE, started[key], at)
                started[key], phases[key] = at, RELEASE_CHECKS
        elif key in started:
            yield Activity(phases[key], started.pop(key), at)


def _utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def dbt_nodes(dbt_folder: Path, trace: Trace) -> list[Activity]:
    """Models, seeds and tests of the dbt runs within the trace, from dbt's own run results."""
    found = []
    for results in sorted(dbt_folder.glob("*/run_results.json")):
        content = json.loads(results.read_text("utf-8"))
        nodes = json.loads((results.parent / "manifest.json").read_text("utf-8"))["nodes"]
        for result in content["results"]:
            moments = [
                _instant(part[name])
                for part in result["timing"]
                for name in ("started_at", "completed_at")
                if part.get(name)
            ]
            node = nodes.get(result["unique_id"])
            if node is not None and moments:
                found.append(Activity(phase_of(node), min(moments), max(moments)))
    return [node for node in found if node.start >= trace.began and node.end <= trace.ended + 1]


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def phase_of(node: Mapping[str, Any]) -> str:
    """The phase of a node of dbt: seeds, tests, or the folder of models."""
    kind = node["resource_type"]
    if kind == "seed":
        return SEEDS
    if kind == "test":
        return DBT_TESTS
    if kind != "model":
        return DBT
    layer, folder = node["fqn"][1], node["fqn"][-2]
    return MODELS_PREFIX + (str(folder) if layer == "intermediate" else str(layer))


def phases_of_run(trace: Trace, steps: Iterable[Activity], nodes: Iterable[Activity]) -> list[Phase]:
    """Every phase of a run in the order of its first moment; the tools' own time first. They add up to the run."""
    steps, nodes = list(steps), list(nodes)
    bounds = sorted(
        {trace.began, trace.ended}
        | {min(max(moment, trace.began), trace.ended) for one in (*steps, *nodes) for moment in (one.start, one.end)}
    )
    phases: dict[str, Phase] = {DAGSTER: Phase(DAGSTER)}
    for start, end in pairwise(bounds):
        middle = (start + end) / 2
        working = [one.phase for one in nodes if one.start <= middle < one.end]
        working = working or [one.phase for one in steps if one.start <= middle < one.end] or [DAGSTER]
        spent = trace.between(start, end)
        beside = 0.0
        for module, (start_up, is_its_work) in APART.items():
            cpu = spent.cpu_of.get(module, 0.0)
            if cpu and not any(map(is_its_work, working)):
                phases.setdefault(start_up, Phase(start_up)).cpu += cpu
                beside += cpu
        for name in working:
            _add(phases.setdefault(name, Phase(name)), spent, max(0.0, spent.cpu - beside), 1 / len(working))
    return list(phases.values())


def _add(phase: Phase, spent: Share, cpu: float, share: float) -> None:
    phase.wall += spent.wall * share
    phase.cpu += cpu * share
    phase.read += spent.read * share
    phase.written += spent.written * share
    phase.peak_memory = max(phase.peak_memory, spent.peak_memory)


def work_of(phases: Iterable[Phase]) -> Phase:
    """Load, models and checks: without the tools' own time, release and site."""
    return sum_of(phases, without=(*TOOLS, *RELEASING))


def sum_of(phases: Iterable[Phase], *, without: Iterable[str] = (), only: Iterable[str] | None = None) -> Phase:
    """The phases together."""
    left_out, wanted = set(without), None if only is None else set(only)
    total = Phase("together")
    for phase in phases:
        if phase.name not in left_out and (wanted is None or phase.name in wanted):
            total.wall += phase.wall
            total.cpu += phase.cpu
            total.read += phase.read
            total.written += phase.written
            total.peak_memory = max(total.peak_memory, phase.peak_memory)
    return total
