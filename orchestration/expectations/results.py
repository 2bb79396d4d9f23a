"""Results of expectations: keeping the latest of each layer in the warehouse, and refusing to go on when one failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from orchestration.expectations.suites import Layer, Severity
from orchestration.lib import warehouse

# What helps against a failed check of severity `error`, by layer.
_MEND_THE_MODEL = "mend the data or the model; then build and check again"
WHAT_TO_DO: Mapping[Layer, str] = {
    "raw": "ask the supplier for a corrected delivery, or mend the loader; load it and run again",
    "staging": _MEND_THE_MODEL,
    "intermediate": _MEND_THE_MODEL,
    "marts": _MEND_THE_MODEL,
    "release": "mend what the release writes; the release before stands until then",
}

# How an observation begins when the expectation could not be evaluated at all.
NOT_CHECKED = "could not be checked"


@dataclass(frozen=True)
class ExpectationResult:
    """Outcome of one expectation.

    ``expectation`` is the check's name in the suite; ``observed`` says in words what was found, and never names a
    person; ``unexpected_count`` counts the rows that break it (null where rows are not counted).
    """

    suite: str
    layer: Layer
    expectation: str
    table: str
    column: str | None
    severity: Severity
    success: bool
    observed: str
    unexpected_count: int | None
    meaning: str
    checked_at: datetime


class ChecksFailed(Exception):
    """Checks of severity ``error`` failed or were not made; the message names each and says what to do."""


def store_results(con: duckdb.DuckDBPyConnection, results: Sequence[ExpectationResult], build_id: str) -> None:
    """Write the results to ``quality.check_results`` in place of all earlier rows of their layers.

    One transaction. Layers without a result are left as they stand, so the table holds each layer's latest results.
    A layer's suites must therefore be stored together, in one call.
    """
    warehouse.ensure_check_results(con)
    rows = [
        (
            build_id,
            result.layer,
            result.suite,
            result.expectation,
            result.table,
            result.column,
            result.severity,
            result.success,
            result.observed,
            result.unexpected_count,
            result.checked_at,
        )
        for result in results
    ]
    con.execute("begin")
    try:
        for layer in sorted({result.layer for result in results}):
            con.execute("delete from quality.check_results where layer = ?", [layer])
        if rows:
            con.executemany(f"insert into quality.check_results values ({', '.join('?' * len(rows[0]))})", rows)
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise


def require_passed(
    con: duckdb.DuckDBPyConnection, layers: Sequence[Layer], build_id: str | None = None, purpose: str = "to go on"
) -> None:
    """Raise ChecksFailed unless the latest results of every layer hold no failed check of severity ``error``.

    A layer without results, or (when ``build_id`` is given) with results of another build, is refused too: what was
    not checked has not passed. Warnings never refuse. ``purpose`` completes "Refused …" in the message.
    """
    warehouse.ensure_check_results(con)
    reasons: list[str] = []
    for layer in layers:
        builds = con.execute(
            "select build_id from quality.check_results where layer = ? group by 1", [layer]
        ).fetchall()
        if not builds:
            reasons.append(f"the checks of layer {layer} have not been run: run them first")
        elif build_id is not None and [(build_id,)] != builds:
            others = ", ".join(sorted(row[0] for row in builds))
            reasons.append(f"the checks of layer {layer} are of build {others}, not of {build_id}: run them again")
        failures = con.execute(
            """
            select suite, expectation, table_name, column_name, observed
            from quality.check_results
            where layer = ? and severity = 'error' and not success
            order by suite, expectation
            """,
            [layer],
        ).fetchall()
        reasons += [_describe(layer, *failure) for failure in failures]
    if reasons:
        lines = "\n".join(f"- {reason}" for reason in reasons)
        raise ChecksFailed(f"Refused {purpose}; {len(reasons)} reason(s):\n{lines}")


def _describe(layer: Layer, suite: str, expectation: str, table: str, column: str | None, observed: str | None) -> str:
    place = f"{table} ({column})" if column else table
    return f"{layer}: {suite}.{expectation} failed on {place}: {observed}. What to do: {WHAT_TO_DO[layer]}."
