"""Deleting what the dated rule `retention_landing_months` says is too old: landing files, and the rows made from them.

A delivery goes when it holds persons and its month is older than the rule. The warehouse goes whole, with every copy of
it, because DuckDB leaves deleted rows in the file until it needs the room; it is built again from what is left.
Releases hold no persons and stay.

`$DATA/retention.jsonl` notes each delivery twice: as begun before anything is touched, as deleted when all is gone. A
run that was killed in between is finished by the next one: folders that were to go are hidden by their name, copies of
persons are removed anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from orchestration.lib.contracts import DatasetContract
from orchestration.lib.deliveries import FoundDelivery, discover, shown
from orchestration.lib.ledger import Decision, Ledger
from orchestration.lib.operations.keeping import remove_tree
from orchestration.lib.operations.rebuilding import read_manifest
from orchestration.lib.release import writer
from orchestration.lib.rules import read_parameter
from orchestration.lib.settings import PRIVATE_FILE_MODE, Settings

RULE = "retention_landing_months"

# Names that begin with a dot are no deliveries: from the renaming on nothing can load the folder any more.
_GOING = ".deleted-"


class RetentionLogBroken(RuntimeError):
    """A line of the log can't be read; the message says which and what to do."""


@dataclass(frozen=True)
class Plan:
    """What a retention on a day would do: months before `first_kept` go.

    `unfinished` are the deliveries (by path) that an earlier run has begun to delete and has not finished.
    """

    first_kept: date
    deliveries: tuple[FoundDelivery, ...]
    lost_releases: tuple[str, ...]
    unfinished: tuple[str, ...] = ()


def log_file(settings: Settings) -> Path:
    """Two JSON lines per deleted delivery: `begun_at`, then `deleted_at` (`kept_at` when it stayed after all)."""
    return settings.data / "retention.jsonl"


def plan(settings: Settings, contracts: Mapping[str, DatasetContract], today: date) -> Plan:
    """What would go on `today`, and which releases could then not be built again.

    Raises RuleMissing, LandingMissing, LedgerBroken and RetentionLogBroken.
    """
    months = int(read_parameter(settings.project, RULE, today))
    index = today.year * 12 + today.month - 1 - months
    first_kept = date(index // 12, index % 12 + 1, 1)
    with_persons = {
        name for name, contract in contracts.items() if any(column.is_personal_number for column in contract.columns)
    }
    ledger = Ledger(settings.ledger)
    going = tuple(
        found
        for found in discover(settings.landing)
        if found.period < f"{first_kept:%Y-%m}" and _may_hold_persons(ledger.first(found.path), with_persons)
    )
    paths = {found.path for found in going}
    lost = [
        release.name
        for release in writer.release_folders(settings.releases)
        if any(one["path"] in paths and one["status"] != "rejected" for one in read_manifest(release)["deliveries"])
    ]
    return Plan(first_kept, going, tuple(lost), unfinished_paths(settings))


def _may_hold_persons(decision: Decision | None, with_persons: set[str]) -> bool:
    # A delivery that was never decided upon, or whose manifest could not be read, may hold anything.
    if decision is None or not decision.files:
        return True
    return any(dataset in with_persons for dataset, _, _ in decision.files)


def unfinished_paths(settings: Settings) -> tuple[str, ...]:
    """Deliveries that an earlier run has begun to delete and has not finished. Raises RetentionLogBroken."""
    hidden = {
        f"{shown(folder.parent.name)}/{shown(folder.name.removeprefix(_GOING))}" for folder in _hidden(settings.landing)
    }
    return tuple(sorted({entry["path"] for entry in _begun(settings)} | hidden))


def carry_out(settings: Settings, todo: Plan) -> None:
    """Delete the deliveries, and every file with rows made from them; finish what an earlier run has begun.

    Only under the pipeline's lock. Raises OSError and RetentionLogBroken; the next call goes on from there.
    """
    if not todo.deliveries and not todo.unfinished:
        return
    _note(
        settings,
        "begun_at",
        (
            {
                "path": found.path,
                "manifest_hash": found.manifest_hash,
                "rule": RULE,
                "first_kept": todo.first_kept.isoformat(),
            }
            for found in todo.deliveries
        ),
    )
    for found in todo.deliveries:
        hidden = found.folder.with_name(_GOING + found.folder.name)
        remove_tree(hidden)
        found.folder.rename(hidden)
    remove_copies_of_persons(settings)
    for hidden in _hidden(settings.landing):
        remove_tree(hidden)
        if not any(hidden.parent.iterdir()):
            hidden.parent.rmdir()
    # What is noted as deleted must be gone from the disk, also after a power cut.
    os.sync()
    begun = _begun(settings)
    # A killed run may have noted what it never came to, and this one was not asked to delete.
    present = {(found.path, found.manifest_hash) for found in discover(settings.landing)}
    stays = [(entry["path"], entry["manifest_hash"]) in present for entry in begun]
    _note(settings, "deleted_at", (entry for entry, kept in zip(begun, stays, strict=True) if not kept))
    _note(settings, "kept_at", (entry for entry, kept in zip(begun, stays, strict=True) if kept))


def remove_copies_of_persons(settings: Settings) -> None:
    """Remove the warehouse and all that may hold copies of its rows; the next pipeline builds it again."""
    for name in (settings.warehouse.name + ".wal", settings.warehouse.name):
        (settings.data / name).unlink(missing_ok=True)
    for name in ("rebuilds", "broken", "aside", ".deleted-aside"):
        remove_tree(settings.data / name)
    for spilled in settings.tmp.iterdir() if settings.tmp.is_dir() else ():
        remove_tree(spilled) if spilled.is_dir() else spilled.unlink()


def deleted_paths(settings: Settings) -> set[str]:
    """Paths of the deliveries that the log says were deleted by rule. Raises RetentionLogBroken."""
    return {entry["path"] for entry in _read_log(settings) if "deleted_at" in entry}


def _hidden(landing: Path) -> list[Path]:
    return sorted(landing.glob(f"*/{_GOING}*"))


def _begun(settings: Settings) -> list[dict[str, Any]]:
    """The last line of each delivery that is noted as begun and nothing more."""
    last = {(entry["path"], entry["manifest_hash"]): entry for entry in _read_log(settings)}
    return [entry for entry in last.values() if "begun_at" in entry]


def _read_log(settings: Settings) -> list[dict[str, Any]]:
    file = log_file(settings)
    # What stands after the last line end was cut off by a kill: nothing was done on its strength.
    lines = file.read_bytes().split(b"\n")[:-1] if file.is_file() else []
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            entries.append({**entry, "path": entry["path"], "manifest_hash": entry["manifest_hash"]})
        except (ValueError, KeyError, TypeError) as error:
            raise RetentionLogBroken(
                f"{file}, line {number} can't be read ({type(error).__name__}). Put back a copy of the file, or remove "
                "that line."
            ) from error
    return entries


def _note(settings: Settings, moment: str, entries: Iterable[Mapping[str, Any]]) -> None:
    """Add a line for each delivery, on disk at once: what `moment` happened now, and the rule that asked for it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    facts = ("path", "manifest_hash", "rule", "first_kept")
    lines = [json.dumps({moment: now} | {name: entry[name] for name in facts}) + "\n" for entry in entries]
    descriptor = os.open(log_file(settings), os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE)
    with os.fdopen(descriptor, "r+b") as log:
        # Cuts off what a killed run has left of a half-written line.
        log.truncate(log.read().rfind(b"\n") + 1)
        log.seek(0, os.SEEK_END)
        log.write("".join(lines).encode())
        log.flush()
        os.fsync(log.fileno())
