"""The same released tables for other tools: CSV with a codebook, Excel workbooks, and a Frictionless data package.

Everything is read from the finished release.duckdb, so that no format can show more than it does.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from orchestration.lib.disclosure.declarations import DECLARATIONS
from orchestration.lib.release.content import quoted
from orchestration.lib.release.labels import labels

# A sheet is for looking at; with more rows than this a workbook takes longer to write than the rest of the release.
EXCEL_ROWS = 500
_DATE_1980 = (1980, 1, 1, 0, 0, 0)


def write_csv(con: duckdb.DuckDBPyConnection, source: str, tables: Sequence[str], folder: Path) -> None:
    """One UTF-8 file a table: comma, decimal point, ISO dates, empty = null; plus `codebook.csv`, one line a column."""
    folder.mkdir(mode=0o700)
    for table in tables:
        con.execute(f"copy {source}.main.{quoted(table)} to '{folder / (table + '.csv')}' (format csv, header)")
    comments = _comments(con, source)
    with (folder / "codebook.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["table", "column", "type", "key", "label_da", "label_en", "description"])
        for table in tables:
            keys = _keys(table)
            for column, kind in _columns(con, source, table).items():
                writer.writerow(
                    [
                        table,
                        column,
                        kind,
                        "yes" if column in keys else "",
                        labels().column(column, "da"),
                        labels().column(column, "en"),
                        comments.get((table, column), ""),
                    ]
                )


def write_excel(
    con: duckdb.DuckDBPyConnection, source: str, tables: Sequence[str], folder: Path, release_id: str
) -> None:
    """One workbook a subject: a sheet of notes, then a sheet a table with labels, column names and frozen headings."""
    folder.mkdir(mode=0o700)
    by_subject: dict[str, list[str]] = {}
    for table in tables:
        by_subject.setdefault(labels().subject_of(table), []).append(table)
    for subject, names in sorted(by_subject.items()):
        path = folder / f"{subject}.xlsx"
        book = Workbook(write_only=True)
        notes = book.create_sheet("Noter – Notes")
        notes.column_dimensions["A"].width = 110
        notes.append(
            [_styled(notes, f"{labels().subject(subject, 'da')} – {labels().subject(subject, 'en')}", bold=True)]
        )
        notes.append([f"Release {release_id}"])
        for language in ("da", "en"):
            notes.append([])
            for note in labels().notes(language, EXCEL_ROWS):
                notes.append([_styled(notes, note, wrap=True)])
        notes.append([])
        for number, table in enumerate(names, start=1):
            notes.append(
                [
                    f"{_sheet_name(number, table)}: {labels().table(table, 'da')} – "
                    f"{labels().table(table, 'en')} ({table})"
                ]
            )
        for number, table in enumerate(names, start=1):
            _write_sheet(con, source, table, book, _sheet_name(number, table))
        book.save(path)
        _without_times(path)


def _write_sheet(con: duckdb.DuckDBPyConnection, source: str, table: str, book: Workbook, title: str) -> None:
    columns = _columns(con, source, table)
    keys = [key for key in _keys(table) if key in columns]
    newest = [key for key in ("month", "period_start_date", "period_code", "statement_year") if key in columns]
    order = [f"{quoted(key)} desc" for key in newest] + [quoted(key) for key in keys if key not in newest]
    rows = con.execute(
        f"select {', '.join(map(quoted, columns))} from {source}.main.{quoted(table)} "
        f"order by {', '.join(order or ['all'])} limit {EXCEL_ROWS}"
    ).fetchall()
    sheet = book.create_sheet(title)
    sheet.freeze_panes = f"{get_column_letter(min(len(keys), 4) + 1)}4"
    for number, column in enumerate(columns, start=1):
        wide = 60 if column.startswith(("reason", "definition")) else max(12, min(28, len(column) + 2))
        sheet.column_dimensions[get_column_letter(number)].width = wide
    for language in ("da", "en"):
        sheet.append([_styled(sheet, labels().column(column, language), bold=True, wrap=True) for column in columns])
    sheet.append(list(columns))
    for row in rows:
        sheet.append([_plain(value) for value in row])


def _sheet_name(number: int, table: str) -> str:
    return f"{number} {table.split('_', 1)[1]}"[:31]


def _styled(sheet: Any, text: str, *, bold: bool = False, wrap: bool = False) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, text)
    cell.font = Font(bold=bold)
    cell.alignment = Alignment(wrap_text=wrap, vertical="top")
    return cell


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int, date, datetime)):
        # Excel knows no time zones.
        return value.replace(tzinfo=None) if isinstance(value, datetime) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return float(value) if hasattr(value, "as_tuple") else str(value)


def _without_times(path: Path) -> None:
    """Write the workbook's archive anew without times, so that equal tables give an equal file."""
    with zipfile.ZipFile(path) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist() if name != "docProps/core.xml"]
    kept = []
    for name, content in parts:
        # The core properties hold nothing but the time of writing; the two lists that name them must not.
        if name in ("[Content_Types].xml", "_rels/.rels"):
            content = _without_core_properties(content)
        kept.append((name, content))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in kept:
            archive.writestr(zipfile.ZipInfo(name, _DATE_1980), content, zipfile.ZIP_DEFLATED)


