"""Running suites on a DuckDB file with Great Expectations, everything pushed down to the database.

The context is ephemeral and the connection read-only; of rows only counts leave the database, and of those that break
a check what the suite says that names them: a data set, a month, a municipality, never a person.
"""

import contextlib
import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.expectations import dialect, workers
from orchestration.expectations.data_docs import render_suite, write_pages
from orchestration.expectations.results import NOT_CHECKED, ExpectationResult
from orchestration.expectations.suites import Check, Suite
from orchestration.lib import warehouse
from orchestration.lib.pseudonyms import without_personal_numbers

if TYPE_CHECKING:
    from great_expectations.core import (
        ExpectationSuite,
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )
    from great_expectations.data_context import EphemeralDataContext
    from great_expectations.datasource.fluent import SQLDatasource

# Counts only: without a sample of the unexpected values no person_key can reach a result or a page.
_RESULT_FORMAT: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
_NAMED_AT_MOST = 5
_GX_SEVERITY = {"error": "critical", "warn": "warning"}


@dataclass(frozen=True)
class _Task:
    """How suites are to be checked; ``build_id`` is for their pages, which are made only ``with_pages``."""

    database: Path
    memory_limit: str
    build_id: str
    checked_at: datetime
    with_pages: bool


@dataclass(frozen=True)
class _Checked:
    """A suite's results and its page, None when none was asked for: nothing that only Great Expectations could read."""

    results: list[ExpectationResult]
    page: str | None


def run_suites(
    database: Path,
    suites: Sequence[Suite],
    *,
    build_id: str,
    data_docs: Path | None = None,
    keep_validations: int = 10,
    memory_limit: str = "2GB",
) -> list[ExpectationResult]:
    """Validate the suites on the DuckDB file and return one result per check, in the order of the suites.

    A check that cannot be evaluated (missing table or column) has failed, with the reason as its observation. With
    ``data_docs`` (a folder) each suite's page and the index over the layers are written there; of each layer the last
    ``keep_validations`` builds are kept. ``memory_limit`` is DuckDB's, for each process that checks. The file must
    exist and must not be open for writing, in this process either; it is free again when this returns.
    """
    if not database.is_file():
        raise FileNotFoundError(f"{database}: there is no such database to check")
    if not suites:
        return []
    task = _Task(database, memory_limit, build_id, datetime.now(UTC), data_docs is not None)
    checked = workers.in_two(partial(_check_all, task), suites)
    results = [result for one in checked for result in one.results]
    if data_docs is not None:
        pages = [(suite, one.page) for suite, one in zip(suites, checked, strict=True) if one.page is not None]
        write_pages(data_docs, pages, results, build_id=build_id, keep=keep_validations)
    return results


@dataclass(frozen=True)
class _Opened:
    """The file as two sources of an ephemeral context: `summaries` asks for a suite's rows once, and keeps them."""

    context: "EphemeralDataContext"
    rows: "SQLDatasource"
    summaries: "SQLDatasource"


def _check_all(task: _Task, suites: Sequence[Suite]) -> list[_Checked]:
    with _opened(task.database, task.memory_limit) as opened:
        return [_check(task, opened, suite) for suite in suites]


def _check(task: _Task, opened: _Opened, suite: Suite) -> _Checked:
    validation = _validate(opened, suite)
    outcomes = {_check_name(outcome): outcome for outcome in validation.results}
    results = []
    for check in suite.checks:
        result = _result(suite, check, outcomes[check.name], task.checked_at)
        if result.unexpected_count:
            result = replace(result, observed=result.observed + _named(opened, suite, check))
        results.append(result)
    return _Checked(results, render_suite(suite, validation, results, task.build_id) if task.with_pages else None)


