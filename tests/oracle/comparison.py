"""Expected rows against actual ones, in words that say where to look."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from .measures import COMPUTE
from .rows import MartRows
from .world import World

MISSING = "(no such column)"


def compare(
    expected: MartRows,
    actual_rows: Iterable[Mapping[str, object]],
    float_tolerance: float = 1e-9,
    *,
    ignore: Collection[str] = (),
) -> list[str]:
    """Every difference, one sentence each; an empty list when the rows agree.

    Rows are matched on the mart's key; only the columns that the oracle knows are compared, null only equals null.
    Counts, codes, dates and truth values must be equal, other numbers within ``float_tolerance`` (relative above 1).
    Actual rows of municipalities that the expected rows do not cover are left aside.
    """
    differences: list[str] = []
    actual: dict[tuple[object, ...], Mapping[str, object]] = {}
    for row in actual_rows:
        lacking = [column for column in expected.key_columns if column not in row]
        if lacking:
            return [f"{expected.mart}: the actual rows lack the key columns {', '.join(lacking)}"]
        if expected.municipalities is not None and row["municipality_code"] not in expected.municipalities:
            continue
        key = tuple(_plain(row[column]) for column in expected.key_columns)
        if key in actual:
            differences.append(f"{expected.mart} {_show(expected, key)}: two actual rows with this key")
        actual[key] = row
    for key, values in expected.items():
        found = actual.get(key)
        if found is None:
            differences.append(f"{expected.mart} {_show(expected, key)}: row missing, expected {_texts(values)}")
            continue
        for column, value in values.items():
            if column in ignore:
                continue
            other = found.get(column, MISSING)
            if not _same(value, other, float_tolerance):
                differences.append(
                    f"{expected.mart} {_show(expected, key)} {column}: expected {_text(value)}, got {_text(other)}"
                )
    for key in actual:
        if key not in expected:
            differences.append(f"{expected.mart} {_show(expected, key)}: row not expected")
    return differences


def _plain(value: object) -> object:
    return value.date() if isinstance(value, datetime) else value


def _same(expected: object, actual: object, tolerance: float) -> bool:
    actual = _plain(actual)
    if expected is None or actual is None:
        return expected is actual
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, int):
        return isinstance(actual, (int, float, Decimal, Fraction)) and expected == actual
    if isinstance(expected, (float, Decimal, Fraction)):
        if not isinstance(actual, (int, float, Decimal, Fraction)) or actual != actual:
            return False
        return abs(float(expected) - float(actual)) <= tolerance * max(1.0, abs(float(expected)))
    return expected == actual


def _show(expected: MartRows, key: tuple[object, ...]) -> str:
    return " ".join(f"{column}={_text(part)}" for column, part in zip(expected.key_columns, key, strict=True))


def _text(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, Fraction):
        return f"{float(value):.12g}"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _texts(values: Mapping[str, object]) -> str:
    return ", ".join(f"{column}={_text(value)}" for column, value in values.items())


def with_provisional(world: World, rows: MartRows) -> MartRows:
    """The rows of a monthly mart with ``is_provisional``; those of other marts as they are."""
    if "month" not in rows.key_columns:
        return rows
    provisional = {month: world.is_provisional(month) for month in {key[0] for key in rows}}
    result = MartRows(rows.mart, rows.municipalities)
    for key, values in rows.items():
        result.put(key, values | {"is_provisional": provisional[key[0]]})
    return result


class Connection(Protocol):
    """What is asked of a DuckDB connection."""

    def execute(self, query: str, /) -> Any: ...


def compare_warehouse(
    world: World,
    connection: Connection,
    marts: Iterable[str] | None = None,
    *,
    schema: str = "marts",
    float_tolerance: float = 1e-9,
    ignore: Mapping[str, Collection[str]] | None = None,
) -> dict[str, list[str]]:
    """Per mart the differences between the oracle and ``<schema>.fct_<mart>``; ``ignore`` names columns per mart.

    Rows of monthly marts must carry ``is_provisional`` as well. Marts without differences are left out of the answer.
    """
    found: dict[str, list[str]] = {}
    for mart in COMPUTE if marts is None else marts:
        expected = with_provisional(world, COMPUTE[mart](world))
        cursor = connection.execute(f"select * from {schema}.fct_{mart}")
        columns = [column[0] for column in cursor.description]
        rows = (dict(zip(columns, row, strict=True)) for row in cursor.fetchall())
        differences = compare(expected, rows, float_tolerance, ignore=(ignore or {}).get(mart, ()))
        if differences:
            found[mart] = differences
    return found
