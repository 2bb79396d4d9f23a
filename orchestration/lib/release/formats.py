"""The same released tables for other tools: CSV with a codebook, Excel workbooks, and a Frictionless data package.

Everything is read from the finished release.duckdb, so that no format can show more than it does.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from orchestration.lib.disclosure.declarations import DECLARATIONS
from orchestration.lib.release.content import columns_of
from orchestration.lib.release.labels import labels
from orchestration.lib.sql_text import quoted, sql_literal

# A sheet is for looking at; with more rows than this a workbook takes longer to write than the rest of the release.
EXCEL_ROWS = 500
_NO_TIME = datetime(1980, 1, 1)
_MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def write_csv(con: duckdb.DuckDBPyConnection, source: str, table: str, folder: Path) -> None:
    """One table as a UTF-8 file: comma, decimal point, ISO dates, empty = null."""
    con.execute(f"copy {source}.main.{quoted(table)} to {sql_literal(folder / (table + '.csv'))} (format csv, header)")


def write_codebook(con: duckdb.DuckDBPyConnection, source: str, tables: Sequence[str], folder: Path) -> None:
    """`codebook.csv` beside the tables: one line a column."""
    comments = _comments(con, source)
    with (folder / "codebook.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["table", "column", "type", "key", "label_da", "label_en", "description"])
        for table in tables:
            keys = _keys(table)
            for column, kind in columns_of(con, f"{source}.main.{quoted(table)}").items():
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
    con: duckdb.DuckDBPyConnection,
    source: str,
    tables: Sequence[str],
    folder: Path,
    release_id: str,
    *,
    is_sample: bool = False,
) -> None:
    """One workbook a subject: a sheet of notes, then a sheet a table with labels, column names and frozen headings."""
    folder.mkdir(mode=0o700)
    by_subject: dict[str, list[str]] = {}
    for table in tables:
        by_subject.setdefault(labels().subject_of(table), []).append(table)
    for subject, names in sorted(by_subject.items()):
        # Rows are written as they come, and no time of writing is told, so that equal tables give an equal file.
        book = Workbook(folder / f"{subject}.xlsx", {"constant_memory": True, "remove_timezone": True})
        book.set_properties({"created": _NO_TIME})
        formats = {
            "bold": book.add_format({"bold": True, "valign": "top"}),
            "heading": book.add_format({"bold": True, "valign": "top", "text_wrap": True}),
            "text": book.add_format({"valign": "top", "text_wrap": True}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        _write_notes(book.add_worksheet("Noter – Notes"), subject, names, release_id, is_sample, formats)
        for number, table in enumerate(names, start=1):
            _write_sheet(con, source, table, book.add_worksheet(_sheet_name(number, table)), formats)
        book.close()


def _write_notes(
    sheet: Worksheet,
    subject: str,
    tables: Sequence[str],
    release_id: str,
    is_sample: bool,
    formats: Mapping[str, Format],
) -> None:
    sheet.set_column(0, 0, 110)
    lines: list[tuple[str, Format | None]] = [
        (f"{labels().subject(subject, 'da')} – {labels().subject(subject, 'en')}", formats["bold"]),
        (f"Release {release_id}", None),
    ]
    if is_sample:
        lines += [(labels().sample(language), formats["bold"]) for language in ("da", "en")]
    for language in ("da", "en"):
        lines.append(("", None))
        lines += [(note, formats["text"]) for note in labels().notes(language, EXCEL_ROWS)]
    lines.append(("", None))
    for number, table in enumerate(tables, start=1):
        titles = f"{labels().table(table, 'da')} – {labels().table(table, 'en')}"
        lines.append((f"{_sheet_name(number, table)}: {titles} ({table})", None))
    for row, (text, form) in enumerate(lines):
        if text:
            sheet.write_string(row, 0, text, form)


def _write_sheet(
    con: duckdb.DuckDBPyConnection, source: str, table: str, sheet: Worksheet, formats: Mapping[str, Format]
) -> None:
    columns = columns_of(con, f"{source}.main.{quoted(table)}")
    keys = [key for key in _keys(table) if key in columns]
    rows = con.execute(
        f"select {', '.join(map(quoted, columns))} from {source}.main.{quoted(table)} "
        f"order by {_order_of_sheet(con, source, keys)} limit {EXCEL_ROWS}"
    ).fetchall()
    sheet.freeze_panes(3, min(len(keys), 4))
    for number, (column, kind) in enumerate(columns.items()):
        wide = 60 if column.startswith(("reason", "definition")) else max(12, min(28, len(column) + 2))
        form = formats["time"] if kind.startswith("TIMESTAMP") else formats["date"] if kind == "DATE" else None
        sheet.set_column(number, number, wide, form)
    for line, language in enumerate(("da", "en")):
        for number, column in enumerate(columns):
            sheet.write_string(line, number, labels().column(column, language), formats["heading"])
    sheet.write_row(2, 0, list(columns))
    for line, row in enumerate(rows, start=3):
        for number, value in enumerate(row):
            _write_cell(sheet, line, number, value)


def _order_of_sheet(con: duckdb.DuckDBPyConnection, source: str, keys: Sequence[str]) -> str:
    """The newest period first, and in it totals first, municipality by municipality: what one looks for in few rows.

    Months to come, in which obligations fall due that are no figures yet, come last.
    """
    order = []
    for key in ("month", "period_start_date", "period_code", "statement_year"):
        if key not in keys:
            continue
        if key in ("month", "period_start_date") and columns_of(con, f"{source}.main.dim_months"):
            order.append(f"{quoted(key)} > (select max(month) from {source}.main.dim_months)")
        order.append(f"{quoted(key)} desc")
    groups = [key for key in keys if key.endswith("group_code")]
    order += [f"{quoted(group)} != 'all'" for group in groups]
    order += [quoted(key) for key in dict.fromkeys(("municipality_code", *keys)) if key in keys]
    return ", ".join(order) or "all"


def _write_cell(sheet: Worksheet, row: int, column: int, value: Any) -> None:
    """One value as Excel's own kind of it; the column's format says how a date is shown."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return
    if isinstance(value, str):
        sheet.write_string(row, column, value)  # `write` would take a text that begins with = for a formula
    elif isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, (date, datetime)):
        sheet.write_datetime(row, column, value)
    elif isinstance(value, (int, float)) or hasattr(value, "as_tuple"):
        sheet.write_number(row, column, float(value))
    else:
        sheet.write_string(row, column, str(value))


