"""Deleting what the dated rule `retention_landing_months` says is too old: landing files, and the rows made from them.

A delivery goes when it holds persons and its month is older than the rule. The warehouse goes whole, with every copy of
it, because DuckDB leaves deleted rows in the file until it needs the room; it is built again from what is left.
Releases hold no persons and stay. What was deleted is in `$DATA/retention.jsonl`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from orchestration.lib.contracts import DatasetContract
from orchestration.lib.deliveries import FoundDelivery, discover
from orchestration.lib.ledger import Decision, Ledger
from orchestration.lib.operations.keeping import remove_tree
from orchestration.lib.operations.rebuilding import read_manifest
from orchestration.lib.release import writer
from orchestration.lib.rules import read_parameter
from orchestration.lib.settings import PRIVATE_FILE_MODE, Settings

RULE = "retention_landing_months"


@dataclass(frozen=True)
class Plan:
    """What a retention on a day would do: months before `first_kept` go."""

    first_kept: date
    deliveries: tuple[FoundDelivery, ...]
    lost_releases: tuple[str, ...]


def log_file(settings: Settings) -> Path:
    """One JSON line per deleted delivery."""
    return settings.data / "retention.jsonl"


def plan(settings: Settings, contracts: Mapping[str, DatasetContract], today: date) -> Plan:
    """What would go on `today`, and which releases could then not be built again. Raises RuleMissing."""
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
    return Plan(first_kept, going, tuple(lost))


def _may_hold_persons(decision: Decision | None, with_persons: set[str]) -> bool:
    # A delivery that was never decided upon, or whose manifest could not be read, may hold anything.
    if decision is None or not decision.files:
        return True
    return any(dataset in with_persons for dataset, _, _ in decision.files)


def carry_out(settings: Settings, todo: Plan) -> None:
    """Delete the deliveries, and every file with rows made from them. Logged before it happens. Raises OSError."""
    if not todo.deliveries:
        return
    descriptor = os.open(log_file(settings), os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as log:
        for found in todo.deliveries:
            entry = {
                "deleted_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "path": found.path,
                "manifest_hash": found.manifest_hash,
                "rule": RULE,
                "first_kept": todo.first_kept.isoformat(),
            }
            log.write(json.dumps(entry) + "\n")
        log.flush()
        os.fsync(log.fileno())
    for found in todo.deliveries:
        remove_tree(found.folder)
        if not any(found.folder.parent.iterdir()):
            found.folder.parent.rmdir()
    remove_copies_of_persons(settings)


def remove_copies_of_persons(settings: Settings) -> None:
    """Remove the warehouse and all that may hold copies of its rows; the next pipeline builds it again."""
    for name in (settings.warehouse.name + ".wal", settings.warehouse.name):
        (settings.data / name).unlink(missing_ok=True)
    for folder in (settings.data / "rebuilds", settings.data / "broken", settings.data / "aside"):
        remove_tree(folder)
    for spilled in settings.tmp.iterdir() if settings.tmp.is_dir() else ():
        remove_tree(spilled) if spilled.is_dir() else spilled.unlink()


def deleted_paths(settings: Settings) -> set[str]:
    """Paths of the deliveries that the log says were deleted by rule."""
    file = log_file(settings)
    if not file.is_file():
        return set()
    return {json.loads(line)["path"] for line in file.read_text("utf-8").splitlines()}
