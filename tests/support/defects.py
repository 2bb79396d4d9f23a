"""Deliveries with one defect each, written by hand and drawn from a seed: more than sixty kinds.

Each lies in a month of its own beside a sound delivery of the same month, so that one load tries them all, and so that
it can be seen that the sound one stays.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.lib.contracts import load_contracts
from tests.support.landing import (
    SCHEMAS,
    as_csv,
    benefit_rows,
    conversation_rows,
    hours_rows,
    offer_rows,
    write_delivery,
)

PERSONS = ("benefit_periods", "conversations", "active_offers", "ordinary_hours")
ROWS = 60


@dataclass(frozen=True)
class Defect:
    """A kind of defect and how a delivery with it is written: (landing, period, delivery number)."""

    name: str
    write: Callable[[Path, str, int], object]


def sound_rows(dataset: str, period: str) -> list[dict[str, Any]]:
    """Rows that break nothing."""
    if dataset == "ordinary_hours":
        return hours_rows(ROWS)
    make = {"benefit_periods": benefit_rows, "conversations": conversation_rows, "active_offers": offer_rows}
    return make[dataset](period, ROWS)


def defects(seed: int = 1) -> list[Defect]:
    """All of them, in a fixed order."""
    return [*_of_manifests(), *_of_files(seed), *_of_columns(), *_of_cells(seed)]


def _with(name: str, **options: Any) -> Defect:
    def write(landing: Path, period: str, number: int) -> object:
        return write_delivery(landing, period, number, {"ordinary_hours": hours_rows(ROWS)}, "csv", **options)

    return Defect(name, write)


def _of_manifests() -> Iterator[Defect]:
    for field, value in [
        ("contract_version", "2"), ("contract_version", None), ("period", "2031-13"), ("period", None),
        ("delivery", 77), ("delivery", "two"), ("delivered_at", "yesterday"), ("supplier", ""), ("files", []),
        ("files", None), ("files", ["ordinary_hours.csv"]),
    ]:  # fmt: skip
        yield _with(f"manifest: {field} = {value!r}", manifest_overrides={field: value})
    for field, value in [
        ("rows", ROWS + 1), ("rows", -1), ("rows", "many"), ("sha256", "0" * 64), ("sha256", "no hash"),
        ("dataset", "unknown"), ("dataset", ""), ("file", "absent.csv"), ("file", "../ordinary_hours.csv"),
        ("file", ""),
    ]:  # fmt: skip
        yield _with(f"manifest: entry's {field} = {value!r}", file_overrides={"ordinary_hours": {field: value}})

    def cut(landing: Path, period: str, number: int) -> None:
        folder = write_delivery(landing, period, number, {"ordinary_hours": hours_rows(ROWS)}, "csv")
        manifest = folder / "manifest.json"
        manifest.write_bytes(manifest.read_bytes()[:-20])

    def extra(landing: Path, period: str, number: int) -> None:
        folder = write_delivery(landing, period, number, {"ordinary_hours": hours_rows(ROWS)}, "csv")
        (folder / "more.csv").write_text("person_id\n")

    def link(landing: Path, period: str, number: int) -> None:
        folder = write_delivery(landing, period, number, {"ordinary_hours": hours_rows(ROWS)}, "csv")
        (folder / "ordinary_hours.csv").rename(folder.parent / f"elsewhere-{number}.csv")
        (folder / "ordinary_hours.csv").symlink_to(folder.parent / f"elsewhere-{number}.csv")

    def twice(landing: Path, period: str, number: int) -> None:
        folder = write_delivery(landing, period, number, {"ordinary_hours": hours_rows(ROWS)}, "csv")
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"] *= 2
        (folder / "manifest.json").write_text(json.dumps(manifest))

    yield Defect("manifest: cut off", cut)
    yield Defect("an unlisted file", extra)
    yield Defect("a link instead of a file", link)
    yield Defect("a data set listed twice", twice)


def _of_files(seed: int) -> Iterator[Defect]:
    """Bytes cut off, flipped, or put in at a place that the seed decides; with and without the hash put right."""
    dice = random.Random(seed)
    for dataset in PERSONS:
        for form in ("parquet", "csv", "csv.gz"):
            for harm in ("cut", "flip", "garbage"):
                place, is_hash_right = dice.random(), dice.random() < 0.7
                yield Defect(
                    f"{dataset}.{form}: {harm} at {place:.0%}{'' if is_hash_right else ', wrong hash'}",
                    _harm(dataset, form, harm, place, is_hash_right, dice.randrange(1, 256)),
                )


def _harm(
    dataset: str, form: str, harm: str, place: float, is_hash_right: bool, mask: int
) -> Callable[[Path, str, int], object]:
    def write(landing: Path, period: str, number: int) -> None:
        whole = write_delivery(landing / ".work", period, number, {dataset: sound_rows(dataset, period)}, form)
        content = bytearray((whole / f"{dataset}.{form}").read_bytes())
        at = int(place * (len(content) - 1))
        if harm == "cut":
            content = content[:at]
        elif harm == "flip":
            content[at] ^= mask
        else:
            content[at:at] = bytes(range(0, 256, 3))
        overrides: dict[str, Any] = {"rows": ROWS}
        if not is_hash_right:
            overrides["sha256"] = "0" * 64
        write_delivery(landing, period, number, {dataset: bytes(content)}, form, file_overrides={dataset: overrides})

    return write


def _of_columns() -> Iterator[Defect]:
    for dataset in PERSONS:
        for column in (SCHEMAS[dataset].names[0], SCHEMAS[dataset].names[-1]):
            yield Defect(f"{dataset}: column {column} missing", _without(dataset, column))
        yield Defect(f"{dataset}: a column too many", _changed(dataset, lambda text: _each(text, b"extra", b"1")))
        yield Defect(f"{dataset}: no header", _changed(dataset, lambda text: text.partition(b"\n")[2]))
        yield Defect(f"{dataset}: empty file", _changed(dataset, lambda text: b""))
        yield Defect(f"{dataset}: semicolons", _changed(dataset, lambda text: text.replace(b",", b";")))
        yield Defect(f"{dataset}: UTF-16", _changed(dataset, lambda text: text.decode().encode("utf-16")))
        yield Defect(
            f"{dataset}: gzip in a file called csv", _changed(dataset, lambda text: gzip.compress(text, mtime=0))
        )


def _each(text: bytes, header: bytes, cell: bytes) -> bytes:
    first, *others = text.splitlines()
    return b"\n".join([first + b"," + header, *(line + b"," + cell for line in others), b""])


def _changed(dataset: str, change: Callable[[bytes], bytes]) -> Callable[[Path, str, int], object]:
    def write(landing: Path, period: str, number: int) -> object:
        content = change(as_csv(dataset, sound_rows(dataset, period)))
        return write_delivery(
            landing, period, number, {dataset: content}, "csv", file_overrides={dataset: {"rows": ROWS}}
        )

    return write


def _without(dataset: str, column: str) -> Callable[[Path, str, int], object]:
    def write(landing: Path, period: str, number: int) -> object:
        lines = as_csv(dataset, sound_rows(dataset, period)).decode().splitlines()
        position = lines[0].split(",").index(column)
        kept = [",".join(cell for at, cell in enumerate(line.split(",")) if at != position) for line in lines]
        content = ("\n".join(kept) + "\n").encode()
        return write_delivery(
            landing, period, number, {dataset: content}, "csv", file_overrides={dataset: {"rows": ROWS}}
        )

    return write


def _of_cells(seed: int) -> Iterator[Defect]:
    """In every column of the data sets about persons: one cell, and all cells, that can't stand there."""
    dice = random.Random(seed)
    for dataset in PERSONS:
        for column in load_contracts()[dataset].columns:
            for broken in (1, ROWS):
                junk = dice.choice(["", "x", "-1", "99999999999", "2024-02-31", " 1", "NULL", "æ", "1e5"])
                yield Defect(f"{dataset}.{column.name}: {broken} x {junk!r}", _cell(dataset, column.name, junk, broken))


def _cell(dataset: str, column: str, junk: str, broken: int) -> Callable[[Path, str, int], object]:
    def write(landing: Path, period: str, number: int) -> object:
        rows = sound_rows(dataset, period)
        for row in rows[:broken]:
            row[column] = junk
        return write_delivery(landing, period, number, {dataset: rows}, "csv")

    return write
