"""Deliveries as they lie in the landing zone: finding them, reading manifests, and whether manifest and files agree.

What is inside the files is judged in `reading.py`. A delivery that isn't as the contract says gets reasons, each with a
code of the contract and a message for the supplier. Messages never repeat a value from a file; names given by the
supplier are shown with anything that could be a CPR number struck out.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import stat
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from orchestration.lib.contracts import DatasetContract
from orchestration.lib.pseudonyms import SAMPLE_MARK, without_personal_numbers

MANIFEST = "manifest.json"
FIRST_PERIOD, LAST_PERIOD = "2015-01", "2035-12"
FIRST_FETCHED_NUMBER = 901
JOBINDSATS_PREFIX = "jobindsats_"

_PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_FOLDER = re.compile(r"delivery-([0-9]{3,6})")
_DANISH_TIME = ZoneInfo("Europe/Copenhagen")


class LandingMissing(RuntimeError):
    """The landing zone is no folder; the message says which setting names it."""


@dataclass(frozen=True)
class Reason:
    """Why a delivery is rejected: a code of the contract and a message that the supplier understands."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True)
class FoundDelivery:
    """A folder of the landing zone that has a manifest. `path` is relative to the landing zone, with `/`.

    `period` is the folder's text (whether a month or not), `delivery` None when the folder's name has no number.
    `manifest_bytes` is None when the manifest is no regular file. `trouble` is set when the system could not read it:
    that says nothing about the delivery.
    """

    path: str
    folder: Path
    period: str
    delivery: int | None
    manifest_bytes: bytes | None
    manifest_hash: str
    trouble: str | None = None


@dataclass(frozen=True)
class ListedFile:
    """One entry of the manifest's `files`; a field of the wrong type is empty (`rows`: None)."""

    dataset: str
    file: str
    rows: int | None
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a manifest says. A field that is missing or of the wrong type is empty or None, and has a reason."""

    period: str
    delivery: int | None
    delivered_at: datetime | None
    supplier: str
    files: tuple[ListedFile, ...]

    @property
    def rows(self) -> int | None:
        """Rows that the manifest states, of all data sets together; None when it doesn't state all."""
        stated = [entry.rows for entry in self.files]
        return sum(rows for rows in stated if rows is not None) if None not in stated else None


def shown(text: str) -> str:
    """A name given by the supplier, fit for a message or a table: no CPR number, no control character, not endless."""
    clean = text.encode("utf-8", "replace").decode()
    clean = "".join(letter if letter.isprintable() else "?" for letter in clean)
    return without_personal_numbers(clean)[:120]


def read_fetched_suppliers(project: Path) -> frozenset[str]:
    """Codes of the suppliers whose deliveries we fetch ourselves (`is_fetched` in the supplier seed)."""
    with (project / "seeds/reference/suppliers.csv").open(encoding="utf-8", newline="") as lines:
        return frozenset(row["supplier_code"] for row in csv.DictReader(lines) if row["is_fetched"] == "true")


def discover(landing: Path) -> list[FoundDelivery]:
    """Every `<landing>/<period>/<delivery>/` with a manifest, by period, number and path.

    A folder without a manifest isn't there yet; names that begin with a dot are someone's unfinished work. A folder
    with a manifest whose name can't be understood is returned too, so that it gets rejected aloud. Raises
    LandingMissing.
    """
    if not landing.is_dir():
        raise LandingMissing(
            f"The landing zone {landing} is no folder: set JOBCENTER_LANDING (or LANDING=… of make) to where yours is; "
            "`make run` and `make sample` make one with sample deliveries."
        )
    found = [
        _found(landing, folder)
        for period_folder in landing.iterdir()
        if period_folder.is_dir() and not period_folder.name.startswith(".")
        for folder in period_folder.iterdir()
        if folder.is_dir() and not folder.name.startswith(".") and os.path.lexists(folder / MANIFEST)
    ]
    return sorted(found, key=lambda one: (one.period, one.delivery is None, one.delivery or 0, one.path))


