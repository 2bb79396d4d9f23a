"""Making the warehouse anew from the landing zone and comparing it with what it was: restore drill and new key.

The warehouse is set aside, built again by the pipeline, and compared table by table; when anything differs or fails,
the one set aside comes back. The lock is held throughout, and the pipeline works under it. What a killed renewal has
set aside comes back with the next `make pipeline`, rekey or drill.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration.lib import warehouse
from orchestration.lib.ledger import Ledger, LedgerBroken
from orchestration.lib.operations.keeping import remove_tree
from orchestration.lib.operations.rebuilding import missing_deliveries
from orchestration.lib.pipeline_lock import for_child, pipeline_lock
from orchestration.lib.pseudonyms import sample_key_path
from orchestration.lib.release.content import content_hash
from orchestration.lib.settings import Settings
from orchestration.lib.sql_text import quoted


class RenewalFailed(RuntimeError):
    """The warehouse could not be made anew, or is not equal; the message says what stands now."""


# What can stop a renewal once the lock is held: whoever calls it says so, and what was set aside has come back.
STOPPED_BY: tuple[type[Exception], ...] = (
    RenewalFailed,
    warehouse.WarehouseBroken,
    warehouse.WarehouseLocked,
    warehouse.WarehouseUnavailable,
    LedgerBroken,
    OSError,
    duckdb.Error,
)


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
    """Move the warehouse to `$DATA/aside/` and return the file there.

    Raises RenewalFailed when there is none, or when a delivery in it could not be loaded again; WarehouseLocked,
    WarehouseBroken and WarehouseUnavailable when it can't be opened.
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
    # Its log is written into the file first, so that one rename sets all aside.
    with warehouse.connect(settings) as connection:
        connection.execute("checkpoint")
    aside = _aside(settings)
    aside.mkdir(mode=0o700)
    return settings.warehouse.rename(aside / settings.warehouse.name)


def bring_back(settings: Settings) -> bool:
    """Put what a renewal has set aside (warehouse, sample key) into its place again; whether there was any.

    Only under the pipeline's lock: then a renewal that has something aside is dead. Killed in its midst, it is done by
    the next call.
    """
    remove_tree(_done(settings))
    aside = _aside(settings)
    if not aside.is_dir():
        return False
    former, key = aside / settings.warehouse.name, aside / sample_key_path(settings).name
    if key.exists():
        key.replace(sample_key_path(settings))
    if former.exists():
        # The new one's log goes first: a database without its log can be opened, a log of another one can't be used.
        settings.warehouse.with_name(settings.warehouse.name + ".wal").unlink(missing_ok=True)
        former.replace(settings.warehouse)
    remove_tree(aside)
    return True


def _aside(settings: Settings) -> Path:
    return settings.data / "aside"


def _done(settings: Settings) -> Path:
    """What was aside when the new warehouse turned out equal, for the moments until it is removed."""
    return settings.data / ".deleted-aside"


def run_pipeline(settings: Settings) -> int:
    """The pipeline as a process of its own, under the lock when it is held here; its exit status."""
    handed_on, files = for_child(settings)
    environment = {
        **os.environ,
        "JOBCENTER_LANDING": str(settings.landing),
        "JOBCENTER_DATA": str(settings.data),
        **handed_on,
    }
    command = [sys.executable, "-m", "orchestration.commands.pipeline"]
    return subprocess.run(command, cwd=settings.project, env=environment, pass_fds=files, check=False).returncode


def renew(settings: Settings, change_key: Callable[[Path], None] | None = None) -> int:
    """Set the warehouse aside, build it again, and compare the marts; returns how many tables are equal.

    `change_key` is called in between with the folder in which things are set aside: a sample key that it moves there
    comes back with the warehouse. Raises RenewalFailed after bringing the former state back when the pipeline fails or
    a table differs, PipelineRunning when another pipeline is at work, and what set_aside and `change_key` raise.
    """
    with pipeline_lock(settings):
        bring_back(settings)
        try:
            former = set_aside(settings)
            if change_key is not None:
                change_key(former.parent)
            before = marts_hashes(former)
            status = run_pipeline(settings)
            if status != 0:
                raise RenewalFailed(
                    f"The pipeline ended with status {status}; the former warehouse is back in its place."
                )
            after = marts_hashes(settings.warehouse)
            different = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
            if different:
                raise RenewalFailed(
                    f"The new warehouse is not equal ({', '.join(different)}); the former one is back in its place."
                )
        except BaseException:
            bring_back(settings)
            raise
        # From this one rename on the new warehouse and its key are the ones that count.
        former.parent.rename(_done(settings))
        remove_tree(_done(settings))
    return len(after)
