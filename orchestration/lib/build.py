"""What a build is made of: the raw content and the project, each with a fingerprint that decides what must be done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

# What decides the figures: a change of any of these builds every month again.
_FIGURE_FOLDERS = ("models", "seeds", "macros")
_FIGURE_FILES = ("dbt_project.yml",)
_FIGURE_SUFFIXES = frozenset({".sql", ".csv", ".py", ".yml"})

# Python that decides what is checked and released from the same figures.
_RELEASE_FOLDERS = ("orchestration/expectations", "orchestration/lib", "orchestration/site", "contracts")
_RELEASE_SUFFIXES = frozenset({".py", ".yaml", ".yml", ".csv", ".conf", ".html", ".css", ".js", ".j2", ".json"})

# A month of the whole country is about a million benefit rows, and costs a batch about 250 MB.
_ROWS_PER_BATCH = 3_000_000
_MOST_MONTHS_PER_BATCH = 36


def _files(project: Path, folders: tuple[str, ...], suffixes: frozenset[str]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((project / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file() and "__pycache__" not in path.parts:
                yield path


def _digest(project: Path, paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(project)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def project_hash(project: Path) -> str:
    """Hash of models, seeds, macros and the dbt project file: what decides the figures."""
    paths = [*_files(project, _FIGURE_FOLDERS, _FIGURE_SUFFIXES), *(project / name for name in _FIGURE_FILES)]
    return _digest(project, paths)


def manifest_hash(project: Path) -> str:
    """Hash of everything that dbt's parse reads: the figures' files, the pages beside them, profile and own tests."""
    paths = [
        *_files(project, _FIGURE_FOLDERS, _FIGURE_SUFFIXES | {".md"}),
        *_files(project, ("tests/data",), frozenset({".sql", ".yml"})),
        project / "dbt_project.yml",
        project / "profiles.yml",
    ]
    return _digest(project, paths)


def release_code_hash(project: Path) -> str:
    """Hash of the code and contracts that check, suppress and write a release."""
    return _digest(project, list(_files(project, _RELEASE_FOLDERS, _RELEASE_SUFFIXES)))


def raw_content_id(connection: duckdb.DuckDBPyConnection) -> str:
    """Hash of what stands in raw and of the decisions about deliveries; the order of loading does not matter."""
    row = connection.execute(
        """
        with batches as (
            select concat_ws(':', dataset, period, delivery, sha256) as line from raw.current_batches
        ),
        deliveries as (
            select concat_ws(':', period, delivery, status, hash) as line from quality.deliveries
        )
        select md5(concat_ws(
            '#',
            (select string_agg(line, '|' order by line) from batches),
            (select string_agg(line, '|' order by line) from deliveries)
        ))
        """
    ).fetchone()
    assert row is not None
    return str(row[0])


@dataclass(frozen=True)
class BuildPlan:
    """What the next build is: its id, and whether the seeds must be loaded and tested again."""

    build_id: str
    raw_id: str
    project_hash: str
    months_per_batch: int
    are_seeds_current: bool


def plan_build(connection: duckdb.DuckDBPyConnection, project: Path) -> BuildPlan:
    """Describe the build that raw and project as they stand would make. Changes nothing."""
    figures = project_hash(project)
    raw_id = raw_content_id(connection)
    largest = connection.execute(
        "select max(row_count) from raw.current_batches where dataset = 'benefit_periods'"
    ).fetchone()
    rows = int(largest[0]) if largest is not None and largest[0] else 1
    build_id = hashlib.sha256(f"{raw_id}:{figures}:{release_code_hash(project)}".encode()).hexdigest()[:32]
    has_table = connection.execute(
        "select count(*) from duckdb_tables() where database_name = current_database() "
        "and schema_name = 'build' and table_name = 'seeds'"
    ).fetchone()
    seeded = connection.execute("select max(project_hash) from build.seeds").fetchone() if has_table == (1,) else None
    return BuildPlan(
        build_id=build_id,
        raw_id=raw_id,
        project_hash=figures,
        months_per_batch=max(1, min(_MOST_MONTHS_PER_BATCH, _ROWS_PER_BATCH // rows)),
        are_seeds_current=seeded is not None and seeded[0] == figures,
    )


def record_project(connection: duckdb.DuckDBPyConnection, plan: BuildPlan) -> None:
    """Tell the `monthly` materialization which project it builds, and how many months fit one statement."""
    connection.execute("begin")
    connection.execute("create schema if not exists build")
    connection.execute("create table if not exists build.project (project_hash varchar, months_per_batch integer)")
    connection.execute("delete from build.project")
    connection.execute("insert into build.project values (?, ?)", [plan.project_hash, plan.months_per_batch])
    connection.execute("commit")


def record_seeds(connection: duckdb.DuckDBPyConnection, plan: BuildPlan) -> None:
    """Note, after a build that went well, that the seeds of this project are loaded and tested."""
    connection.execute("begin")
    connection.execute("create table if not exists build.seeds (project_hash varchar)")
    connection.execute("delete from build.seeds")
    connection.execute("insert into build.seeds values (?)", [plan.project_hash])
    connection.execute("commit")


def released_build_id(release: Path | None) -> str | None:
    """The build that a release folder was made from, or None."""
    if release is None or not (release / "manifest.json").is_file():
        return None
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    return str(manifest["build_id"])
