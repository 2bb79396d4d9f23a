"""A world written as deliveries, as the contract with the supplier says (extracts.md)."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .calendar import add_months, month_of, period_months
from .municipalities import NAMES
from .world import World

DECIMAL = pa.decimal128(18, 6)
Columns = dict[str, tuple[pa.DataType, Sequence[object]]]

PUBLISHED_TABLE = "y30r21"
AREA_LABELS = {
    "all": "Ydelsesgrupper i alt",
    "dagpenge": "A-dagpenge mv.",
    "sygedagpenge": "Sygedagpenge mv.",
    "kontanthjaelp": "Kontanthjælp mv.",
}
_PERSONS = "Forventet og faktisk antal fuldtidspersoner på offentlig forsørgelse: "
_SHARE = "Forventet og faktisk andel fuldtidspersoner på offentlig forsørgelse: "
PUBLISHED_COLUMNS = [
    "Periode",
    "Område",
    "Ydelsesgrupper",
    _PERSONS + "Forventet antal",
    _PERSONS + "Faktisk antal",
    _PERSONS + "Forskel mellem forventet og faktisk antal",
    _SHARE + "Forventet andel (pct.)",
    _SHARE + "Faktisk andel (pct.)",
    _SHARE + "Forskel mellem forventet og faktisk andel (pct. point)",
    "Placering på benchmarkranglisten",
]


def replacement_number(number: int) -> str:
    """A CPR replacement number (day of birth + 60) for the person with this running number: no living person's."""
    day, rest = 61 + number % 28, number // 28
    month, rest = 1 + rest % 12, rest // 12
    year, serial = rest % 100, rest // 100
    if serial > 9999:
        raise ValueError(f"no replacement number left for person {number}")
    return f"{day:02d}{month:02d}{year:02d}{serial:04d}"


