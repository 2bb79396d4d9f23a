"""One run of the benchmark, from deliveries to a record of everything that was measured."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from orchestration.bench import deliveries, phases, situations
from orchestration.bench.focus_goals import inputs
from orchestration.bench.plain_load import require_equal
from orchestration.bench.process_tree import Finished, memory_of_machine, run_python
from orchestration.lib.settings import Settings
from orchestration.lib.sql_text import sql_file

FEWEST_MONTHS = deliveries.MONTHS_BACK + 1
_MODULES = "orchestration.bench"
_PROJECT = (
    "contracts", "macros", "models", "orchestration", "seeds", "tests/data", "dbt_project.yml", "profiles.yml",
    "pyproject.toml",
)  # fmt: skip

Record = dict[str, Any]
Run = TypeVar("Run")


class CannotMeasure(ValueError):
    """The benchmark can't be run as asked; the message says why."""


@dataclass(frozen=True)
class Options:
    """What is measured: scale 1 is the country; the peers may have a scale of their own, at which each can run.

    times: how often one new month, the correction and the floor are measured. pipeline_only: a full refresh and one
    new month, nothing else.
    """

    scale: float
    months: int
    start: str
    seed: int
    peers_scale: float
    with_postgres: bool
    times: int = 3
    pipeline_only: bool = False


def run_bench(options: Options, settings: Settings, say: Callable[[str], None]) -> Record:
    """Measure everything in `bench/` below the data folder; deliveries and the record stay there.

    Raises CannotMeasure, ProgramFailed, and Different when any tool comes to other figures.
    """
    if options.months < FEWEST_MONTHS and not options.pipeline_only:
        raise CannotMeasure(f"MONTHS must be at least {FEWEST_MONTHS}: one of them is corrected twelve months later")
    if options.times < 1:
        raise CannotMeasure("TIMES must be at least 1: so often what is short is measured")
    folder = settings.data / "bench"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    work = folder / f"work-{options.scale:g}-{options.months}"
    if work.exists():
        shutil.rmtree(work)
    work.mkdir(mode=0o700)
    say(f"deliveries of {options.months} months and one more, scale {options.scale:g}")
    kept = deliveries.keep_deliveries(
        folder, scale=options.scale, start=options.start, months=options.months, seed=options.seed
    )
    place = replace(
        settings,
        landing=work / "landing",
        data=work / "data",
        project=_copy_of_project(settings.project, work / "project"),
        key_file=None,
        key_text=None,
    )
    all_periods = deliveries.periods(kept.landing)
    deliveries.copy_deliveries(kept.landing, place.landing, all_periods[:-1])

    full_refresh = _run(situations.FULL_REFRESH, place, say)
    manifest = situations.newest_manifest(place)
    if manifest is None:
        raise CannotMeasure(f"the pipeline left no manifest of dbt in {place.dbt}")
    record: Record = {
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "commit": _commit(settings.project),
        "machine": machine(),
        "versions": {name: version(name) for name in ("duckdb", "dbt-core", "dagster", "great-expectations")},
        "options": asdict(options) | {"memory_limit": settings.memory_limit, "threads": settings.threads},
        "persons_a_month": _persons(place),
        "delivered_bytes": deliveries.size_of(place.landing),
        "generator": deliveries.as_record(kept),
    }
    if not options.pipeline_only:
        say("the floor")
        record["floor"] = _floor(place, full_refresh.warehouse_bytes, work / "floor", options.times)
        say("plain SQL")
        plain = replace(place, data=work / "plain")
        record["plain_sql"] = _json(_program("plain_load", plain, str(place.warehouse), str(manifest)))
        shutil.rmtree(plain.data)
        record["focus_goals"] = _focus_goals(options, folder, work, place, manifest, say)

    deliveries.copy_deliveries(kept.landing, place.landing, all_periods[-1:])
    record["situations"] = [
        asdict(full_refresh),
        _several_times(situations.NEW_MONTH, place, work / "before", options.times, say),
    ]
    if not options.pipeline_only:
        corrected = deliveries.month_before(all_periods[-1], deliveries.MONTHS_BACK)
        record["correction"] = asdict(deliveries.correct_month(place.landing, corrected))
        record["situations"] += [
            _several_times(situations.CORRECTION, place, work / "before", options.times, say),
            asdict(_run(situations.NOTHING_NEW, place, say)),
        ]
    shutil.rmtree(work)
    results = folder / "results"
    results.mkdir(exist_ok=True)
    stamp = record["at"][:19].replace("-", "").replace(":", "")
    file = results / f"{options.scale:g}-{options.months}-{stamp}.json"
    file.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return record


def _copy_of_project(project: Path, target: Path) -> Path:
    """What is measured is the project as it stands now, however it is edited during a long run."""
    for name in _PROJECT:
        if (project / name).is_dir():
            shutil.copytree(project / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.mkdir(exist_ok=True)
            shutil.copy2(project / name, target / name)
    # Compiled beforehand, as in an installation that has run before.
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(target / "orchestration")], check=True)
    return target


def _run(name: str, place: Settings, say: Callable[[str], None]) -> situations.Situation:
    say(f"the pipeline: {name}")
    done = situations.run_situation(name, place)
    say(f"the pipeline: {name}: {done.wall:.1f} s, {done.cpu:.1f} CPU s, {done.peak_memory / 1e9:.2f} GB")
    return done


