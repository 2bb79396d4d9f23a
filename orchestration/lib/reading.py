"""Judging the rows of a delivered file, in a room of its own, so that no CPR number gets out.

The room is an in-memory DuckDB that may not spill to disk. Files are read, cast, checked and pseudonymised there; what
leaves it are Arrow tables with `person_key` in place of `person_id`. DuckDB's error texts quote the offending line, so
none of them leaves it either.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet

from orchestration.lib.contracts import (
    ColumnContract,
    DatasetContract,
    UniquenessRule,
    duckdb_type,
    read_allowed_values,
)
from orchestration.lib.deliveries import ListedFile, Reason, is_whole_gzip, shown
from orchestration.lib.pseudonyms import Key, KeyBook, person_key
from orchestration.lib.settings import Settings
from orchestration.lib.sql_text import sql_file, sql_literal

# What reads less than a row group, or Arrow, can't be shared, and DuckDB's second thread then asks for work all the
# time: two cost 1.7 times the processor time for a tenth of the country, and save no time for the whole of it.
LOADING_THREADS = 1

_HEADER_BYTES = 1 << 20
# Of a DECIMAL in DuckDB.
_MOST_DIGITS = 38
# A sixth of what DuckDB stores together: what is on its way is held besides.
_ROWS_AT_ONCE = 20_480
_NAME_OF_A_COLUMN = re.compile(r"[A-Za-z_]+[0-9]{0,3}([A-Za-z_]+[0-9]{0,3}){0,5}")

# How the cells of a CSV file look (and text cells of a Parquet file, where the contract wants something else).
_CELL_PATTERNS = {
    "integer": r"-?\d+",
    "decimal": r"-?\d+(\.\d{1,6})?",
    "date": r"\d{4}-\d\d-\d\d",
    # DuckDB reads 24:00:00 as the next day's midnight.
    "timestamp": r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d",
}
# What a program set to Danish writes in place of the comma.
_SEPARATORS = {";": "semicolons", "\t": "tabs"}
_WRITTEN = {
    "decimal": "numbers are written with a decimal point (7.5, not 7,5)",
    "date": "dates are written 2024-03-01",
    "timestamp": "times are written 2024-03-01T09:30:00",
}
_WHOLE_NUMBERS = {
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
}
_FLOATS = {"FLOAT", "DOUBLE"}
_TIMESTAMPS = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}


class ReadingFailed(RuntimeError):
    """The file could not be judged for a reason that is ours (memory, disk); says nothing about the delivery."""


# How files begin that are no CSV in UTF-8, whatever their name says, and what the supplier is told.
_OTHER_FORMS = {
    b"\x1f\x8b": ("compressed by gzip", ": its name must end with .csv.gz"),
    b"PK\x03\x04": ("a workbook or a zip archive, not CSV", ""),
    b"\xd0\xcf\x11\xe0": ("a workbook, not CSV", ""),
    b"PAR1": ("a Parquet file", ": its name must end with .parquet"),
    b"\xff\xfe": ("text in UTF-16 or UTF-32, not UTF-8", ""),
    b"\xfe\xff": ("text in UTF-16, not UTF-8", ""),
}


class _Unreadable(Exception):
    """The file is not what its name says; carries the message for the supplier."""


@dataclass(frozen=True)
class BrokenRule:
    """A row rule as tested: its code, the column it is about (None: the whole row) and what the supplier is told."""

    rule: str
    column: str | None
    reason: str


@dataclass(frozen=True)
class JudgedFile:
    """A file after all row rules: how many rows it has and how many break which rule."""

    entry: ListedFile
    contract: DatasetContract
    rows: int
    broken: tuple[tuple[BrokenRule, int], ...] = ()
    # Published tables are kept as received.
    table_columns: tuple[str, ...] = ()
    table_rows: tuple[tuple[str | None, ...], ...] = ()

    @property
    def quarantined(self) -> int:
        """Rows that break a rule."""
        return sum(count for _, count in self.broken)


class ReadingRoom:
    """An in-memory DuckDB without a place to spill, and the pseudonyms made so far in this run.

    One thread at a time may work in it. The book of pseudonyms is shared with other rooms: only the thread that writes
    deliveries asks for any.
    """

    def __init__(self, settings: Settings, key_book: KeyBook) -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": settings.memory_limit,
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "threads": LOADING_THREADS,
        }
        self._project = settings.project
        self._connection = duckdb.connect(":memory:", config=config)
        self._key_book = key_book
        self._judged: dict[str, list[BrokenRule]] = {}
        # By data set: the person_key of each row, in the order of the file; 0 in rows without a person.
        self._keys: dict[str, np.ndarray[Any, np.dtype[np.uint64]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def interrupt(self) -> None:
        """End the query that runs in the room, if any: its thread gets ReadingFailed."""
        self._connection.interrupt()

    def judge(
        self, entry: ListedFile, path: Path, contract: DatasetContract, period: str
    ) -> tuple[JudgedFile | None, list[Reason]]:
        """Read one file and test every row; keeps the rows in the room under the data set's name.

        Returns the counts (None when rows can't be judged at all) and the reasons to reject. Raises ReadingFailed.
        """
        name = shown(entry.file)
        extension = _format(path, contract)
        if extension is None:
            formats = ", ".join(contract.file_formats)
            return None, [Reason("unreadable", f"{name}: {shown(entry.dataset)} must be a file of type {formats}.")]
        try:
            if extension == "json":
                return self._judge_published(entry, path, contract)
            return self._judge_rows(entry, path, contract, period, extension)
        except _Unreadable as error:
            return None, [Reason("unreadable", f"{name}: {error}")]
        except duckdb.OutOfMemoryException:
            raise ReadingFailed(
                f"{name} needs more memory than JOBCENTER_MEMORY_LIMIT allows (identifiers are never spilled to disk): "
                "raise it."
            ) from None
        except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
            # Our own mistake; its text holds SQL and names of columns, never cells.
            raise ReadingFailed(f"{name}: the checking query itself is wrong: {error}") from None
        except (duckdb.Error, UnicodeDecodeError, OverflowError) as error:
            raise _explained(name, extension, error) from None

    def _judge_rows(
        self, entry: ListedFile, path: Path, contract: DatasetContract, period: str, extension: str
    ) -> tuple[JudgedFile | None, list[Reason]]:
        name = shown(entry.file)
        header = _parquet_header(path) if extension == "parquet" else _csv_header(path, extension)
        reasons = _against_header(name, header, contract)
        if reasons:
            return None, reasons
        source = _parquet_source(path) if extension == "parquet" else _csv_source(path, header, extension)
        try:
            stored = {row[0]: row[1] for row in self._connection.execute(f"describe {source}").fetchall()}
            allowed = {column.name: read_allowed_values(column, self._project, period) for column in contract.columns}
            tested = [
                rule for column in contract.columns for rule in _column_rules(column, period, allowed[column.name])
            ]
            rules = [rule for rule, _ in tested]
            rules += [_broken_uniqueness(contract, unique) for unique in contract.uniqueness]
            self._judged[contract.name] = rules
            self._connection.execute(
                _judging_statement(contract, source, stored, [condition for _, condition in tested], allowed)
            )
        except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException) as error:
            raise _Unreadable(_what_is_wrong(extension, error)) from None
        except duckdb.Error as error:
            if type(error) is duckdb.Error:  # DuckDB's Thrift and codec errors have no class of their own
                raise _Unreadable(_what_is_wrong(extension, error)) from None
            raise
        rows = self._count(contract)
        reasons += _against_row_count(entry, rows)
        uncastable = self._uncastable(contract, source, stored, name)
        if uncastable:
            return None, reasons + uncastable
        for number in range(len(contract.uniqueness)):
            self._judge_uniqueness(contract, number)
        self._put_away(contract)
        counts = self._connection.execute(
            f"select broken, count(*) from judged_{contract.name} where broken is not null group by 1 order by 1"
        ).fetchall()
        return JudgedFile(entry, contract, rows, tuple((rules[code], count) for code, count in counts)), reasons

    def _count(self, contract: DatasetContract) -> int:
        return int(self._connection.execute(f"select count(*) from judged_{contract.name}").fetchall()[0][0])

    def _uncastable(self, contract: DatasetContract, source: str, stored: dict[str, str], name: str) -> list[Reason]:
        """Columns with cells of which not one can be cast."""
        # Text in place of text is not cast at all.
        columns = [column for column in contract.columns if not _is_text(column, stored)]
        if not columns:
            return []
        counts = ", ".join(
            "count(person_number)" if column.is_personal_number else f"count({column.name})" for column in columns
        )
        cast = self._connection.execute(f"select {counts} from judged_{contract.name}").fetchall()[0]
        empty = [column for column, cells in zip(columns, cast, strict=True) if not cells]
        if not empty:
            return []
        # What was delivered in place of the nulls stands in the file only; a column without any value is rare.
        counts = ", ".join(f"count({column.name})" for column in empty)
        present = self._connection.execute(f"select {counts} from ({source})").fetchall()[0]
        reasons = []
        for column, cells in zip(empty, present, strict=True):
            if cells:
                hint = _how_written(column, stored[column.name])
                reasons.append(
                    Reason(
                        "not_castable",
                        f"{name}: no cell of column {column.name} can be read as {column.logical_type}{hint}.",
                    )
                )
        return reasons

    def _judge_uniqueness(self, contract: DatasetContract, number: int) -> None:
        rule, table = contract.uniqueness[number], f"judged_{contract.name}"
        found = self._connection.execute(f"select hash_{number} as hash from {table} where broken is null").fetchnumpy()
        ordered = np.sort(np.asarray(found["hash"]))
        # Few rows share a hash, so that the exact comparison sorts those only.
        shared = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        if not len(shared):
            return
        code = self._judged[contract.name].index(_broken_uniqueness(contract, rule))
        order = "row_number" if rule.keep == "first" else f"{rule.keep_by_column} desc, row_number desc"
        self._connection.execute(
            f"""
            update {table} set broken = {code}
            from (
                select row_number as row_to_break
                from {table}
                where broken is null and hash_{number} in (select unnest($shared))
                qualify row_number() over (partition by {_compared(contract, rule)} order by {order}) > 1
            )
            where {table}.row_number = row_to_break
            """,
            {"shared": shared},
        )

    def _put_away(self, contract: DatasetContract) -> None:
        """Keep no column for what nobody asks for any more, nor one for the few identifiers that are no CPR number."""
        table = f"judged_{contract.name}"
        columns = [f"hash_{number}" for number in range(len(contract.uniqueness))]
        if _has_person(contract):
            self._connection.execute(
                f"create or replace table others_{contract.name} as "
                f"select row_number, other_person_id from {table} where other_person_id is not null"
            )
            columns.append("other_person_id")
        for column in columns:
            self._connection.execute(f"alter table {table} drop column {column}")

    def pseudonymise(self, contracts: list[DatasetContract], key: Key) -> None:
        """Find or make the key of the person of every row of the judged files."""
        for contract in contracts:
            if not _has_person(contract):
                continue
            table = f"judged_{contract.name}"
            keys = self._keys[contract.name] = np.zeros(self._count(contract), dtype=np.uint64)
            found = self._connection.execute(
                f"select row_number, person_number from {table} where person_number is not null"
            ).fetchnumpy()
            keys[np.asarray(found["row_number"]) - 1] = self._key_book.keys(key, np.asarray(found["person_number"]))
            # What is no CPR number is hashed as it stands.
            for row_number, text in self._connection.execute(
                f"select row_number, other_person_id from others_{contract.name}"
            ).fetchall():
                keys[row_number - 1] = person_key(key, text)

    def accepted(self, contract: DatasetContract) -> pa.RecordBatchReader:
        """The rows that obey every rule, `person_key` in place of `person_id`; read from the room bit by bit, once."""
        columns = ", ".join(column.name for column in contract.columns if not column.is_personal_number)
        rows = self._connection.execute(
            f"select row_number, {columns} from judged_{contract.name} where broken is null"
        ).to_arrow_reader(_ROWS_AT_ONCE)
        schema = rows.schema.remove(0)
        if not _has_person(contract):
            return pa.RecordBatchReader.from_batches(schema, (some.drop_columns("row_number") for some in rows))
        keys = self._keys[contract.name]
        schema = schema.append(pa.field("person_key", pa.uint64()))
        return pa.RecordBatchReader.from_batches(
            schema,
            (
                pa.record_batch(
                    [*some.columns[1:], pa.array(keys[some.column("row_number").to_numpy() - 1])], schema=schema
                )
                for some in rows
            ),
        )

    def quarantined(self, contract: DatasetContract) -> pa.Table:
        """row_number, rule, column_name, reason and person_key of the other rows."""
        person = (
            f"person_number is not null or row_number in (select row_number from others_{contract.name})"
            if _has_person(contract)
            else "false"
        )
        rows = self._connection.execute(f"""
            select row_number, broken, {person} from judged_{contract.name} where broken is not null order by row_number
        """).fetchall()
        rules = [self._judged[contract.name][code] for _, code, _ in rows]
        keys = [int(self._keys[contract.name][number - 1]) if has_person else None for number, _, has_person in rows]
        return pa.table(
            {
                "row_number": pa.array([number for number, _, _ in rows], pa.int64()),
                "rule": pa.array([rule.rule for rule in rules], pa.string()),
                "column_name": pa.array([rule.column for rule in rules], pa.string()),
                "reason": pa.array([rule.reason for rule in rules], pa.string()),
                "person_key": pa.array(keys, pa.uint64()),
            }
        )

    def forget(self, contract: DatasetContract | None = None) -> None:
        """Drop the rows of the delivery, or of that data set of it; the pseudonyms stay for the next one."""
        for name in list(self._judged) if contract is None else [contract.name]:
            self._connection.execute(f"drop table if exists judged_{name}; drop table if exists others_{name}")
            self._judged.pop(name, None)
            self._keys.pop(name, None)

    def _judge_published(
        self, entry: ListedFile, path: Path, contract: DatasetContract
    ) -> tuple[JudgedFile | None, list[Reason]]:
        columns, rows = _read_published(path)
        return JudgedFile(entry, contract, len(rows), table_columns=columns, table_rows=rows), _against_row_count(
            entry, len(rows)
        )


def _format(path: Path, contract: DatasetContract) -> str | None:
    name = path.name.lower()
    for extension in sorted(contract.file_formats, key=len, reverse=True):
        if name.endswith("." + extension):
            return extension
    return None


def _is_number(stored: str) -> bool:
    return stored in _WHOLE_NUMBERS | _FLOATS or stored.startswith("DECIMAL")


def _how_written(column: ColumnContract, stored: str) -> str:
    """What the supplier is told besides, when no cell of a column can be read."""
    if column.logical_type == "text" and _is_number(stored):
        return "; stored as a number it has lost its leading zeros"
    return f": {_WRITTEN[column.logical_type]}" if stored == "VARCHAR" and column.logical_type in _WRITTEN else ""


def _parquet_header(path: Path) -> list[str]:
    try:
        schema = pyarrow.parquet.read_schema(path)
    except (pa.ArrowException, OSError, ValueError):
        raise _Unreadable("is no Parquet file, or was cut off.") from None
    for field in schema:
        # DuckDB takes more digits for a floating-point number, and reads another number.
        if pa.types.is_decimal(field.type) and field.type.precision > _MOST_DIGITS:
            raise _Unreadable(
                f"a column is stored as a decimal of {field.type.precision} digits; {_MOST_DIGITS} are the most."
            )
    return list(schema.names)


def _csv_header(path: Path, extension: str) -> list[str]:
    opener = gzip.open if extension == "csv.gz" else open
    try:
        with opener(path, "rb") as file:
            start = file.read(_HEADER_BYTES)
        if extension == "csv.gz" and not is_whole_gzip(path):
            raise _Unreadable("the gzip file was cut off or is damaged.")
        for beginning, (form, advice) in _OTHER_FORMS.items():
            if start.startswith(beginning):
                inside = extension == "csv.gz"
                raise _Unreadable(f"is {form}{' inside its gzip' if inside else advice}.")
        text = start.decode("utf-8-sig", "replace")
        return next(csv.reader(io.StringIO(text, newline=""), strict=True))
    except StopIteration:
        raise _Unreadable("is empty: not even a header.") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise _Unreadable("is no gzip file, or was cut off.") from None
    except csv.Error:
        raise _Unreadable("its header is no CSV.") from None


def _against_header(name: str, header: list[str], contract: DatasetContract) -> list[Reason]:
    missing = [column for column in contract.column_names if column not in header]
    twice = [column for column in contract.column_names if header.count(column) > 1]
    extra = [(position, column) for position, column in enumerate(header, 1) if column not in contract.column_names]
    problems = []
    if missing:
        problems.append(f"missing: {', '.join(missing)}")
    if twice:
        problems.append(f"twice: {', '.join(twice)}")
    if extra:
        # Without a header the first row of data stands here, so only what is clearly a name is repeated.
        names = [
            column
            if _NAME_OF_A_COLUMN.fullmatch(column) and len(column) <= 40 and len(missing) < len(contract.columns)
            else f"number {position}"
            for position, column in extra
        ]
        problems.append(f"not in the contract: {', '.join(names)}")
    if not problems:
        return []
    hint = ""
    if len(missing) == len(contract.columns):
        separator = next((words for letter, words in _SEPARATORS.items() if _would_split(header, letter, missing)), "")
        hint = (
            f" The header has {separator}: fields are separated by commas." if separator else " Is the header missing?"
        )
    return [Reason("columns", f"{name}: columns {'; columns '.join(problems)}.{hint}")]


def _would_split(header: list[str], letter: str, names: list[str]) -> bool:
    return any(letter in cell and not set(names).isdisjoint(cell.split(letter)) for cell in header)


def _against_row_count(entry: ListedFile, rows: int) -> list[Reason]:
    if rows == entry.rows:
        return []
    stated = "does not say how many" if entry.rows is None else f"says {entry.rows}"
    return [Reason("row_count", f"{shown(entry.file)} has {rows} rows, but the manifest {stated}.")]


def _parquet_source(path: Path) -> str:
    return f"""
        select file_row_number + 1 as row_number, * exclude (file_row_number)
        from read_parquet({sql_file(path)}, file_row_number = true, hive_partitioning = false)"""


def _csv_source(path: Path, header: list[str], extension: str) -> str:
    columns = ", ".join(f"{sql_literal(name)}: 'VARCHAR'" for name in header)
    return f"""
        select row_number() over () as row_number, *
        from read_csv({sql_file(path)}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
            compression = '{"gzip" if extension == "csv.gz" else "none"}', nullstr = '', strict_mode = true,
            hive_partitioning = false, columns = {{{columns}}})"""


def _typed(column: ColumnContract, stored: str) -> str:
    """SQL that gives the cell in the contract's type, or null where it can't be cast."""
    name, wanted, target = f"delivered.{column.name}", column.logical_type, duckdb_type(column)
    if wanted == "text":
        return name if stored == "VARCHAR" else f"{name}::varchar" if _is_enum(stored) else "null::varchar"
    if stored == "VARCHAR":
        cast = f"try_cast(case when regexp_full_match({name}, '{_CELL_PATTERNS[wanted]}') then {name} end as {target})"
    elif wanted == "integer" and (stored in _WHOLE_NUMBERS):
        cast = f"try_cast({name} as {target})"
    elif wanted == "integer" and _is_number(stored):
        cast = f"case when {name} = trunc({name}) then try_cast({name} as {target}) end"
    elif wanted == "decimal" and _is_number(stored):
        cast = f"try_cast({name} as {target})"
    elif wanted == "date" and stored == "DATE":
        cast = name
    elif wanted == "date" and stored in _TIMESTAMPS:
        cast = f"case when {name}::timestamp = date_trunc('day', {name}::timestamp) then try_cast({name} as date) end"
    elif wanted == "timestamp" and stored in _TIMESTAMPS | {"DATE"}:
        cast = f"try_cast({name} as timestamp)"
    elif wanted == "timestamp" and stored == "TIMESTAMP WITH TIME ZONE":
        cast = f"timezone('Europe/Copenhagen', {name})"
    else:
        return f"null::{target}"
    if wanted in ("date", "timestamp"):
        # Years that can't be written with four digits, and infinity, are no dates of ours.
        target = target.lower()
        return f"case when {cast} >= {target} '0001-01-01' and {cast} < {target} '10000-01-01' then {cast} end"
    return cast


def _column_rules(
    column: ColumnContract, period: str, allowed: tuple[str | int, ...] | None
) -> list[tuple[BrokenRule, str]]:
    """The rules of one column in the order they are tested, each with the SQL condition of breaking it."""
    name = column.name
    rules: list[tuple[BrokenRule, str]] = []

    def add(code: str, reason: str, condition: str) -> None:
        rules.append((BrokenRule(code, name, f"{name}: {reason}"), condition))

    if not column.is_nullable:
        add("null_not_allowed", "is empty, but must be stated.", f"not present_{name}")
    if column.logical_type != "text":
        add("not_castable", f"can't be read as {column.logical_type}.", f"present_{name} and {name} is null")
    if allowed is not None:
        values = ", ".join(sql_literal(value) for value in allowed)
        # A function, unlike `in`, is computed once for each entry of a Parquet file's dictionary: a tenth of the time.
        where = f" in {period} (reference list {column.allowed_from_seed.column})" if column.allowed_from_seed else ""
        listed = f" and not list_contains([{values}], {name})" if allowed else ""
        add("not_in_list", f"is none of the codes allowed{where}.", f"{name} is not null{listed}")
    if column.is_personal_number:
        add("out_of_range", "is not 10 digits.", f"present_{name} and person_number is null")
    elif column.pattern is not None:
        add(
            "out_of_range",
            "is not written as the contract says.",
            f"not regexp_full_match({name}, {sql_literal(column.pattern)})",
        )
    outside, said = _range(column)
    if outside:
        add("out_of_range", f"must be {said}.", outside)
    first_day = f"date '{period}-01'"
    if column.is_inside_period:
        add(
            "outside_period",
            f"lies outside the month of the delivery, {period}.",
            f"{name} not between {first_day} and last_day({first_day})",
        )
    if column.is_period_code:
        year, month = period.split("-")
        code = f"{year}QMAT{(int(month) + 2) // 3:02d}"
        add("outside_period", f"must be {code} in a delivery of {period}.", f"{name} <> {sql_literal(code)}")
    if column.not_before_column is not None:
        when, said = "", ""
        if column.not_before_when is not None:
            when = f" and {column.not_before_when.column} = {sql_literal(column.not_before_when.value)}"
            said = f" when {column.not_before_when.column} is {column.not_before_when.value}"
        add(
            "wrong_order",
            f"lies before {column.not_before_column}{said}.",
            f"{name} < {column.not_before_column}{when}",
        )
    if column.not_after_column is not None:
        add("wrong_order", f"lies after {column.not_after_column}.", f"{name} > {column.not_after_column}")
    return rules


def _range(column: ColumnContract) -> tuple[str, str]:
    conditions, words = [], []

    def bound(limit: Decimal | None, is_exclusive: bool, symbols: tuple[str, str], said: tuple[str, str]) -> None:
        if limit is not None:
            conditions.append(f"{column.name} {symbols[is_exclusive]} {limit}")
            words.append(f"{said[is_exclusive]} {limit}")

    bound(column.minimum, column.minimum_is_exclusive, ("<", "<="), ("at least", "above"))
    bound(column.maximum, column.maximum_is_exclusive, (">", ">="), ("at most", "below"))
    return " or ".join(conditions), " and ".join(words)


def _broken_uniqueness(contract: DatasetContract, rule: UniquenessRule) -> BrokenRule:
    if set(rule.columns) == set(contract.column_names) and rule.quarantine_rule == "duplicate":
        return BrokenRule("duplicate", None, "the same row stands earlier in the file.")
    columns = ", ".join(rule.columns)
    which = "an earlier row" if rule.keep == "first" else f"a row with a later {rule.keep_by_column}, or further down,"
    return BrokenRule(
        rule.quarantine_rule,
        rule.columns[0] if len(rule.columns) == 1 else None,
        f"{which} of the file has the same {columns}.",
    )


def _judging_statement(
    contract: DatasetContract,
    source: str,
    stored: dict[str, str],
    conditions: list[str],
    allowed: Mapping[str, tuple[str | int, ...] | None],
) -> str:
    """SQL that casts every cell and writes into `broken` the number of the first rule that the row breaks.

    A CPR number is kept as the number `person_number` (cheaper to store, to compare and to look up); the text of what
    is none, in `other_person_id`. A code is kept as its place in the list of those allowed, a byte instead of
    sixteen: of a row with another one nothing but number and person is asked for later.
    """
    cells, kept = [], []
    for column in contract.columns:
        cell = _typed(column, stored[column.name])
        cells += [f"{cell} as {column.name}", f"delivered.{column.name} is not null as present_{column.name}"]
        if column.is_personal_number:
            cells.append(f"case when regexp_full_match({cell}, '[0-9]{{10}}') then {cell} end::bigint as person_number")
            kept.append(f"person_number, case when person_number is null then {column.name} end as other_person_id")
        elif _is_text(column, stored) and (codes := allowed[column.name]):
            labels = ", ".join(sql_literal(str(code)) for code in codes)
            kept.append(f"try_cast({column.name} as enum ({labels})) as {column.name}")
        else:
            kept.append(column.name)
    hashes = "".join(
        f", hash({_compared(contract, rule)}) as hash_{number}" for number, rule in enumerate(contract.uniqueness)
    )
    tests = " ".join(f"when {condition} then {code}" for code, condition in enumerate(conditions))
    return f"""
        create or replace table judged_{contract.name} as
        with delivered as ({source}),
        cells as (
            select
                delivered.row_number,
                {", ".join(cells)}
            from delivered
        )
        select row_number, {", ".join(kept)}, case {tests} end::integer as broken{hashes}
        from cells
    """


def _is_text(column: ColumnContract, stored: Mapping[str, str]) -> bool:
    """Whether the contract wants text, and the file has it."""
    return column.logical_type == "text" and (stored[column.name] == "VARCHAR" or _is_enum(stored[column.name]))


def _is_enum(stored: str) -> bool:
    # A list of them ends with a bracket.
    return stored.startswith("ENUM") and stored.endswith(")")


def _has_person(contract: DatasetContract) -> bool:
    return any(column.is_personal_number for column in contract.columns)


def _compared(contract: DatasetContract, rule: UniquenessRule) -> str:
    """The columns of a uniqueness rule as they stand in the room."""
    return ", ".join(
        "person_number" if contract.column(column).is_personal_number else column for column in rule.columns
    )


def _read_published(path: Path) -> tuple[tuple[str, ...], tuple[tuple[str | None, ...], ...]]:
    """A v3 answer; numbers keep the digits they were written with."""

    def no_number(text: str) -> Any:
        raise ValueError(text)

    try:
        document = json.loads(
            path.read_bytes().decode("utf-8-sig"), parse_int=_Number, parse_float=_Number, parse_constant=no_number
        )
    except (ValueError, RecursionError):
        raise _Unreadable("is no JSON in UTF-8, or was cut off.") from None
    if not isinstance(document, dict):
        raise _Unreadable('must be one JSON object {"columns": [...], "rows": [[...]]}.')
    columns, rows = document.get("columns"), document.get("rows")
    if not isinstance(columns, list) or not columns or not all(type(label) is str for label in columns):
        raise _Unreadable("columns must be a list of texts with at least one entry.")
    if not isinstance(rows, list):
        raise _Unreadable("rows must be a list.")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != len(columns):
            raise _Unreadable(f"row {number} must be a list of {len(columns)} cells, one for each column.")
        if not all(cell is None or isinstance(cell, str) for cell in row):
            raise _Unreadable(f"row {number} has a cell that is no text, no number and not null.")
    return tuple(map(_storable, columns)), tuple(tuple(map(_storable, row)) for row in rows)


class _Number(str):
    """The text of a JSON number."""

    __slots__ = ()


def _storable(cell: Any) -> Any:
    # JSON can spell half of a surrogate pair, which no UTF-8 text can hold.
    return None if cell is None else str(cell).encode("utf-8", "replace").decode()


def _what_is_wrong(extension: str, error: duckdb.Error) -> str:
    if extension == "parquet":
        return "is no readable Parquet file: it is damaged or was cut off."
    line = re.search(r"CSV Error on Line: (\d+)", str(error))
    where = f" The first problem is at line {line.group(1)}." if line else ""
    return (
        "can't be read as CSV (UTF-8, comma, decimal point, double quotes, one kind of line end, as many cells in each "
        f"row as in the header).{where}"
    )


def _explained(name: str, extension: str, error: Exception) -> ReadingFailed:
    return ReadingFailed(f"{name} ({extension}) could not be checked: {type(error).__name__}.")
