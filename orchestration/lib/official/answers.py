"""A table of jobindsats.dk as data: the v3 answer, what must hold of it, and the older v2 shapes turned into it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orchestration.lib.official.http import BadAnswer, KeyRefused

# A number stays as it was written: int, or Decimal so that no binary fraction changes a published digit.
Cell = str | int | Decimal | None

PERIOD_COLUMN = "Periode"
AREA_COLUMN = "Område"

_REFUSED_KEY_TEXT = "Forkert nøgle"
_MISSING_MARKS = frozenset({"", "-", ".", ".."})
_DANISH_NUMBER = re.compile(r"-?\d+(,\d+)?")
_SHORT_QUARTER = re.compile(r"(\d{4}Q)(\d)")
_V2_NAMES = {"area": AREA_COLUMN, "område": AREA_COLUMN, "periode": PERIOD_COLUMN, "period": PERIOD_COLUMN}


@dataclass(frozen=True)
class Answer:
    """A published table: labels of the columns (period, area, dimensions, measures) and the rows as received."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def to_json(self) -> bytes:
        """The file of a delivery: the v3 answer, one row a line so that vintages can be compared by eye."""
        lines = ",\n".join(_dump(list(row)) for row in self.rows)
        return f'{{"columns": {_dump(list(self.columns))},\n"rows": [\n{lines}\n]}}\n'.encode()

    def digest(self) -> str:
        """SHA-256 of the content whatever the order of the rows: two fetches of unchanged figures agree."""
        lines = [_dump(list(self.columns)), *sorted(_dump([_plain(cell) for cell in row]) for row in self.rows)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read_answer(content: bytes | str, origin: str) -> Answer:
    """The answer in a v3 response body or a delivered file; `origin` names it in messages.

    Raises KeyRefused for the service's plain text about the key, BadAnswer for anything that is not
    `{"columns": [text, …], "rows": [[text | number | null, …], …]}` with rows as long as the columns.
    """
    document = read_json(content, origin)
    if not isinstance(document, dict) or not {"columns", "rows"} <= document.keys():
        raise BadAnswer(f"{origin}: the answer has no columns and rows")
    columns, rows = document["columns"], document["rows"]
    if not isinstance(columns, list) or not columns or not all(isinstance(label, str) for label in columns):
        raise BadAnswer(f"{origin}: columns is not a list of labels")
    if len(set(columns)) != len(columns):
        raise BadAnswer(f"{origin}: a column label occurs twice")
    if not isinstance(rows, list):
        raise BadAnswer(f"{origin}: rows is not a list")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != len(columns):
            raise BadAnswer(f"{origin}: row {number} does not have {len(columns)} cells")
        for label, cell in zip(columns, row, strict=True):
            if isinstance(cell, bool) or not (cell is None or isinstance(cell, str | int | Decimal)):
                raise BadAnswer(f"{origin}: row {number}, column {label}: neither text, number nor null")
    return Answer(tuple(columns), tuple(tuple(row) for row in rows))


def read_json(content: bytes | str, origin: str) -> Any:
    """The JSON document in a response body; KeyRefused and BadAnswer as in `read_answer`."""
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise BadAnswer(f"{origin}: is not UTF-8 (byte {error.start})") from error
    # A wrong key has been answered with this plain text and status 200.
    if _REFUSED_KEY_TEXT in text[:200]:
        raise KeyRefused(f"{origin}: the service says that the key is wrong or has run out")
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (json.JSONDecodeError, ValueError) as error:
        raise BadAnswer(f"{origin}: is not JSON ({error})") from error


def merge_answers(parts: Sequence[Answer], key_column_count: int, origin: str) -> Answer:
    """The parts of one table put together; a row whose first `key_column_count` cells were seen before is left out.

    Totals are asked for beside a level, and a level may hold them already. Raises BadAnswer when the columns differ.
    """
    columns = parts[0].columns
    rows: dict[tuple[Cell, ...], tuple[Cell, ...]] = {}
    for part in parts:
        if part.columns != columns:
            raise BadAnswer(f"{origin}: the columns differ between the parts of the table")
        for row in part.rows:
            rows.setdefault(row[:key_column_count], row)
    return Answer(columns, tuple(rows.values()))


def read_v2_csv(content: bytes | str, origin: str) -> Answer:
    """A v2 CSV (UTF-8 with or without mark, semicolon, decimal comma; `Area;Periode;…`) in the shape of a v3 answer.

    Raises KeyRefused, or BadAnswer naming row and column of the first cell that can't be read.
    """
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise BadAnswer(f"{origin}: is not UTF-8 (byte {error.start})") from error
    if _REFUSED_KEY_TEXT in text[:200]:
        raise KeyRefused(f"{origin}: the file holds the service's text about a wrong key, no data")
    records = [record for record in csv.reader(io.StringIO(text), delimiter=";") if record]
    if not records:
        raise BadAnswer(f"{origin}: is empty")
    return _from_v2(records[0], records[1:], origin)


def read_v2_json(content: bytes | str, origin: str) -> Answer:
    """A v2 JSON answer (`[{"Variables": [{"Name", "Label"}], "Data": [[text, …], …]}]`) in the shape of a v3 answer.

    Raises KeyRefused, or BadAnswer naming row and column of the first cell that can't be read.
    """
    document = read_json(content, origin)
    try:
        table = document[0]
        labels = [str(variable["Label"]) for variable in table["Variables"]]
        records = [["" if cell is None else str(cell) for cell in row] for row in table["Data"]]
    except (LookupError, TypeError) as error:
        raise BadAnswer(f"{origin}: is not a v2 answer with Variables and Data") from error
    return _from_v2(labels, records, origin)


def _from_v2(labels: Sequence[str], records: Sequence[Sequence[str]], origin: str) -> Answer:
    columns = [_V2_NAMES.get(label.strip().lower(), label.strip()) for label in labels]
    for needed in (PERIOD_COLUMN, AREA_COLUMN):
        if columns.count(needed) != 1:
            raise BadAnswer(f"{origin}: must have one column {needed}, has {columns.count(needed)}")
    for number, record in enumerate(records, start=1):
        if len(record) != len(columns):
            raise BadAnswer(f"{origin}: row {number} has {len(record)} cells, not {len(columns)}")
    if not records:
        raise BadAnswer(f"{origin}: has no rows")
    leading = [columns.index(PERIOD_COLUMN), columns.index(AREA_COLUMN)]
    others = [index for index in range(len(columns)) if index not in leading]
    dimensions, measures = _split_dimensions(columns, records, others)
    if not measures:
        raise BadAnswer(f"{origin}: has no column of numbers")
    order = [*leading, *dimensions, *measures]
    rows = []
    for number, record in enumerate(records, start=1):
        row: list[Cell] = [_two_digit_quarter(record[leading[0]].strip()), record[leading[1]].strip()]
        row.extend(record[index].strip() for index in dimensions)
        row.extend(
            _danish_number(record[index], f"{origin}: row {number}, column {columns[index]}") for index in measures
        )
        rows.append(tuple(row))
    return Answer(tuple(columns[index] for index in order), tuple(rows))


def _two_digit_quarter(period: str) -> str:
    """v2 wrote `2023Q1` as well as `2023Q01`; v3 writes the latter."""
    match = _SHORT_QUARTER.fullmatch(period)
    return f"{match[1]}0{match[2]}" if match else period


def _split_dimensions(
    columns: Sequence[str], records: Sequence[Sequence[str]], candidates: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Dimensions come first and always have a label: the first column with a number, or with nothing, ends them."""

    def is_measure(index: int) -> bool:
        cells = [record[index].strip() for record in records]
        return any(map(_DANISH_NUMBER.fullmatch, cells)) or all(cell in _MISSING_MARKS for cell in cells)

    first_measure = next((place for place, index in enumerate(candidates) if is_measure(index)), len(candidates))
    return list(candidates[:first_measure]), list(candidates[first_measure:])


def _danish_number(text: str, place: str) -> Cell:
    stripped = text.strip()
    if stripped in _MISSING_MARKS:
        return None
    if _DANISH_NUMBER.fullmatch(stripped) is None:
        raise BadAnswer(f"{place}: is not a number with decimal comma")
    return Decimal(stripped.replace(",", ".")) if "," in stripped else int(stripped)


def _plain(cell: Cell) -> Cell:
    """1, 1.0 and 1.00 are one figure."""
    return Decimal(cell).normalize() if isinstance(cell, int | Decimal) else cell


def _dump(cells: list[Cell] | list[str]) -> str:
    # Decimal has no JSON form of its own; "f" keeps every digit and never writes an exponent.
    return (
        "["
        + ", ".join(
            format(cell, "f") if isinstance(cell, Decimal) else json.dumps(cell, ensure_ascii=False) for cell in cells
        )
        + "]"
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")
