"""How each official source stands: ok, stale or failed, since when and why.

Kept in `$DATA/official_sources.json`, so that it survives a rebuild of the warehouse, and written as a small table for
readers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb

STATUS_FILE = "official_sources.json"

# ok: asked, and what we hold is what it has. stale: could not be asked (no key, no network). failed: asked in vain.
State = Literal["ok", "stale", "failed"]


@dataclass(frozen=True)
class ItemStatus:
    """A source, or one table of it.

    `since` is when the state began; for stale and failed items that is the last success, null when there was none.
    `update_latest` is the source's own date of the figures that we hold.
    """

    state: State
    since: str | None
    reason: str
    last_attempt_at: str
    last_success_at: str | None = None
    update_latest: str | None = None


@dataclass(frozen=True)
class SourceStatus:
    """A source and its tables by id."""

    source: ItemStatus
    tables: Mapping[str, ItemStatus] = field(default_factory=dict)


def next_status(
    before: ItemStatus | None, state: State, reason: str, now: datetime, update_latest: str | None
) -> ItemStatus:
    """The status after an attempt at `now`, given the one before it."""
    moment = now.isoformat(timespec="seconds")
    last_success = moment if state == "ok" else (before.last_success_at if before else None)
    since = last_success
    if state == "ok":
        since = before.since if before is not None and before.state == "ok" else moment
    known = before.update_latest if before is not None and update_latest is None else update_latest
    return ItemStatus(state, since, reason, moment, last_success, known)


def read_statuses(data: Path) -> dict[str, SourceStatus]:
    """The statuses by source code; empty when there is no file or it can't be read (then all is asked for again)."""
    try:
        document = json.loads((data / STATUS_FILE).read_text(encoding="utf-8"))
        return {
            source: SourceStatus(
                ItemStatus(**entry["source"]), {table: ItemStatus(**item) for table, item in entry["tables"].items()}
            )
            for source, entry in document["sources"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_statuses(data: Path, statuses: Mapping[str, SourceStatus]) -> None:
    """Replace the file whole."""
    data.mkdir(parents=True, exist_ok=True)
    document = {
        "sources": {
            source: {
                "source": asdict(status.source),
                "tables": {table: asdict(item) for table, item in sorted(status.tables.items())},
            }
            for source, status in sorted(statuses.items())
        }
    }
    unfinished = data / f".{STATUS_FILE}.{os.getpid()}"
    unfinished.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(data / STATUS_FILE)


def with_known_success(status: ItemStatus, delivered_at: str | None) -> ItemStatus:
    """The status with the newest delivery's time as last success, when our own record of it is lost."""
    if status.last_success_at is not None or delivered_at is None:
        return status
    return replace(status, last_success_at=delivered_at, since=delivered_at if status.state != "ok" else status.since)


def write_status_table(connection: duckdb.DuckDBPyConnection, data: Path) -> int:
    """(Re)write `quality.official_sources` of a warehouse or release from the status file; returns its number of rows.

    One row per source (`table_id` null) and per table of it. Times are text with offset, as in the file.
    """
    rows = [
        (
            source,
            table_id,
            item.state,
            item.since,
            item.reason,
            item.last_success_at,
            item.last_attempt_at,
            item.update_latest,
        )
        for source, status in sorted(read_statuses(data).items())
        for table_id, item in [(None, status.source), *sorted(status.tables.items())]
    ]
    connection.execute("create schema if not exists quality")
    connection.execute(
        """create or replace table quality.official_sources (
            source_code varchar not null,
            table_id varchar,
            state varchar not null,
            since timestamptz,
            reason varchar not null,
            last_success_at timestamptz,
            last_attempt_at timestamptz not null,
            update_latest varchar
        )"""
    )
    if rows:
        connection.executemany("insert into quality.official_sources values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return len(rows)
