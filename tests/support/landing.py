"""Building deliveries for tests: folders as the supplier would send them, and on purpose not quite so."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.lib.contracts import DatasetContract, load_contracts
from orchestration.lib.loading import LoadReport, load_pending
from orchestration.lib.settings import Settings
from orchestration.lib.warehouse import connect

TEST_KEY = "a key for tests only, with enough bytes"

Rows: TypeAlias = Sequence[Mapping[str, Any]]
Content: TypeAlias = Rows | pa.Table | bytes | Mapping[str, Any]

_TEXT, _DATE, _DECIMAL = pa.string(), pa.date32(), pa.decimal128(18, 6)

SCHEMAS = {
    "benefit_periods": pa.schema(
        [
            ("person_id", _TEXT), ("benefit_code", _TEXT), ("match_group_code", _TEXT), ("municipality_code", _TEXT),
            ("from_date", _DATE), ("to_date", _DATE), ("benefit_fraction", _DECIMAL),
        ]
    ),
    "conversations": pa.schema(
        [
            ("conversation_id", _TEXT), ("person_id", _TEXT), ("municipality_code", _TEXT),
            ("conversation_type_code", pa.int32()), ("contact_form", _TEXT), ("status", _TEXT),
            ("conversation_date", _DATE), ("requested_date", _DATE), ("registered_at", pa.timestamp("us")),
        ]
    ),
    "active_offers": pa.schema(
        [
            ("offer_id", _TEXT), ("person_id", _TEXT), ("municipality_code", _TEXT), ("offer_type", _TEXT),
            ("from_date", _DATE), ("to_date", _DATE), ("hours_per_week", _DECIMAL),
        ]
    ),
    "ordinary_hours": pa.schema([("person_id", _TEXT), ("paid_hours", _DECIMAL)]),
    "population": pa.schema([("municipality_code", _TEXT), ("population_16_66", pa.int64())]),
    "framework_conditions": pa.schema(
        [("municipality_code", _TEXT), ("period_code", _TEXT), ("covariate_code", _TEXT), ("value", _DECIMAL)]
    ),
}  # fmt: skip


def write_delivery(
    landing: Path,
    period: str,
    number: int,
    datasets: Mapping[str, Content],
    fmt: str = "parquet",
    supplier: str = "STAR",
    manifest_overrides: Mapping[str, Any] | None = None,
    file_overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Write `<landing>/<period>/delivery-NNN/` and return the folder; the manifest is written last.

    A data set is a list of rows (dictionaries; a missing key is null), an Arrow table as it stands, raw bytes of the
    file, or for `jobindsats_*` the JSON document. `fmt` is parquet, csv or csv.gz. Cells of rows are converted to the
    contract's types for Parquet and written as they stand for CSV. `manifest_overrides` replaces keys of the manifest,
    `file_overrides` those of a data set's entry (by data set).
    """
    folder = landing / period / f"delivery-{number:03d}"
    folder.mkdir(parents=True)
    entries = []
    for dataset, content in datasets.items():
        extension = "json" if dataset.startswith("jobindsats_") else fmt
        path = folder / f"{dataset}.{extension}"
        rows = _write(path, dataset, content, extension)
        entry = {
            "dataset": dataset,
            "file": path.name,
            "rows": rows,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        entries.append(entry | dict((file_overrides or {}).get(dataset, {})))
    manifest: dict[str, Any] = {
        "contract_version": "1",
        "period": period,
        "delivery": number,
        "delivered_at": "2024-05-02T06:00:00+02:00",
        "supplier": supplier,
        "files": entries,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | dict(manifest_overrides or {})), encoding="utf-8")
    return folder


def _write(path: Path, dataset: str, content: Content, extension: str) -> int:
    if isinstance(content, bytes):
        path.write_bytes(content)
        return _rows_of(content, extension)
    if isinstance(content, pa.Table):
        pq.write_table(content, path)
        return int(content.num_rows)
    if isinstance(content, Mapping):
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return len(content["rows"])
    if extension == "parquet":
        pq.write_table(as_table(dataset, content), path)
    else:
        text = as_csv(dataset, content)
        path.write_bytes(gzip.compress(text, mtime=0) if extension == "csv.gz" else text)
    return len(content)


