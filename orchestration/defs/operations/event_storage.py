"""Dagster's own event log in SQLite, with one open connection a file instead of a new one for every event.

A pipeline records some two thousand events (planned and done, for each asset, check and month). Dagster makes an engine
anew for each of them, so that SQLAlchemy compiles every statement again and SQLite syncs the disk each time: more than
half a minute. Files, tables and the order of events are the same; the web pages read them with Dagster's own class.

A place in a pool is claimed under a lock of the file system: Dagster looks for a free place and takes it in two steps,
which SQLite does not make one, so that two runs that start in the same moment could both get the only place.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from dagster._utils.concurrency import ConcurrencyClaimStatus
from sqlalchemy import Connection, Engine, StaticPool, create_engine, event


class OpenEventLog(SqliteEventLogStorage):
    """The event log of one process that runs the pipeline."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._present: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "OpenEventLog":
        """How Dagster makes it from its configuration."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if shard not in self._engines:
                engine = create_engine(
                    self.conn_string_for_shard(shard),
                    poolclass=StaticPool,
                    connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
                )
                # With a write-ahead log a crash of the machine can lose the last events, never damage the file.
                event.listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal"))
                self._initdb(engine)
                self._engines[shard] = engine
            with self._engines[shard].connect() as connection, connection.begin():
                yield connection

    def has_table(self, table_name: str) -> bool:
        """Whether the table exists; Dagster asks anew for every check's event, and no table ever goes away."""
        if table_name not in self._present and super().has_table(table_name):
            self._present.add(table_name)
        return table_name in self._present

    def claim_concurrency_slot(
        self, concurrency_key: str, run_id: str, step_key: str, priority: int | None = None
    ) -> ConcurrencyClaimStatus:
        """Take a place in the pool, or a place in its queue: one process at a time."""
        with (Path(self._base_dir) / "pools.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return super().claim_concurrency_slot(concurrency_key, run_id, step_key, priority)

    def dispose(self) -> None:
        """Close the files."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


def open_instance(home: Path) -> dg.DagsterInstance:
    """Dagster's instance of that folder, with this event log."""
    return dg.DagsterInstance.from_ref(
        InstanceRef.from_dir(
            str(home),
            overrides={
                "event_log_storage": {
                    "module": OpenEventLog.__module__,
                    "class": OpenEventLog.__name__,
                    "config": {"base_dir": str(home / "history" / "runs")},
                }
            },
        )
    )
