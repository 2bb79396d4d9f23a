"""The SQLAlchemy dialect ``duckdb+gx`` on which Great Expectations works with DuckDB.

Great Expectations fetches rows after it has handed its connection back; SQLAlchemy then rolls the transaction back on
the same DuckDB connection, and the pending result is lost (``IndexError: list index out of range``). Expectations only
read, so a dialect that never begins, commits or rolls back loses nothing. To be deleted as soon as Great Expectations
ships an engine of its own for DuckDB: ``tests/unit/test_expectations_dialect.py`` fails on that day.
"""

from typing import Any

from duckdb_engine import Dialect
from sqlalchemy.dialects import registry

DRIVER = "duckdb+gx"


class ReadOnlyDialect(Dialect):  # type: ignore[misc]  # duckdb_engine ships no types
    """duckdb_engine's dialect without transactions, for connections that only read."""

    supports_statement_cache = False

    def do_begin(self, connection: Any) -> None:
        """Nothing to begin: each statement reads by itself."""

    def do_commit(self, connection: Any) -> None:
        """Nothing to commit: the connection only reads."""

    def do_rollback(self, connection: Any) -> None:
        """Must not reach DuckDB: a rollback discards the result that is still to be fetched."""


def register() -> None:
    """Make ``duckdb+gx:///file.duckdb`` known to SQLAlchemy; calling it again changes nothing."""
    registry.register("duckdb.gx", __name__, ReadOnlyDialect.__name__)
