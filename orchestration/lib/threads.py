"""How many threads DuckDB gets for a piece of work.

DuckDB shares work by row groups. With fewer of them than threads the rest has nothing to do, and does so loudly: the
waiting thread asks for work all the time. Loading a month of a tenth of the country cost 1.7 times the processor time
with two threads, and took longer.
"""

from __future__ import annotations

import duckdb

ROWS_OF_A_GROUP = 122_880  # DuckDB's default


class FittedThreads:
    """Sets the threads of a connection's database by the rows at hand, never above what it was opened with."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        found = connection.execute("select current_setting('threads')").fetchone()
        self._most = self._set = int(found[0]) if found else 1

    def fit(self, rows: int) -> None:
        """Use one thread for each full row group, at least one."""
        self._use(min(self._most, max(1, rows // ROWS_OF_A_GROUP)))

    def restore(self) -> None:
        """Use as many as the database was opened with."""
        self._use(self._most)

    def _use(self, threads: int) -> None:
        if threads != self._set:
            self._connection.execute(f"set threads = {threads}")
            self._set = threads