def _rows_of(content: bytes, extension: str) -> int:
    try:
        text = gzip.decompress(content) if extension == "csv.gz" else content
    except (OSError, EOFError, zlib.error):
        return 0
    if extension == "parquet":
        return 0
    if extension == "json":
        try:
            return len(json.loads(text)["rows"])
        except (ValueError, KeyError, TypeError):
            return 0
    return max(0, sum(1 for _ in csv.reader(io.StringIO(text.decode("utf-8", "replace"), newline=""))) - 1)


def as_table(dataset: str, rows: Rows) -> pa.Table:
    """The rows as an Arrow table of the contract's types; cells may be text."""
    schema = SCHEMAS[dataset]
    return pa.table(
        {field.name: pa.array([_cell(row.get(field.name), field.type) for row in rows], field.type) for field in schema}
    )


def _cell(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_decimal(kind):
        return Decimal(str(value)).quantize(Decimal("0.000001"))
    if pa.types.is_integer(kind):
        return int(value)
    if pa.types.is_date(kind) and isinstance(value, str):
        return date.fromisoformat(value)
    if pa.types.is_timestamp(kind) and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value


def as_csv(dataset: str, rows: Rows) -> bytes:
    """The rows as CSV with the contract's header; None is an empty field."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, SCHEMAS[dataset].names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()})
    return text.getvalue().encode()


def replacement_number(index: int) -> str:
    """A replacement CPR number (day of birth + 60): no living person's."""
    return f"{61 + index % 28:02d}{1 + index // 28 % 12:02d}{50 + index // 336 % 50:02d}{index % 10000:04d}"


def benefit_rows(period: str, count: int, **changes: Any) -> list[dict[str, Any]]:
    """`count` sound rows of benefit_periods, one person each, the first half of the month."""
    row = {
        "benefit_code": "dagpenge", "match_group_code": "jobparat", "municipality_code": "0101",
        "from_date": f"{period}-01", "to_date": f"{period}-15", "benefit_fraction": "1",
    }  # fmt: skip
    return [{"person_id": replacement_number(index)} | row | changes for index in range(count)]


def conversation_rows(period: str, count: int, **changes: Any) -> list[dict[str, Any]]:
    """`count` sound rows of conversations, one person each, held on the 10th."""
    row = {
        "municipality_code": "0101", "conversation_type_code": 7, "contact_form": "phone", "status": "held",
        "conversation_date": f"{period}-10", "requested_date": None, "registered_at": f"{period}-11T09:30:00",
    }  # fmt: skip
    return [
        {"conversation_id": f"c{index}", "person_id": replacement_number(index)} | row | changes
        for index in range(count)
    ]


def offer_rows(period: str, count: int, **changes: Any) -> list[dict[str, Any]]:
    """`count` sound rows of active_offers, one person each, from the 5th to the 20th."""
    row = {
        "municipality_code": "0101", "offer_type": "loentilskud", "from_date": f"{period}-05",
        "to_date": f"{period}-20", "hours_per_week": "37",
    }  # fmt: skip
    return [{"offer_id": f"o{index}", "person_id": replacement_number(index)} | row | changes for index in range(count)]


def hours_rows(count: int, **changes: Any) -> list[dict[str, Any]]:
    """`count` sound rows of ordinary_hours, one person each."""
    return [{"person_id": replacement_number(index), "paid_hours": "12.5"} | changes for index in range(count)]


def make_settings(root: Path) -> Settings:
    """Settings of a place of its own under `root`, with a key and little memory; the landing zone is made."""
    landing = root / "landing"
    landing.mkdir(parents=True, exist_ok=True)
    return Settings(landing=landing, data=root / "data", key_text=TEST_KEY, memory_limit="512MB", threads=2).prepare()


@cache
def _contracts() -> dict[str, DatasetContract]:
    return load_contracts()


def load(settings: Settings, **options: Any) -> LoadReport:
    """Load what is pending and close the warehouse again."""
    connection = connect(settings)
    try:
        return load_pending(connection, settings, **{"contracts": _contracts()} | options)
    finally:
        connection.close()


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """Rows of the warehouse, opened read-only."""
    connection = connect(settings, read_only=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()