def write_world(world: World, landing: Path, *, delivery: int = 1, published_delivery: int = 901) -> list[Path]:
    """Write the world's deliveries under ``landing``; returns the folders, oldest period first.

    One delivery per month with anything in it; the published table, if any, is a fetched delivery of the newest month
    of the world (of the newest published period when no month is loaded).
    """
    datasets: dict[date, dict[str, Columns]] = defaultdict(dict)
    for month, columns in _benefits(world).items():
        datasets[month]["benefit_periods"] = columns
    for month, columns in _conversations(world).items():
        datasets[month]["conversations"] = columns
    for month, columns in _offers(world).items():
        datasets[month]["active_offers"] = columns
    for month, columns in _hours(world).items():
        datasets[month]["ordinary_hours"] = columns
    for month, columns in _population(world).items():
        datasets[month]["population"] = columns
    for month, columns in _framework(world).items():
        datasets[month]["framework_conditions"] = columns
    folders = []
    for month in sorted(datasets):
        folder = _folder(landing, month, delivery)
        files = []
        for dataset, columns in datasets[month].items():
            path = folder / f"{dataset}.parquet"
            pq.write_table(pa.table({name: pa.array(list(v), type=t) for name, (t, v) in columns.items()}), path)
            files.append((dataset, path, len(next(iter(columns.values()))[1])))
        _write_manifest(folder, month, delivery, "STAR", files)
        folders.append(folder)
    if world.published_rows:
        newest_period = max(row.period_code for row in world.published_rows)
        month = world.loaded_months[-1] if world.loaded_months else period_months(newest_period)[-1]
        folder = _folder(landing, month, published_delivery)
        path = folder / f"jobindsats_{PUBLISHED_TABLE}.json"
        rows = _published(world)
        text = json.dumps({"columns": PUBLISHED_COLUMNS, "rows": rows}, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        manifest_files = [(f"jobindsats_{PUBLISHED_TABLE}", path, len(rows))]
        _write_manifest(folder, month, published_delivery, "jobindsats", manifest_files)
        folders.append(folder)
    return folders


def _folder(landing: Path, month: date, delivery: int) -> Path:
    folder = landing / f"{month:%Y-%m}" / f"delivery-{delivery:03d}"
    folder.mkdir(parents=True)
    return folder


def _write_manifest(
    folder: Path, month: date, delivery: int, supplier: str, files: Sequence[tuple[str, Path, int]]
) -> None:
    manifest = {
        "contract_version": "1",
        "period": f"{month:%Y-%m}",
        "delivery": delivery,
        "delivered_at": f"{add_months(month, 2):%Y-%m}-02T06:00:00+02:00",
        "supplier": supplier,
        "files": [
            {
                "dataset": dataset,
                "file": path.name,
                "rows": rows,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for dataset, path, rows in files
        ],
    }
    unfinished = folder / "manifest.json.part"
    unfinished.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    unfinished.rename(folder / "manifest.json")


def _benefits(world: World) -> dict[date, Columns]:
    result = {}
    for month in world.loaded_months:
        rows = _by_month(world, "benefit")[month]
        result[month] = _table(
            rows,
            ("person_id", pa.string(), "person_id"),
            ("benefit_code", pa.string(), "benefit"),
            ("match_group_code", pa.string(), "match_group"),
            ("municipality_code", pa.string(), "municipality"),
            ("from_date", pa.date32(), "from_date"),
            ("to_date", pa.date32(), "to_date"),
            ("benefit_fraction", DECIMAL, "fraction"),
        )
    return result


def _conversations(world: World) -> dict[date, Columns]:
    months = world.loaded_months if world.conversation_months is None else world.conversation_months
    return {
        month: _table(
            _by_month(world, "conversation")[month],
            ("conversation_id", pa.string(), "conversation_id"),
            ("person_id", pa.string(), "person_id"),
            ("municipality_code", pa.string(), "municipality"),
            ("conversation_type_code", pa.int32(), "type_code"),
            ("contact_form", pa.string(), "contact_form"),
            ("status", pa.string(), "status"),
            ("conversation_date", pa.date32(), "conversation_date"),
            ("requested_date", pa.date32(), "requested_date"),
            ("registered_at", pa.timestamp("us"), "registered"),
        )
        for month in months
    }


def _offers(world: World) -> dict[date, Columns]:
    months = world.loaded_months if world.offer_months is None else world.offer_months
    return {
        month: _table(
            _by_month(world, "offer")[month],
            ("offer_id", pa.string(), "offer_id"),
            ("person_id", pa.string(), "person_id"),
            ("municipality_code", pa.string(), "municipality"),
            ("offer_type", pa.string(), "offer_type"),
            ("from_date", pa.date32(), "from_date"),
            ("to_date", pa.date32(), "to_date"),
            ("hours_per_week", DECIMAL, "hours_per_week"),
        )
        for month in months
    }


def _hours(world: World) -> dict[date, Columns]:
    months = world.loaded_months if world.hours_months is None else world.hours_months
    return {
        month: _table(
            _by_month(world, "hours")[month],
            ("person_id", pa.string(), "person_id"),
            ("paid_hours", DECIMAL, "paid_hours"),
        )
        for month in months
    }


def _population(world: World) -> dict[date, Columns]:
    by_quarter: dict[date, list[tuple[str, int]]] = defaultdict(list)
    for (quarter, municipality), persons in sorted(world.population.items()):
        by_quarter[quarter].append((municipality, persons))
    return {
        quarter: {
            "municipality_code": (pa.string(), [code for code, _ in rows]),
            "population_16_66": (pa.int64(), [persons for _, persons in rows]),
        }
        for quarter, rows in by_quarter.items()
    }


def _framework(world: World) -> dict[date, Columns]:
    by_month: dict[date, list[tuple[str, str, str, Decimal]]] = defaultdict(list)
    for (period_code, municipality, covariate), value in sorted(world.framework_conditions.items()):
        by_month[period_months(period_code)[-1]].append((municipality, period_code, covariate, value))
    names = (("municipality_code", pa.string()), ("period_code", pa.string()), ("covariate_code", pa.string()))
    return {
        month: {
            **{name: (kind, [row[i] for row in rows]) for i, (name, kind) in enumerate(names)},
            "value": (DECIMAL, [row[3] for row in rows]),
        }
        for month, rows in by_month.items()
    }


def _published(world: World) -> list[list[object]]:
    return [
        [
            row.period_code,
            NAMES[row.municipality],
            AREA_LABELS[row.area],
            *(_number(value) for value in (row.expected_persons, row.actual_persons, row.difference_persons)),
            *(_number(value) for value in (row.expected_percentage, row.actual_percentage)),
            _number(row.difference_percentage_points),
            row.rank,
        ]
        for row in world.published_rows
    ]


def _number(value: Decimal) -> int | float:
    return int(value) if value == int(value) else float(value)


def _table(rows: Sequence[object], *columns: tuple[str, pa.DataType, str]) -> Columns:
    return {name: (kind, [getattr(row, attribute) for row in rows]) for name, kind, attribute in columns}


def _by_month(world: World, kind: str) -> defaultdict[date, list[object]]:
    """The rows of a kind by the month whose delivery holds them."""

    def make() -> defaultdict[date, list[object]]:
        months: defaultdict[date, list[object]] = defaultdict(list)
        if kind == "benefit":
            for row in world.benefit_rows:
                months[month_of(row.from_date)].append(row)
        elif kind == "conversation":
            for conversation in world.conversation_rows:
                months[month_of(conversation.conversation_date)].append(conversation)
        elif kind == "offer":
            for offer in world.offer_rows:
                months[month_of(offer.from_date)].append(offer)
        else:
            for hours in world.hours_rows:
                months[hours.month].append(hours)
        return months

    return world.once(f"{kind} rows by month", make)
