"""What is fetched becomes a delivery in the landing zone, in the form that extracts.md prescribes for all suppliers.

A delivery appears whole or not at all: it is made in a hidden folder beside its place, manifest last, and renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration.lib.deliveries import FIRST_FETCHED_NUMBER

CONTRACT_VERSION = "1"

_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_DELIVERY_FOLDER = re.compile(r"delivery-(\d{3,})")
_MODE = 0o755


@dataclass(frozen=True)
class FetchedFile:
    """One data set ready to be delivered: its file's name and content, and how many rows that holds."""

    dataset: str
    name: str
    content: bytes
    row_count: int


@dataclass(frozen=True)
class Delivered:
    """A data set of a fetched delivery in the landing zone."""

    period: str
    delivery: int
    supplier: str
    delivered_at: str
    dataset: str
    file: Path


def deliver(landing: Path, period: str, supplier: str, file: FetchedFile, delivered_at: datetime) -> Delivered:
    """Put the file into the landing zone as the period's next delivery from 901 on, and return where it stands.

    Raises ValueError for a period that is not `YYYY-MM`, OSError when the landing zone can't be written;
    then nothing of the delivery is there.
    """
    if _PERIOD.fullmatch(period) is None:
        raise ValueError(f"{period!r} is not a period like 2024-03")
    period_folder = landing / period
    period_folder.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".fetching-", dir=period_folder))
    try:
        unfinished.chmod(_MODE)
        _write(unfinished / file.name, file.content)
        number = max(FIRST_FETCHED_NUMBER, _highest_number(period_folder) + 1)
        while True:
            manifest = {
                "contract_version": CONTRACT_VERSION,
                "period": period,
                "delivery": number,
                "delivered_at": delivered_at.isoformat(timespec="seconds"),
                "supplier": supplier,
                "files": [
                    {
                        "dataset": file.dataset,
                        "file": file.name,
                        "rows": file.row_count,
                        "sha256": hashlib.sha256(file.content).hexdigest(),
                    }
                ],
            }
            _write(unfinished / "manifest.json", (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode())
            place = period_folder / f"delivery-{number:03d}"
            # Another process may have taken the number since; a rename never replaces a folder that holds something.
            if not place.exists():
                try:
                    unfinished.rename(place)
                    break
                except OSError:
                    if not place.exists():
                        raise
            number += 1
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return Delivered(period, number, supplier, str(manifest["delivered_at"]), file.dataset, place / file.name)


def newest_delivered(landing: Path, supplier: str, dataset: str, period: str | None = None) -> Delivered | None:
    """The supplier's newest delivery (period, number) of a data set, of one period where it is given."""
    found = [
        delivered
        for delivered in fetched_deliveries(landing)
        if delivered.supplier == supplier and delivered.dataset == dataset and period in (None, delivered.period)
    ]
    return max(found, key=lambda delivered: (delivered.period, delivered.delivery), default=None)


def fetched_deliveries(landing: Path) -> Iterator[Delivered]:
    """Every data set of every delivery numbered from 901; folders without a readable manifest are left out."""
    for manifest_file in sorted(landing.glob("*/delivery-*/manifest.json")):
        folder = manifest_file.parent
        match = _DELIVERY_FOLDER.fullmatch(folder.name)
        if match is None or int(match[1]) < FIRST_FETCHED_NUMBER:
            continue
        try:
            manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
            supplier, delivered_at = str(manifest["supplier"]), str(manifest["delivered_at"])
            files = [(str(entry["dataset"]), folder / str(entry["file"])) for entry in manifest["files"]]
        except (OSError, ValueError, KeyError, TypeError):
            # The loader rejects it and says why; for us it is a delivery that does not exist.
            continue
        for dataset, path in files:
            yield Delivered(folder.parent.name, int(match[1]), supplier, delivered_at, dataset, path)


def _highest_number(period_folder: Path) -> int:
    matches = (_DELIVERY_FOLDER.fullmatch(path.name) for path in period_folder.iterdir())
    return max((int(match[1]) for match in matches if match), default=0)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
