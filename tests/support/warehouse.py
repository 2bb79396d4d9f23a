"""Warehouses for tests: worlds loaded as deliveries and built by dbt, as the pipeline does, in a place of their own.

dbt reads its profile's path from the environment, and a changed environment makes it parse the whole project again
(half a minute). So all warehouses of a workshop are reached through one link, ``current``, which points to one of
them at a time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from orchestration.lib.loading import load_pending
from orchestration.lib.settings import PROJECT_ROOT, Settings
from orchestration.lib.warehouse import connect, ensure_schemas

from ..oracle.landing import write_world
from ..oracle.world import World

TEST_KEY = "a key for tests only, with enough bytes"
# DuckDB's, for each program.
MEMORY_LIMIT = "1GB"
PROJECT_PARTS = ("contracts", "macros", "models", "seeds", "tests/data", "dbt_project.yml", "profiles.yml")
MODELS_AND_SEEDS = ("--resource-type", "model", "--resource-type", "seed")


class DbtFailed(RuntimeError):
    """dbt did not end well; ``output`` is all that it said."""

    def __init__(self, arguments: Sequence[str], output: str) -> None:
        super().__init__(f"dbt {' '.join(arguments)} failed:\n{output[-6000:]}")
        self.output = output


def copy_project(target: Path, source: Path = PROJECT_ROOT) -> Path:
    """The parts of the project that dbt and the loader read, copied, so that a test may change them."""
    for part in PROJECT_PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / part, target / part)
    return target


class Workshop:
    """A folder with any number of warehouses and one dbt target: dbt parses the project once for all of them."""

    def __init__(self, folder: Path, project: Path = PROJECT_ROOT) -> None:
        self.folder = folder
        self.project = project
        folder.mkdir(parents=True, exist_ok=True)

    def settings(self, name: str) -> Settings:
        """The settings of the warehouse ``name``: its own landing zone and data folder."""
        place = self.folder / "warehouses" / name
        return Settings(
            landing=place / "landing",
            data=place / "data",
            project=self.project,
            key_text=TEST_KEY,
            memory_limit=MEMORY_LIMIT,
            threads=2,
        )

    def load(self, name: str, world: World | None = None, threads: int = 2) -> Settings:
        """Write the world's deliveries (when one is given), and load all that the landing zone holds.

        A delivery that is not accepted is an error: worlds are made of accepted rows.
        """
        settings = replace(self.settings(name), threads=threads)
        if world is not None:
            write_world(world, settings.landing)
        settings.data.mkdir(parents=True, exist_ok=True)
        connection = connect(settings)
        try:
            ensure_schemas(connection)
            report = load_pending(connection, settings)
        finally:
            connection.close()
        if report.rejected or report.postponed or report.lost:
            raise ValueError(f"deliveries of {name} not loaded: {report.rejected} {report.postponed} {report.lost}")
        return settings

    def copy(self, name: str, new_name: str) -> Settings:
        """A second warehouse, equal to ``name`` as it stands (landing zone included)."""
        source, target = self.folder / "warehouses" / name, self.folder / "warehouses" / new_name
        shutil.copytree(source, target)
        return self.settings(new_name)

    def set_months_per_batch(self, name: str, months: int) -> None:
        """Let dbt build so many months in one statement, as the pipeline does when the raw tables are large."""
        connection = connect(self.settings(name))
        try:
            connection.execute("delete from build.project")
            connection.execute("insert into build.project values ('a test', ?)", [months])
        finally:
            connection.close()

    def dbt(
        self, name: str, *arguments: str, database_threads: int | None = None, memory_limit: str = MEMORY_LIMIT
    ) -> str:
        """Run dbt on a warehouse; returns what it printed. Raises DbtFailed when it ends with an error."""
        link = self.folder / "current"
        link.unlink(missing_ok=True)
        link.symlink_to(self.settings(name).data)
        command = [
            str(Path(sys.executable).with_name("dbt")),
            *arguments,
            *("--project-dir", str(self.project), "--profiles-dir", str(self.project)),
            *("--target-path", str(self.folder / "target"), "--log-path", str(self.folder / "logs")),
        ]
        environment = {**os.environ, "JOBCENTER_DATA": str(link), "JOBCENTER_MEMORY_LIMIT": memory_limit}
        if database_threads is not None:
            environment["JOBCENTER_THREADS"] = str(database_threads)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DbtFailed(arguments, done.stdout + done.stderr)
        return done.stdout

    def build(self, name: str, *selected: str, full_refresh: bool = False) -> str:
        """Build seeds and models (all, or the selected ones), without tests."""
        select = ("--select", *selected) if selected else ()
        return self.dbt(name, "build", *MODELS_AND_SEEDS, *select, *(("--full-refresh",) if full_refresh else ()))

    def connect(self, name: str) -> duckdb.DuckDBPyConnection:
        """Open a warehouse to read it."""
        return connect(self.settings(name), read_only=True)


def monthly_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """``schema.table`` of every table that the ``monthly`` materialization built."""
    return [
        row[0] for row in connection.execute("select distinct model from build.model_months order by model").fetchall()
    ]


def built_months(connection: duckdb.DuckDBPyConnection, table: str) -> dict[date, int]:
    """Of a monthly table, each month and the number of the table's build that made it."""
    rows = connection.execute("select month, build_number from build.model_months where model = ?", [table])
    return dict(rows.fetchall())


def table_differences(
    connection: duckdb.DuckDBPyConnection, other_name: str, tables: Iterable[str]
) -> dict[str, tuple[int, int]]:
    """Per table the rows that only the connection's own database has, and only the attached database ``other_name``.

    Whole rows, each as often as it stands; tables without differences are left out.
    """
    found = {}
    for table in tables:
        own, other = (
            connection.execute(f"select count(*) from (from {left} except all from {right})").fetchall()[0][0]
            for left, right in ((table, f"{other_name}.{table}"), (f"{other_name}.{table}", table))
        )
        if own or other:
            found[table] = (own, other)
    return found