def _sheet_name(number: int, table: str) -> str:
    return f"{number} {table.split('_', 1)[1]}"[:31]


def table_files(folder: Path, table: str) -> dict[str, Path]:
    """Where a table stands in the release's folder, by kind of file."""
    return {kind: folder / kind / f"{table}.{kind}" for kind in _MEDIA_TYPES}


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_datapackage(
    con: duckdb.DuckDBPyConnection,
    source: str,
    digests: Mapping[str, Mapping[str, str]],
    folder: Path,
    release_id: str,
    created: str,
    *,
    is_sample: bool = False,
) -> None:
    """`datapackage.json`: the CSV and Parquet files with their schemas, as a Frictionless Data Package.

    digests: table -> kind of file -> SHA-256, taken when the files were written.
    """
    comments = _comments(con, source)
    resources: list[dict[str, Any]] = []
    for table, by_kind in digests.items():
        schema = {
            "fields": [
                {
                    "name": column,
                    "type": _frictionless_type(kind),
                    "title": labels().column(column, "en"),
                    **({"description": comments[table, column]} if (table, column) in comments else {}),
                }
                for column, kind in columns_of(con, f"{source}.main.{quoted(table)}").items()
            ],
            "missingValues": [""],
            **({"primaryKey": list(_keys(table))} if _keys(table) and table != "rpt_rank_uncertainty" else {}),
        }
        for kind, path in table_files(folder, table).items():
            resources.append(
                {
                    "name": f"{table.replace('_', '-')}-{kind}",
                    "path": f"{kind}/{table}.{kind}",
                    "title": labels().table(table, "en"),
                    "format": kind,
                    "mediatype": _MEDIA_TYPES[kind],
                    "encoding": "utf-8",
                    "bytes": path.stat().st_size,
                    "hash": f"sha256:{by_kind[kind]}",
                    "profile": "tabular-data-resource" if kind == "csv" else "data-resource",
                    "schema": schema,
                }
            )
    package = {
        "profile": "data-package",
        "name": "jobcenter-measures",
        "id": release_id,
        "title": "Measures of Danish job centres",
        **({"description": labels().sample("en")} if is_sample else {}),
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


def _comments(con: duckdb.DuckDBPyConnection, source: str) -> Mapping[tuple[str, str], str]:
    rows = con.execute(
        "select table_name, column_name, comment from duckdb_columns() where database_name = ? "
        "and schema_name = 'main' and comment is not null",
        [source],
    ).fetchall()
    return {(str(table), str(column)): str(text) for table, column, text in rows}