def _several_times(name: str, place: Settings, before: Path, times: int, say: Callable[[str], None]) -> Record:
    """A situation, several times from the same data: the run in the middle, by what its work took, and all `runs`.

    A month takes a minute and a correction two, in which the machine's clock may stand anywhere; a full refresh is long
    enough to meet it fast and slow.
    """
    runs = []
    for more in reversed(range(times)):
        if more:
            shutil.copytree(place.data, before, symlinks=True)
        runs.append(_run(name, place, say))
        if more:
            shutil.rmtree(place.data)
            before.rename(place.data)

    def work_cpu(one: situations.Situation) -> float:
        return phases.work_of(one.phases).cpu

    return asdict(_in_the_middle(runs, work_cpu)) | {
        "runs": [
            {"wall": one.wall, "cpu": one.cpu, "peak_memory": one.peak_memory, "work_cpu": work_cpu(one)}
            for one in runs
        ]
    }


def _floor(place: Settings, warehouse_bytes: int, folder: Path, times: int) -> Record:
    """The floor, as short as a month and measured as one is."""

    def cpu(one: Record) -> float:
        return float(one["reading"]["cpu"] + one["writing"]["cpu"])

    runs = [_json(_program("floor", place, str(warehouse_bytes), str(folder))) for _ in range(times)]
    return _in_the_middle(runs, cpu) | {"runs": [{"cpu": cpu(one)} for one in runs]}


def _in_the_middle(runs: Sequence[Run], cost: Callable[[Run], float]) -> Run:
    """The run with as many cheaper as dearer ones; of an even number the cheaper of two."""
    return sorted(runs, key=cost)[(len(runs) - 1) // 2]


def _program(module: str, place: Settings, *arguments: str) -> Finished:
    return run_python(
        f"{_MODULES}.{module}", arguments, folder=place.project, environment=situations.environment_for(place)
    )


def _json(finished: Finished) -> Record:
    """The last line that a program of ours printed."""
    result: Record = json.loads(finished.output.strip().splitlines()[-1])
    return result


def _focus_goals(
    options: Options, folder: Path, work: Path, place: Settings, manifest: Path, say: Callable[[str], None]
) -> Record:
    """Every tool on the same files; their results must be equal, row by row."""
    warehouse = place.warehouse
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        per_batch = (connection.execute("select max(months_per_batch) from build.project").fetchone() or (1,))[0]
    if options.peers_scale != options.scale:
        say(f"deliveries for the peers, scale {options.peers_scale:g}")
        kept = deliveries.keep_deliveries(
            folder, scale=options.peers_scale, start=options.start, months=options.months, seed=options.seed
        )
        peers = replace(place, landing=work / "peers-landing", data=work / "peers")
        deliveries.copy_deliveries(kept.landing, peers.landing, deliveries.periods(kept.landing)[:-1])
        # A smaller country has more months in a statement.
        loaded = _json(_program("plain_load", peers, str(place.warehouse), str(manifest), "--for-peers"))
        per_batch = loaded["months_per_batch"]
        warehouse = peers.warehouse
    exported = work / "focus_goals"
    inputs.export(warehouse, exported)
    ours = [str(manifest), str(place.warehouse), str(per_batch)]
    tools = {
        "this project": ("with_duckdb", ours),
        "this project, one new month": ("with_duckdb", [*ours, "--new-month"]),
        "DuckDB by hand": ("with_duckdb_by_hand", []),
        "Polars": ("with_polars", []),
        "pandas": ("with_pandas", []),
    }
    left_out = {}
    if options.with_postgres:
        tools["PostgreSQL"] = ("with_postgres", [])
    else:
        left_out["PostgreSQL"] = "left out by --without-postgres"
    found: dict[str, Record] = {}
    with duckdb.connect(":memory:") as connection:
        for number, (name, (module, arguments)) in enumerate(tools.items()):
            say(f"focus goals: {name}")
            result = exported / f"result-{number}.parquet"
            told = _json(_program(f"focus_goals.{module}", place, str(exported), str(result), *arguments))
            if "left_out" in told:
                left_out[name] = told["left_out"]
                continue
            columns = ", ".join(inputs.COLUMNS)
            expected, got = (
                f"(select {columns} from {sql_file(path)})" for path in (exported / "expected.parquet", result)
            )
            found[name] = told | {"compared_rows": require_equal(connection, f"focus goals, {name}", expected, got)}
        raw_rows = {
            table: connection.execute(f"select count(*) from {sql_file(exported / f'{table}.parquet')}").fetchone()
            for table in inputs.RAW_TABLES
        }
    return {
        "scale": options.peers_scale,
        "months": options.months,
        "raw_rows": sum(int(row[0]) for row in raw_rows.values() if row),
        "tools": found,
        "left_out": left_out,
    }


def _persons(place: Settings) -> int:
    """Persons on any benefit in an average month."""
    with duckdb.connect(str(place.warehouse), read_only=True) as connection:
        found = connection.execute(
            "select avg(persons)::bigint from (select count(distinct person_key) as persons from raw.benefit_periods "
            "group by _period)"
        ).fetchone()
    return int(found[0]) if found else 0


def machine() -> Record:
    """Processor, cores, memory and system; nothing that names the machine."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_bytes": memory_of_machine(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _commit(project: Path) -> str:
    """The commit, marked where anything that is measured differs from it; empty without one."""
    found = subprocess.run(
        ["git", "-C", str(project), "describe", "--always"], capture_output=True, text=True, check=False
    ).stdout.strip()
    changed = subprocess.run(
        ["git", "-C", str(project), "status", "--porcelain", "--", *_PROJECT],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    return found + "-dirty" * bool(changed)
