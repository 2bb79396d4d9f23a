"""What a suite is: a table (or a query) of a layer and the expectations that its rows must meet.

Plain data, so that suites can be listed, documented and counted without importing Great Expectations.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from orchestration.lib.sql_text import sql_literal

Layer = Literal["raw", "staging", "intermediate", "marts", "release"]
Severity = Literal["error", "warn"]

# The column that `breaking_rows` works with; no table has one of that name.
_BREAKS = "breaks_the_check"
# Names of columns about one person, as a regular expression of Python's and of DuckDB's.
PERSONAL_NAMES = "(^|_)(person_key|person_id|cpr|cpr_number|identifier|offer_id|conversation_id)($|_)"

LAYERS: tuple[Layer, ...] = ("raw", "staging", "intermediate", "marts", "release")


@dataclass(frozen=True)
class Check:
    """One expectation about a suite's rows.

    ``name`` is unique in its suite. ``expectation`` is the class of Great Expectations with its ``arguments``.
    ``columns`` are the columns it concerns. A check with a ``condition`` (SQL, true of every row; null passes, as in a
    check constraint) is evaluated as a column named like the check. ``meaning`` is one sentence for the reader; an
    ``error`` stops what is built on the layer, a ``warn`` is shown.
    """

    name: str
    expectation: str
    meaning: str
    severity: Severity = "error"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    condition: str | None = None


@dataclass(frozen=True)
class Suite:
    """The expectations of one table.

    ``table`` is the table that is reported (``schema.table``); ``source`` the SQL of the rows that are checked, by
    default the whole table. ``is_summary``: the source counts rows, so that what it finds is few rows and dear to find;
    it is asked for once and kept while the suite is checked (Great Expectations asks for the rows up to three times).
    ``named_by``: columns of the source, none of them about a person, that say which rows break a check.
    """

    name: str
    layer: Layer
    table: str
    checks: tuple[Check, ...]
    source: str = ""
    is_summary: bool = False
    named_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        personal = [column for column in self.named_by if re.search(PERSONAL_NAMES, column)]
        if personal:
            raise ValueError(f"suite {self.name}: {', '.join(personal)} names persons")
        names = [check.name for check in self.checks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"suite {self.name}: two checks are named {', '.join(twice)}")
        if not names:
            raise ValueError(f"suite {self.name}: has no checks")

    def query(self) -> str:
        """The SQL that the expectations run on: the columns they read and one column per condition.

        All conditions stand in one select, so that the database reads the table once for all of them.
        """
        plain = dict.fromkeys(column for check in self.checks if not check.condition for column in check.columns)
        expressions = list(plain)
        expressions += [f"({check.condition}) is not false as {check.name}" for check in self.checks if check.condition]
        source = f"({self.source})" if self.source else self.table
        return f"select {', '.join(expressions) or '*'} from {source} as checked"

    def breaking_rows(self, check: Check) -> str | None:
        """The SQL that shows the rows that break a check; None where it is about all rows together."""
        broken = _broken(check)
        if broken is None:
            return None
        source = f"({self.source})" if self.source else self.table
        # In a select of its own: a condition may look at other rows (a window), which `where` may not.
        return (
            f"select * exclude ({_BREAKS}) from (select *, {broken} as {_BREAKS} from {source} as checked)"
            f" as checked where {_BREAKS}"
        )

    def names_of_breaking_rows(self, check: Check, most: int) -> str | None:
        """The SQL of the first ``most`` different names among the rows that break a check; None without names."""
        rows = self.breaking_rows(check)
        if rows is None or not self.named_by:
            return None
        return f"select distinct {', '.join(self.named_by)} from ({rows}) order by all limit {most}"


def _broken(check: Check) -> str | None:
    """SQL that is true of a row that breaks the check; None for an expectation about all rows together."""
    if check.condition is not None:
        return f"({check.condition}) is false"
    column = check.arguments.get("column")
    if check.expectation == "ExpectColumnValuesToNotBeNull":
        return f"{column} is null"
    if check.expectation == "ExpectColumnValuesToBeBetween":
        low, high = check.arguments["min_value"], check.arguments["max_value"]
        above, below = ">" if check.arguments["strict_min"] else ">=", "<" if check.arguments["strict_max"] else "<="
        limits = [f"{column} {sign} {limit}" for sign, limit in ((above, low), (below, high)) if limit is not None]
        return f"({' and '.join(limits) or 'true'}) is false"
    return None


def holds(name: str, condition: str, meaning: str, columns: Sequence[str] = (), severity: Severity = "error") -> Check:
    """Every row meets the SQL ``condition``; a null result passes."""
    return Check(
        name=name,
        expectation="ExpectColumnValuesToBeInSet",
        meaning=meaning,
        severity=severity,
        arguments={"column": name, "value_set": [True]},
        columns=tuple(columns),
        condition=condition,
    )


def not_null(column: str, meaning: str, severity: Severity = "error") -> Check:
    """The column is never null."""
    return _of_column(f"{column}_is_not_null", "ExpectColumnValuesToNotBeNull", column, meaning, severity)


def in_set(column: str, values: Iterable[str | int], meaning: str, severity: Severity = "error") -> Check:
    """The column's values, nulls aside, are among ``values``, which are of the column's type."""
    # A function is asked once for each value of a column that is stored by dictionary, and `in` once for each row.
    listed = ", ".join(map(sql_literal, values))
    return holds(f"{column}_is_in_list", f"list_contains([{listed}], {column})", meaning, (column,), severity)


def between(
    column: str,
    meaning: str,
    minimum: float | None = None,
    maximum: float | None = None,
    strict_minimum: bool = False,
    strict_maximum: bool = False,
    severity: Severity = "error",
) -> Check:
    """The column's values, nulls aside, lie between the two bounds (inclusive unless strict)."""
    bounds: dict[str, Any] = {"min_value": minimum, "max_value": maximum}
    bounds |= {"strict_min": strict_minimum, "strict_max": strict_maximum}
    name = f"{column}_is_in_range"
    return _of_column(name, "ExpectColumnValuesToBeBetween", column, meaning, severity, **bounds)


def months_filter(column: str, months: Sequence[date] | None) -> str:
    """``where`` clause that keeps the given months (first days) of a table; empty for None (all months)."""
    if months is None:
        return ""
    listed = ", ".join(f"date '{month:%Y-%m-01}'" for month in sorted(set(months)))
    return f" where {column} in ({listed})" if listed else " where false"


def _of_column(name: str, expectation: str, column: str, meaning: str, severity: Severity, **arguments: Any) -> Check:
    return Check(name, expectation, meaning, severity, {"column": column, **arguments}, (column,))