def overlooked(landing: Path) -> list[str]:
    """What lies in the landing zone and is never loaded, a line each: folders without a manifest, and whatever is none.

    Names that begin with a dot are someone's unfinished work and not told, as in `discover`. Raises LandingMissing.
    """
    has_delivery = {found.folder.parent.name for found in discover(landing)}
    lines = []
    for item in sorted(landing.iterdir()):
        name = shown(item.name)
        if item.name.startswith(".") or item.name == SAMPLE_MARK:
            continue
        if not item.is_dir() or not (_PERIOD.fullmatch(item.name) or item.name in has_delivery):
            lines.append(
                f"not understood, so not loaded: {name} (the landing zone holds one folder per month, YYYY-MM)"
            )
            continue
        for inner in sorted(item.iterdir()):
            path = f"{name}/{shown(inner.name)}"
            if inner.name.startswith("."):
                continue
            if not inner.is_dir():
                lines.append(f"not understood, so not loaded: {path} (a month holds folders, delivery-NNN)")
            elif not os.path.lexists(inner / MANIFEST):
                since = datetime.fromtimestamp(inner.stat().st_mtime, UTC).astimezone()
                lines.append(f"{path} has no {MANIFEST} (last change {since:%Y-%m-%d %H:%M}), so not loaded")
    return lines


def _found(landing: Path, folder: Path) -> FoundDelivery:
    period, name = folder.parent.name, folder.name
    number = _FOLDER.fullmatch(name)
    manifest = folder / MANIFEST
    # A link, a pipe or a folder by that name is never opened.
    content, trouble = None, None
    try:
        content = manifest.read_bytes() if stat.S_ISREG(manifest.lstat().st_mode) else None
    except OSError as error:
        trouble = f"{MANIFEST} could not be read: {error.strerror or type(error).__name__}"
    return FoundDelivery(
        path=f"{shown(period)}/{shown(name)}",
        folder=folder,
        period=shown(period),
        delivery=int(number.group(1)) if number else None,
        manifest_bytes=content,
        manifest_hash=hashlib.sha256(content or b"").hexdigest(),
        trouble=trouble,
    )


def read_manifest(
    found: FoundDelivery, contracts: Mapping[str, DatasetContract], fetched_suppliers: Iterable[str]
) -> tuple[Manifest | None, list[Reason]]:
    """The manifest (None when it is no JSON object) and every reason against it that needs no look at the files."""
    reasons: list[Reason] = []
    document = _parse(found, reasons)
    if document is None:
        return None, reasons
    versions = sorted({contract.contract_version for contract in contracts.values()})
    if document.get("contract_version") not in versions:
        reasons.append(
            Reason(
                "contract_version", f"{MANIFEST}: contract_version must be the text {' or '.join(map(repr, versions))}."
            )
        )
    manifest = _typed(document, reasons)
    reasons += _against_folder(found, manifest)
    reasons += _against_rules(manifest, contracts, frozenset(fetched_suppliers))
    return manifest, reasons


def _parse(found: FoundDelivery, reasons: list[Reason]) -> dict[str, Any] | None:
    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a key stands twice")
        return dict(pairs)

    if found.manifest_bytes is None:
        reasons.append(Reason("unreadable", f"{MANIFEST} is no regular file (a link or a folder)."))
        return None
    try:
        document = json.loads(found.manifest_bytes.decode("utf-8-sig"), object_pairs_hook=without_repeats)
    except (ValueError, RecursionError):
        reasons.append(
            Reason(
                "unreadable", f"{MANIFEST} is not valid JSON in UTF-8 with every key once; it may have been cut off."
            )
        )
        return None
    if not isinstance(document, dict):
        reasons.append(Reason("unreadable", f"{MANIFEST} must be one JSON object."))
        return None
    return document