def _without_core_properties(content: bytes) -> bytes:
    return re.sub(rb"<(?:Override|Relationship)\b[^>]*docProps/core\.xml[^>]*/>", b"", content)


def write_datapackage(
    con: duckdb.DuckDBPyConnection, source: str, tables: Sequence[str], folder: Path, release_id: str, created: str
) -> None:
    """`datapackage.json`: the CSV and Parquet files with their schemas, as a Frictionless Data Package."""
    comments = _comments(con, source)
    resources: list[dict[str, Any]] = []
    for table in tables:
        schema = {
            "fields": [
                {
                    "name": column,
                    "type": _frictionless_type(kind),
                    "title": labels().column(column, "en"),
                    **({"description": comments[table, column]} if (table, column) in comments else {}),
                }
                for column, kind in _columns(con, source, table).items()
            ],
            "missingValues": [""],
            **({"primaryKey": list(_keys(table))} if _keys(table) and table != "rpt_rank_uncertainty" else {}),
        }
        for kind, media_type in (("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet")):
            path = folder / kind / f"{table}.{kind}"
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            resources.append(
                {
                    "name": f"{table.replace('_', '-')}-{kind}",
                    "path": f"{kind}/{table}.{kind}",
                    "title": labels().table(table, "en"),
                    "format": kind,
                    "mediatype": media_type,
                    "encoding": "utf-8",
                    "bytes": path.stat().st_size,
                    "hash": f"sha256:{digest}",
                    "profile": "tabular-data-resource" if kind == "csv" else "data-resource",
                    "schema": schema,
                }
            )
    package = {
        "profile": "data-package",
        "name": "jobcenter-measures",
        "id": release_id,
        "title": "Measures of Danish job centres",
        "created": created,
        "resources": resources,
    }
    (folder / "datapackage.json").write_text(json.dumps(package, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _frictionless_type(kind: str) -> str:
    for prefixes, name in (
        (("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT", "UBIGINT"), "integer"),
        (("DOUBLE", "FLOAT", "DECIMAL"), "number"),
        (("TIMESTAMP",), "datetime"),
        (("DATE",), "date"),
        (("BOOLEAN",), "boolean"),
    ):
        if kind.startswith(prefixes):
            return name
    return "string"


def _keys(table: str) -> tuple[str, ...]:
    return DECLARATIONS[table].keys if table in DECLARATIONS else ()


def _columns(con: duckdb.DuckDBPyConnection, source: str, table: str) -> dict[str, str]:
    rows: Iterable[tuple[str, str]] = con.execute(
        "select column_name, data_type from duckdb_columns() where database_name = ? and schema_name = 'main' "
        "and table_name = ? order by column_index",
        [source, table],
    ).fetchall()
    return dict(rows)


def _comments(con: duckdb.DuckDBPyConnection, source: str) -> Mapping[tuple[str, str], str]:
    rows = con.execute(
        "select table_name, column_name, comment from duckdb_columns() where database_name = ? "
        "and schema_name = 'main' and comment is not null",
        [source],
    ).fetchall()
    return {(str(table), str(column)): str(text) for table, column, text in rows}