@contextlib.contextmanager
def _opened(database: Path, memory_limit: str) -> Iterator[_Opened]:
    """The file, opened for reading; every handle on it is given back at the end."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    dialect.register()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    rows, summaries = (
        context.data_sources.add_sql(
            name,
            connection_string=f"{dialect.DRIVER}:///{database}",
            create_temp_table=is_kept,
            kwargs={"connect_args": {"read_only": True, "config": {"memory_limit": memory_limit}}},
        )
        for name, is_kept in (("rows", False), ("summaries", True))
    )
    try:
        yield _Opened(context, rows, summaries)
    finally:
        # DuckDB refuses to open a file for writing while this process still holds a read-only handle on it.
        for source in (rows, summaries):
            engine = source.get_execution_engine()
            engine.close()
            engine.engine.dispose()
            source.get_engine().dispose()
            context.data_sources.delete(source.name)
        gc.collect()


def _validate(opened: _Opened, suite: Suite) -> "ExpectationSuiteValidationResult":
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from sqlalchemy.exc import DBAPIError

    expectations = [
        getattr(gxe, check.expectation)(
            **check.arguments,
            severity=_GX_SEVERITY[check.severity],
            description=describe(check),
            meta={"check": check.name},
        )
        for check in suite.checks
    ]
    expected = opened.context.suites.add(gx.ExpectationSuite(suite.name, expectations=expectations))
    if suite.is_summary:
        # Where its rows can't be found at all, each check says why when it asks for them itself.
        try:
            return _run(opened.summaries, suite, expected)
        except DBAPIError as error:
            _require_whole_file(_first_line(error))
    return _run(opened.rows, suite, expected)


def _run(source: "SQLDatasource", suite: Suite, expected: "ExpectationSuite") -> "ExpectationSuiteValidationResult":
    import great_expectations as gx

    rows = source.add_query_asset(suite.name, query=suite.query()).add_batch_definition_whole_table("all rows")
    # A batch could be asked itself, but would get its rows twice.
    definition = gx.ValidationDefinition(name=f"{suite.name} of {source.name}", data=rows, suite=expected)
    return definition.run(result_format=_RESULT_FORMAT)


def _named(opened: _Opened, suite: Suite, check: Check) -> str:
    """Which rows break the check, to be said after their number; empty where there are no names for them."""
    from sqlalchemy.exc import DBAPIError

    query = suite.names_of_breaking_rows(check, _NAMED_AT_MOST + 1)
    if query is None:
        return ""
    try:
        with opened.rows.get_engine().connect() as connection:
            rows = connection.exec_driver_sql(query).fetchall()
    except DBAPIError as error:
        _require_whole_file(_first_line(error))
        return ""
    names = [
        " ".join(_word(value) for value in row if value is not None) or "(no name)" for row in rows[:_NAMED_AT_MOST]
    ]
    return f": {'; '.join(names)}{'; …' if len(rows) > _NAMED_AT_MOST else ''}"


def _word(value: object) -> str:
    """Months are kept as their first days and told as months."""
    return f"{value:%Y-%m}" if isinstance(value, date) and value.day == 1 else str(value)


def describe(check: Check) -> str:
    """The check in words: its meaning and, for a condition, the SQL that decides."""
    return f"{check.meaning} [{' '.join(check.condition.split())}]" if check.condition else check.meaning


def _check_name(outcome: "ExpectationValidationResult") -> str:
    """The check that an outcome belongs to: Great Expectations does not keep the order of a suite."""
    config = outcome.expectation_config
    return str(config["meta"]["check"]) if config is not None else ""


def _result(
    suite: Suite, check: Check, outcome: "ExpectationValidationResult", checked_at: datetime
) -> ExpectationResult:
    found: Mapping[str, Any] = outcome.result or {}
    unexpected = found.get("unexpected_count")
    failure = _exception_message(outcome.exception_info)
    if failure is not None:
        _require_whole_file(failure)
    return ExpectationResult(
        suite=suite.name,
        layer=suite.layer,
        expectation=check.name,
        table=suite.table,
        column=", ".join(check.columns) or None,
        severity=check.severity,
        success=bool(outcome.success) and failure is None,
        observed=f"{NOT_CHECKED}: {failure}" if failure else _observed(found),
        unexpected_count=None if failure or unexpected is None else int(unexpected),
        meaning=check.meaning,
        checked_at=checked_at,
    )


def _observed(found: Mapping[str, Any]) -> str:
    if "element_count" in found:
        return f"{int(found.get('unexpected_count') or 0)} of {int(found['element_count'])} rows break it"
    return f"{found.get('observed_value')}"


def _exception_message(info: Mapping[str, Any] | None) -> str | None:
    """First line of the exception that kept an expectation from being evaluated, None when there was none."""
    if not info:
        return None
    # One exception, or one per metric that could not be computed.
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, Mapping)]
    for entry in entries:
        if entry.get("raised_exception"):
            return _first_line(entry.get("exception_message") or "unknown reason")
    return None


def _first_line(message: object) -> str:
    return without_personal_numbers(str(message).strip().splitlines()[0])[:300]


def _require_whole_file(failure: str) -> None:
    """No broken rule, but a broken file: the pipeline sets it aside and builds it again. Raises WarehouseBroken."""
    if warehouse.tells_of_corruption(failure):
        raise warehouse.WarehouseBroken(failure)
