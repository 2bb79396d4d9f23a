"""The ledger `$DATA/deliveries.jsonl`: the first decision about each manifest, as JSON lines outside the warehouse.

It makes a rebuild come to the same decisions. The line is on disk before the warehouse commits: after a crash between
the two, the delivery is unknown to the warehouse and is loaded again, as in a rebuild. One path of healing serves both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.lib.settings import PRIVATE_FILE_MODE


class LedgerBroken(RuntimeError):
    """A line of the ledger, other than a half-written last one, can't be read."""


@dataclass(frozen=True)
class Decision:
    """What was decided about one manifest. `status` is accepted or rejected: superseded follows from the others.

    `files` holds data set, file name and SHA-256 as listed; `rows` what the manifest states. Times are UTC.
    """

    path: str
    manifest_hash: str
    period: str
    delivery: int | None
    status: str
    reasons: tuple[str, ...]
    files: tuple[tuple[str, str, str], ...]
    rows: int | None
    supplier: str | None
    delivered_at: datetime | None
    first_seen_at: datetime


class Ledger:
    """The decisions in the order they were made; the first about a path and manifest hash stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._by_path: dict[str, dict[str, Decision]] = {}
        self._good_bytes = 0
        if path.exists():
            self._read()

    def __iter__(self) -> Iterator[Decision]:
        for decisions in self._by_path.values():
            yield from decisions.values()

    def find(self, path: str, manifest_hash: str) -> Decision | None:
        """The decision about this manifest in this folder."""
        return self._by_path.get(path, {}).get(manifest_hash)

    def first(self, path: str) -> Decision | None:
        """The first decision about this folder, whatever its manifest was."""
        return next(iter(self._by_path.get(path, {}).values()), None)

    def append(self, decision: Decision) -> None:
        """Put a decision on disk (fsync) unless one about the same manifest stands already. Raises OSError."""
        if self.find(decision.path, decision.manifest_hash) is not None:
            return
        line = (json.dumps(asdict(decision), default=_as_text, ensure_ascii=False) + "\n").encode()
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE)
        try:
            # Cuts off what a killed run has left of a half-written line.
            os.ftruncate(descriptor, self._good_bytes)
            os.lseek(descriptor, 0, os.SEEK_END)
            view = memoryview(line)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        self._good_bytes += len(line)
        self._remember(decision)

    def _remember(self, decision: Decision) -> None:
        self._by_path.setdefault(decision.path, {}).setdefault(decision.manifest_hash, decision)

    def _read(self) -> None:
        content = self.path.read_bytes()
        # What stands after the last line end was never finished, so nothing was committed on its strength.
        self._good_bytes = content.rfind(b"\n") + 1
        for number, line in enumerate(content[: self._good_bytes].splitlines(), start=1):
            try:
                self._remember(_decision(json.loads(line)))
            except (ValueError, KeyError, TypeError) as error:
                raise LedgerBroken(
                    f"{self.path}, line {number} can't be read ({type(error).__name__}). Put back a copy of the file, "
                    "or remove that line: the delivery it was about is then decided anew."
                ) from error


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in the ledger")


def _decision(fields: dict[str, Any]) -> Decision:
    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(fields[name]) if fields[name] is not None else None

    first_seen_at = moment("first_seen_at")
    if first_seen_at is None or fields["status"] not in ("accepted", "rejected"):
        raise ValueError("first_seen_at or status")
    return Decision(
        path=fields["path"],
        manifest_hash=fields["manifest_hash"],
        period=fields["period"],
        delivery=fields["delivery"],
        status=fields["status"],
        reasons=tuple(fields["reasons"]),
        files=tuple((dataset, file, sha256) for dataset, file, sha256 in fields["files"]),
        rows=fields["rows"],
        supplier=fields["supplier"],
        delivered_at=moment("delivered_at"),
        first_seen_at=first_seen_at,
    )
