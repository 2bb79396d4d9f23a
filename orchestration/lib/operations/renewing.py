"""Making the warehouse anew from the landing zone and comparing it with what it was: restore drill and new key.

The warehouse is set aside, built again by the pipeline, and compared table by table; when anything differs or fails,
the one set aside comes back.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb

from orchestration.lib.ledger import Ledger
from orchestration.lib.operations.keeping import remove_tree
from orchestration.lib.operations.rebuilding import missing_deliveries
from orchestration.lib.pipeline_lock import pipeline_lock
from orchestration.lib.release.content import content_hash, quoted
from orchestration.lib.settings import Settings


class RenewalFailed(RuntimeError):
    """The warehouse could not be made anew, or is not equal; the message says what stands now."""


def marts_hashes(file: Path) -> dict[str, str]:
    """Content hash of every `fct_` and `dim_` table of a warehouse file. No person's key is in them."""
    with duckdb.connect(str(file), read_only=True) as con:
        columns: dict[str, list[str]] = {}
        for table, column in con.execute(
            "select columns.table_name, columns.column_name from duckdb_columns() as columns "
            "inner join duckdb_tables() as tables using (database_name, schema_name, table_name) "
            "where columns.schema_name = 'marts' order by columns.table_name, columns.column_index"
        ).fetchall():
            columns.setdefault(str(table), []).append(str(column))
        return {table: content_hash(con, f"marts.{quoted(table)}", names) for table, names in columns.items()}


def set_aside(settings: Settings) -> Path:
    """Move the warehouse and its log to `$DATA/aside/` and return the file there.

    Raises RenewalFailed when there is none, or when a delivery in it could not be loaded again.
    """
    if not settings.warehouse.exists():
        raise RenewalFailed(f"There is no warehouse at {settings.warehouse}: run `make pipeline` first.")
    gone = missing_deliveries(settings.landing, Ledger(settings.ledger))
    if gone:
        paths = ", ".join(decision.path for decision in gone)
        raise RenewalFailed(
            f"{len(gone)} accepted deliveries are no longer in {settings.landing} as they were and would be lost: "
            f"{paths}"
        )
    aside = settings.data / "aside"
    if aside.exists():
        raise RenewalFailed(
            f"{aside} holds the former warehouse of an attempt that was killed. Run `make pipeline`; when it has ended "
            f"well, remove {aside} (it holds rows about persons) and try again."
        )
    aside.mkdir(mode=0o700)
    for path in _files(settings.warehouse):
        path.rename(aside / path.name)
    return aside / settings.warehouse.name


def bring_back(settings: Settings) -> None:
    """Put the warehouse set aside into its place again."""
    aside = settings.data / "aside"
    for path in _files(settings.warehouse):
        path.unlink()
    for path in _files(aside / settings.warehouse.name):
        path.rename(settings.data / path.name)
    aside.rmdir()


def _files(warehouse: Path) -> list[Path]:
    # The log goes first: a database without its log can be opened, a log without its database can't.
    return [path for path in (warehouse.with_name(warehouse.name + ".wal"), warehouse) if path.exists()]


def run_pipeline(settings: Settings, extra: Mapping[str, str] | None = None) -> int:
    """The pipeline as a process of its own; its exit status."""
    environment = {
        **os.environ,
        "JOBCENTER_LANDING": str(settings.landing),
        "JOBCENTER_DATA": str(settings.data),
        **(extra or {}),
    }
    command = [sys.executable, "-m", "orchestration.commands.pipeline"]
    return subprocess.run(command, cwd=settings.project, env=environment, check=False).returncode


def renew(settings: Settings) -> int:
    """Delete the warehouse, build it again, and compare the marts; returns how many tables are equal.

    Raises RenewalFailed after bringing the former warehouse back when the pipeline fails or a table differs, and
    PipelineRunning when another pipeline is at work.
    """
    with pipeline_lock(settings):
        aside = set_aside(settings)
    try:
        before = marts_hashes(aside)
        status = run_pipeline(settings)
        if status != 0:
            raise RenewalFailed(f"The pipeline ended with status {status}; the former warehouse is back in its place.")
        after = marts_hashes(settings.warehouse)
        different = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        if different:
            raise RenewalFailed(
                f"The new warehouse is not equal ({', '.join(different)}); the former one is back in its place."
            )
    except BaseException:
        with pipeline_lock(settings):
            bring_back(settings)
        raise
    remove_tree(aside.parent)
    return len(after)
