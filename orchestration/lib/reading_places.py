"""Opening what a question is put to: the newest release, or the warehouse. Always read-only.

A release names its tables `main.rpt_x`, the warehouse `marts.fct_x`; `Place` hides that from the questions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.lib.settings import Settings
from orchestration.lib.warehouse import connect


class NothingToRead(RuntimeError):
    """There is no release (or warehouse) to read, or what was asked for does not stand in it."""


@dataclass(frozen=True)
class Place:
    """An open, read-only database and how it names its tables."""

    connection: duckdb.DuckDBPyConnection
    path: Path
    is_release: bool

    def fact(self, name: str) -> str:
        """Return the full name of a mart: `main.rpt_<name>` in a release, `marts.fct_<name>` in the warehouse."""
        return f"main.rpt_{name}" if self.is_release else f"marts.fct_{name}"

    def dimension(self, name: str) -> str:
        """Return the full name of a dimension, `dim_<name>`."""
        return f"main.dim_{name}" if self.is_release else f"marts.dim_{name}"

    def rows(self, sql: str, parameters: list[Any] | None = None) -> list[dict[str, Any]]:
        """Return the rows of a query as dictionaries."""
        cursor = self.connection.execute(sql, parameters or [])
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def open_release(settings: Settings) -> Iterator[Place]:
    """Open the newest release. Raises NothingToRead when there is none."""
    path = settings.releases / "current" / "release.duckdb"
    if not path.exists():
        raise NothingToRead(f"There is no release at {path} yet: run `make pipeline` first.")
    connection = duckdb.connect(str(path), read_only=True)
    try:
        yield Place(connection, path, is_release=True)
    finally:
        connection.close()


@contextmanager
def open_warehouse(settings: Settings) -> Iterator[Place]:
    """Open the warehouse (exact figures, restricted). Raises what `warehouse.connect` raises."""
    connection = connect(settings, read_only=True)
    try:
        yield Place(connection, settings.warehouse, is_release=False)
    finally:
        connection.close()
