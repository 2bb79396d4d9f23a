"""The loop over months: careers, activities, tables, files; and the marker that tells sample data from real."""

import json
import re
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.lib.contracts import load_contracts
from orchestration.lib.deliveries import FIRST_PERIOD, LAST_PERIOD
from orchestration.lib.progress import counted
from orchestration.sample.activities import Activities
from orchestration.sample.careers import Careers
from orchestration.sample.deliveries import (
    MANIFEST_NAME,
    Delivery,
    TableMaker,
    delivered_at,
    folder_of,
    period_code,
    write_delivery,
)
from orchestration.sample.world import World

GENERATOR_VERSION = 1
MARKER_NAME = "sample.json"
_EARLIEST, _LATEST = (date.fromisoformat(f"{period}-01") for period in (FIRST_PERIOD, LAST_PERIOD))
# The second month is corrected when the fourth is delivered.
_CORRECTED_MONTH, _CORRECTED_WITH_MONTH = 1, 3
# Deliveries that wait to be written; more would only hold memory.
_WAITING = 2


class SampleError(ValueError):
    """The sample can't be made as asked; the message says why and what to do."""


@dataclass(frozen=True)
class SampleSummary:
    """What one call made: months simulated, those of them written; deliveries, rows and bytes written; seconds."""

    landing: Path
    months: int
    months_written: int
    deliveries_written: int
    rows: int
    bytes_written: int
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """Rows written, of all data sets, per second of wall time."""
        return self.rows / self.seconds if self.seconds else 0.0


def generate_sample(
    landing: Path,
    *,
    scale: float,
    start: str,
    months: int,
    seed: int,
    with_rejected: bool = False,
    progress: Callable[[str], None] | None = None,
) -> SampleSummary:
    """Write deliveries of ``months`` months from ``start`` (``YYYY-MM``) into ``landing``.

    ``scale`` 1 is the whole country, about 750,000 persons on a benefit in a month. The same arguments give the same
    bytes; more months with the same seed only add deliveries. ``with_rejected`` adds one delivery whose manifest
    disagrees with its files. ``progress`` gets a line per month.

    Raises SampleError when an argument is out of range, or when the landing zone holds anything but this sample.
    """
    began = time.monotonic()
    first = _first_month(start, months)
    if not 0 < scale <= 20:
        raise SampleError(f"scale must be above 0 and at most 20, not {scale}")
    if seed < 0:
        raise SampleError(f"seed must be 0 or more, not {seed}")
    landing.mkdir(parents=True, exist_ok=True)
    _mark(landing, seed=seed, scale=scale, start=start, months=months)
    world = World(seed, scale)
    careers = Careers(world, seed, first)
    activities = Activities(careers)
    maker = TableMaker(load_contracts(), world, careers)

    rows = months_written = written = size = 0
    corrected: dict[str, Any] = {}
    waiting: deque[Future[int]] = deque()
    with ThreadPoolExecutor(max_workers=2) as writer:
        for index in range(months):
            month = _plus(first, index)
            segments, due = careers.advance(month)
            conversations = activities.conversations(month, due)
            offers = activities.offers(month)
            work = activities.work(month)
            deliveries: list[Delivery] = []
            if index == _CORRECTED_MONTH or not _is_there(landing, month):
                # What is there already is simulated, since later months follow from it, but not written again.
                tables = {
                    "benefit_periods": maker.benefit_periods(month, segments),
                    "conversations": maker.conversations(month, conversations),
                    "active_offers": maker.active_offers(month, offers),
                    "ordinary_hours": maker.ordinary_hours(month, work),
                }
                if month.month % 3 == 0:
                    tables["population"] = maker.population(month)
                if month.month % 6 == 0:
                    tables["framework_conditions"] = maker.framework_conditions(month)
                deliveries.append(Delivery(month, 1, delivered_at(month), tables, _formats(index)))
            if index == _CORRECTED_MONTH:
                corrected = maker.corrected(month, tables["conversations"], tables["benefit_periods"])
                if with_rejected:
                    population = {"population": maker.population(month)}
                    rejected = Delivery(month, 3, delivered_at(month, 3), population, _formats(index), is_faulty=True)
                    deliveries.append(rejected)
            if index == _CORRECTED_WITH_MONTH:
                late = _plus(first, _CORRECTED_MONTH)
                deliveries.append(Delivery(late, 2, delivered_at(month, 3), corrected, _formats(0)))
                corrected = {}
            month_rows = 0
            for delivery in deliveries:
                if not _is_there(landing, delivery.period, delivery.number):
                    written += 1
                    month_rows += sum(table.num_rows for table in delivery.tables.values())
                    waiting.append(writer.submit(write_delivery, landing, delivery))
            while len(waiting) > _WAITING:
                size += waiting.popleft().result()
            rows += month_rows
            months_written += month_rows > 0
            if progress is not None:
                made = f"{month_rows:,} rows" if month_rows else "already there"
                progress(
                    f"{period_code(month)}  month {index + 1} of {months}  {made}  {time.monotonic() - began:.1f} s"
                )
        while waiting:
            size += waiting.popleft().result()
    return SampleSummary(landing, months, months_written, written, rows, size, time.monotonic() - began)


def _is_there(landing: Path, period: date, number: int = 1) -> bool:
    return (folder_of(landing, period, number) / MANIFEST_NAME).exists()


def _first_month(start: str, months: int) -> date:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", start):
        raise SampleError(f"start must be a month such as 2023-01, not {start!r}")
    first = date(int(start[:4]), int(start[5:]), 1)
    if months < 1:
        raise SampleError(f"months must be 1 or more, not {months}")
    if first < _EARLIEST or _plus(first, months - 1) > _LATEST:
        asked = counted(months, f"month from {start} does", f"months from {start} do")
        raise SampleError(f"{asked} not lie in {_EARLIEST:%Y-%m} to {_LATEST:%Y-%m}")
    return first


def _plus(month: date, count: int) -> date:
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def _formats(index: int) -> dict[str, str]:
    """Endings of the files: mostly Parquet, some months CSV, as a supplier would."""
    return {
        "benefit_periods": "parquet",
        "conversations": "csv" if index % 6 == 1 else "parquet",
        "active_offers": "csv" if index % 6 == 3 else "parquet",
        "ordinary_hours": "csv.gz" if index % 6 == 2 else "parquet",
        "population": "csv",
        "framework_conditions": "csv.gz",
    }


def _mark(landing: Path, *, seed: int, scale: float, start: str, months: int) -> None:
    """Write ``sample.json``; refuse a landing zone with other deliveries than this sample's."""
    marker = landing / MARKER_NAME
    made = {"seed": seed, "scale": scale, "start": start, "generator_version": GENERATOR_VERSION}
    if marker.exists():
        before = json.loads(marker.read_text(encoding="utf-8"))
        differing = [key for key, value in made.items() if before.get(key) != value]
        if differing:
            what = ", ".join(f"{key} {before.get(key)} (asked: {made[key]})" for key in differing)
            same = f"SCALE={before.get('scale')} START={before.get('start')} SEED={before.get('seed')}"
            raise SampleError(
                f"{landing} holds another sample: {what}. To add a month to it: "
                f"`make sample {same} MONTHS={before['months'] + 1}`. For another sample give another LANDING."
            )
        months = max(months, before["months"])
    elif any(landing.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]")):
        raise SampleError(f"{landing} holds deliveries that are not a sample ({MARKER_NAME} is missing)")
    marker.write_text(json.dumps({**made, "months": months}, indent=2) + "\n", encoding="utf-8")