def _typed(document: dict[str, Any], reasons: list[Reason]) -> Manifest:
    """Check the types of all fields; every wrong one gives a reason."""

    def text(holder: Mapping[str, Any], name: str, where: str) -> str:
        value = holder.get(name)
        if not isinstance(value, str) or not value:
            reasons.append(Reason("unreadable", f"{MANIFEST}: {where}{name} is missing or not a text."))
            return ""
        return value

    def whole_number(holder: Mapping[str, Any], name: str, where: str) -> int | None:
        value = holder.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
            reasons.append(Reason("unreadable", f"{MANIFEST}: {where}{name} is missing or not a whole number."))
            return None
        return value

    files: list[ListedFile] = []
    listed = document.get("files")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        reasons.append(Reason("unreadable", f"{MANIFEST}: files is missing or not a list of objects."))
    else:
        for position, entry in enumerate(listed, start=1):
            where = f"files, entry {position}: "
            files.append(
                ListedFile(
                    dataset=text(entry, "dataset", where),
                    file=text(entry, "file", where),
                    rows=whole_number(entry, "rows", where),
                    sha256=text(entry, "sha256", where).lower(),
                )
            )
    return Manifest(
        period=text(document, "period", ""),
        delivery=whole_number(document, "delivery", ""),
        delivered_at=_time(text(document, "delivered_at", ""), reasons),
        supplier=text(document, "supplier", ""),
        files=tuple(files),
    )


