"""The landing zones of the benchmark: generated once and kept; one month held back; a correction twelve months back."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from orchestration.sample import generate_sample
from orchestration.sample.deliveries import MANIFEST_NAME, Delivery, folder_of, period_code, write_delivery
from orchestration.sample.generator import MARKER_NAME

MONTHS_BACK = 12
# Of the corrected month's benefit rows one in so many is taken back.
_ROWS_PER_CHANGE = 500


@dataclass(frozen=True)
class Generated:
    """A kept landing zone, and how fast it was made (once, perhaps by an earlier run)."""

    landing: Path
    first_month: str
    months: int
    rows: int
    seconds: float
    generated_on: str


def keep_deliveries(folder: Path, *, scale: float, start: str, months: int, seed: int) -> Generated:
    """The deliveries of `months` months and one more, generated now or found as an earlier run left them."""
    landing = folder / f"landing-{scale:g}-{months}"
    note = landing.with_name(landing.name + ".json")
    asked = {"first_month": start, "months": months + 1, "seed": seed}
    if note.is_file():
        kept = json.loads(note.read_text("utf-8"))
        if kept["asked"] == asked:
            return Generated(landing, start, months + 1, **kept["made"])
    if landing.exists():
        shutil.rmtree(landing)
    summary = generate_sample(landing, scale=scale, start=start, months=months + 1, seed=seed)
    made = {"rows": summary.rows, "seconds": summary.seconds, "generated_on": f"{date.today():%Y-%m-%d}"}
    note.write_text(json.dumps({"asked": asked, "made": made}, indent=2) + "\n", "utf-8")
    return Generated(landing, start, months + 1, summary.rows, summary.seconds, f"{date.today():%Y-%m-%d}")


def periods(landing: Path) -> list[str]:
    """The months of a landing zone, `YYYY-MM`, in order."""
    return sorted(path.parent.name for path in landing.glob("[0-9]*/delivery-001"))


def copy_deliveries(kept: Path, landing: Path, chosen: list[str]) -> None:
    """Bring all deliveries of the chosen months into another landing zone; files are linked, not copied."""
    landing.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept / MARKER_NAME, landing / MARKER_NAME)
    for period in chosen:
        for source in sorted((kept / period).rglob("*")):
            target = landing / source.relative_to(kept)
            if source.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            elif not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(source, target)


@dataclass(frozen=True)
class Correction:
    """A later delivery of a month: its place, and how many of the former rows it takes back."""

    path: str
    rows: int
    removed_rows: int


def correct_month(landing: Path, period: str) -> Correction:
    """Deliver a month's benefit periods once more, without a few rows that are found to be wrong."""
    first = date.fromisoformat(f"{period}-01")
    holding = [
        folder
        for folder in sorted((landing / period).glob("delivery-*"))
        if (folder / "benefit_periods.parquet").is_file()
    ]
    latest = holding[-1]
    former = pq.read_table(latest / "benefit_periods.parquet")
    kept = former.filter([number % _ROWS_PER_CHANGE != 0 for number in range(former.num_rows)])
    number = 1 + max(int(folder.name[-3:]) for folder in (landing / period).glob("delivery-*"))
    before = datetime.fromisoformat(json.loads((latest / MANIFEST_NAME).read_text("utf-8"))["delivered_at"])
    delivery = Delivery(
        period=first,
        number=number,
        delivered_at=(before + timedelta(days=1)).isoformat(),
        tables={"benefit_periods": kept},
        formats={"benefit_periods": "parquet"},
    )
    write_delivery(landing, delivery)
    path = folder_of(landing, first, number).relative_to(landing)
    return Correction(str(path), kept.num_rows, former.num_rows - kept.num_rows)


def month_before(period: str, count: int) -> str:
    """The month so many months earlier, `YYYY-MM`."""
    index = int(period[:4]) * 12 + int(period[5:]) - 1 - count
    return period_code(date(index // 12, index % 12 + 1, 1))


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def as_record(generated: Generated) -> dict[str, object]:
    """What the report tells of the generator."""
    record = asdict(generated)
    del record["landing"]
    return {**record, "rows_per_second": generated.rows / generated.seconds if generated.seconds else None}
