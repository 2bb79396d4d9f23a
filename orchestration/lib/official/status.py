"""How each official source stands: ok, stale or failed, since when and why.

Kept in `$DATA/official_sources.json`, so that it survives a rebuild of the warehouse. `standing` adds what the file
can't know: sources that were never asked, and answers that have grown old. `write_status_table` makes it a table.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.lib.official.landing import fetched_deliveries
from orchestration.lib.rules import read_parameter

STATUS_FILE = "official_sources.json"
JOBINDSATS = "jobindsats"
STATBANK = "statbank"
SOURCES = (JOBINDSATS, STATBANK)
FRESH_DAYS = "official_source_fresh_days"
NEVER_ASKED = "not asked yet: run `make fetch`"

# ok: asked, and what we hold is what it has. stale: could not be asked (no key, no network). failed: asked in vain.
State = Literal["ok", "stale", "failed"]


@dataclass(frozen=True)
class ItemStatus:
    """A source, or one table of it.

    `since` is when the state began; for stale and failed items that is the last success, null when there was none.
    `last_attempt_at` is null when it was never asked; `update_latest` is the source's own date of the figures we hold.
    """

    state: State
    since: str | None
    reason: str
    last_attempt_at: str | None
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
                _item(entry["source"]), {str(table): _item(item) for table, item in entry["tables"].items()}
            )
            for source, entry in document["sources"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _item(entry: Mapping[str, str | None]) -> ItemStatus:
    item = ItemStatus(**entry)  # type: ignore[arg-type]
    for moment in (item.since, item.last_attempt_at, item.last_success_at):
        if moment is not None:
            _moment(moment)
    return item


def _moment(text: str) -> datetime:
    """The moment of an ISO 8601 text; one without offset is local. Raises ValueError."""
    return datetime.fromisoformat(text).astimezone()


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


def standing(data: Path, landing: Path, project: Path, now: datetime) -> dict[str, SourceStatus]:
    """How every source stands at `now`, by source code.

    A source that was never asked is stale since its newest delivery (null without one), and what was last found in
    order more than `official_source_fresh_days` ago is stale since then. Raises RuleMissing without that rule.
    """
    days = int(read_parameter(project, FRESH_DAYS, now.date()))
    known = read_statuses(data)
    return {
        source: _aged(known[source], now, days) if source in known else _never_asked(source, landing)
        for source in sorted({*SOURCES, *known})
    }


def _aged(status: SourceStatus, now: datetime, days: int) -> SourceStatus:
    def item(before: ItemStatus) -> ItemStatus:
        success = before.last_success_at
        if before.state != "ok" or success is None or now - _moment(success) <= timedelta(days=days):
            return before
        return replace(before, state="stale", since=success, reason=f"not asked for more than {days} days")

    tables = {name: item(table) for name, table in status.tables.items()}
    old = sorted(name for name, table in tables.items() if table != status.tables[name])
    source = item(status.source)
    if old and source.state == "ok":
        reason = f"{len(old)} tables not asked for more than {days} days: {', '.join(old)}"
        source = replace(source, state="stale", since=min(tables[name].since or "" for name in old), reason=reason)
    return SourceStatus(source, tables)


def _never_asked(source: str, landing: Path) -> SourceStatus:
    delivered = []
    for item in fetched_deliveries(landing):
        # A delivery whose manifest holds no time is rejected by the loader, which says so.
        with suppress(ValueError):
            if item.supplier == source:
                delivered.append(_moment(item.delivered_at))
    newest = max(delivered).isoformat(timespec="seconds") if delivered else None
    return SourceStatus(ItemStatus("stale", newest, NEVER_ASKED, None, newest))


def describe(statuses: Mapping[str, SourceStatus]) -> list[str]:
    """A line for a person about each source that is stale or failed: since when and why."""
    return [
        f"official source {source}: {status.source.state}"
        + (f" since {status.source.since[:10]}" if status.source.since else ", never fetched")
        + f": {status.source.reason}"
        for source, status in sorted(statuses.items())
        if status.source.state != "ok"
    ]


def write_status_table(connection: duckdb.DuckDBPyConnection, statuses: Mapping[str, SourceStatus]) -> int:
    """Write `quality.official_sources` of a warehouse anew; returns its number of rows.

    One row per source (`table_id` null) and per table of it.
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
        for source, status in sorted(statuses.items())
        for table_id, item in [(None, status.source), *sorted(status.tables.items())]
    ]
    connection.execute("begin transaction")
    connection.execute("delete from quality.official_sources")
    if rows:
        connection.executemany("insert into quality.official_sources values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute("commit")
    return len(rows)