def _time(text: str, reasons: list[Reason]) -> datetime | None:
    """A point in time in UTC; without an offset it is Danish local time, like the times in the files."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=_DANISH_TIME)).astimezone(UTC)
    except (ValueError, OverflowError):
        reasons.append(Reason("unreadable", f"{MANIFEST}: delivered_at is no time such as 2024-05-02T06:00:00+02:00."))
        return None


def _against_folder(found: FoundDelivery, manifest: Manifest) -> list[Reason]:
    reasons = []
    if not _PERIOD.fullmatch(found.period):
        reasons.append(Reason("period", f"the folder {found.period} is no month written YYYY-MM."))
    if not _PERIOD.fullmatch(manifest.period):
        reasons.append(Reason("period", f"{MANIFEST}: period is no month written YYYY-MM."))
    elif manifest.period != found.period:
        reasons.append(
            Reason("period", f"{MANIFEST} is about {manifest.period}, but lies in the folder of {found.period}.")
        )
    elif not FIRST_PERIOD <= manifest.period <= LAST_PERIOD:
        reasons.append(
            Reason("period", f"{manifest.period} lies outside the periods taken, {FIRST_PERIOD} to {LAST_PERIOD}.")
        )
    name = found.path.partition("/")[2]
    # The canonical spelling only: delivery-001 and delivery-0001 would be two folders with one number.
    if found.delivery is None or found.delivery < 1 or name != f"delivery-{found.delivery:03d}":
        reasons.append(
            Reason("delivery_number", f"the folder {name} must be called delivery-NNN, numbered from delivery-001.")
        )
    elif manifest.delivery is None:
        reasons.append(Reason("delivery_number", f"{MANIFEST}: delivery must be {found.delivery}, as its folder says."))
    elif manifest.delivery != found.delivery:
        reasons.append(
            Reason("delivery_number", f"{MANIFEST} says delivery {manifest.delivery}, but its folder is {name}.")
        )
    return reasons


def _against_rules(
    manifest: Manifest, contracts: Mapping[str, DatasetContract], fetched_suppliers: frozenset[str]
) -> list[Reason]:
    reasons = []
    is_fetched = manifest.supplier in fetched_suppliers
    if is_fetched and manifest.delivery is not None and manifest.delivery < FIRST_FETCHED_NUMBER:
        reasons.append(
            Reason(
                "delivery_number",
                f"deliveries fetched from {manifest.supplier} are numbered from {FIRST_FETCHED_NUMBER}.",
            )
        )
    if not manifest.files:
        reasons.append(Reason("missing_file", f"{MANIFEST} lists no files: there is nothing to load."))
    datasets: set[str] = set()
    files: set[str] = set()
    for entry in manifest.files:
        name, file = shown(entry.dataset), shown(entry.file)
        if not entry.dataset or not entry.file:
            continue  # told as unreadable
        if find_contract(entry.dataset, contracts) is None:
            reasons.append(Reason("unknown_dataset", f"the contract knows no data set {name} (file {file})."))
        elif is_fetched and entry.dataset != "population" and not entry.dataset.startswith(JOBINDSATS_PREFIX):
            reasons.append(
                Reason(
                    "unknown_dataset",
                    f"{manifest.supplier} may deliver population and jobindsats_* only, not {name}.",
                )
            )
        if entry.dataset in datasets:
            reasons.append(
                Reason("unlisted_file", f"{file}: {name} is listed twice; a data set is one file, so one is extra.")
            )
        elif entry.file in files:
            reasons.append(Reason("missing_file", f"{file} is listed twice: {name} has no file of its own."))
        datasets.add(entry.dataset)
        files.add(entry.file)
    return reasons


def find_contract(dataset: str, contracts: Mapping[str, DatasetContract]) -> DatasetContract | None:
    """The contract of a data set: by its name, or by the pattern that several data sets share."""
    for contract in contracts.values():
        if contract.dataset_pattern is None:
            if contract.name == dataset:
                return contract
        elif re.fullmatch(contract.dataset_pattern, dataset):
            return contract
    return None


def check_files(found: FoundDelivery, manifest: Manifest) -> tuple[dict[str, Path], list[Reason]]:
    """Compare the folder with the manifest: presence, extra files and SHA-256.

    Returns the files that can be opened, by the name in the manifest, and the reasons. A file with a wrong hash can be
    opened, so that everything else that is wrong with it can be told at once. Raises OSError when the system fails.
    """
    reasons: list[Reason] = []
    present = {entry.name: entry for entry in os.scandir(found.folder)}
    readable: dict[str, Path] = {}
    for entry in (entry for entry in dict.fromkeys(manifest.files) if entry.file):
        name = shown(entry.file)
        item = present.get(entry.file)
        if entry.file in (".", "..") or "/" in entry.file or "\\" in entry.file or "\0" in entry.file:
            reasons.append(
                Reason(
                    "missing_file", f"{name}: a file is named by its plain name and lies in the delivery's own folder."
                )
            )
        elif entry.file == MANIFEST:
            reasons.append(Reason("missing_file", f"{MANIFEST} can't be a data file."))
        elif item is None:
            reasons.append(Reason("missing_file", f"{name} is listed in the manifest but is not in the folder."))
        elif not item.is_file(follow_symlinks=False):
            reasons.append(Reason("unreadable", f"{name} is no regular file (a link or a folder)."))
        elif entry.file not in readable:
            path = found.folder / entry.file
            readable[entry.file] = path
            if _sha256(path) != entry.sha256:
                reasons.append(
                    Reason(
                        "hash", f"{name}: its SHA-256 is not the one in the manifest; the file has changed on its way."
                    )
                )
    listed = {entry.file for entry in manifest.files} | {MANIFEST}
    for extra in sorted(set(present) - listed):
        reasons.append(Reason("unlisted_file", f"{shown(extra)} is in the folder but is not listed in the manifest."))
    return readable, reasons


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_whole_gzip(path: Path) -> bool:
    """Whether a gzip file ends as it should: DuckDB reads one that was cut off without a word."""
    unpacker = zlib.decompressobj(wbits=31)
    with path.open("rb") as file:
        try:
            while chunk := file.read(1 << 20):
                while chunk:
                    if unpacker.eof:
                        unpacker = zlib.decompressobj(wbits=31)
                    unpacker.decompress(chunk)
                    chunk = unpacker.unused_data
        except zlib.error:
            return False
    return unpacker.eof
