"""Running the suites of a layer on the warehouse and keeping their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.expectations.intermediate import intermediate_suites
from orchestration.expectations.marts import marts_suites
from orchestration.expectations.raw import raw_suites
from orchestration.expectations.results import ExpectationResult, store_results
from orchestration.expectations.runner import run_suites
from orchestration.expectations.staging import staging_suites
from orchestration.expectations.suites import Suite
from orchestration.lib import build, warehouse
from orchestration.lib.contracts import load_contracts
from orchestration.lib.operations.keeping import Keep
from orchestration.lib.settings import Settings


def raw_layer(periods: Sequence[date] | None = None) -> list[Suite]:
    """The suites of the raw layer; with `periods` they read the rows of those months only."""
    return raw_suites(load_contracts(), periods)


def model_layers(months: Sequence[date] | None = None) -> list[Suite]:
    """The suites of staging, intermediate and marts; with `months` persons are read for those months only."""
    return [*staging_suites(months), *intermediate_suites(months), *marts_suites()]


def check_raw(settings: Settings) -> list[ExpectationResult]:
    """Run the raw suites, with the rows of the months that have not passed yet."""
    chosen = _to_be_read(settings, _BATCHES)
    return _check_warehouse(settings, raw_layer(chosen), _BATCHES)


def check_models(settings: Settings) -> list[ExpectationResult]:
    """Run the suites of staging, intermediate and marts, with the persons of the months that have not passed yet."""
    chosen = _to_be_read(settings, _MODEL_MONTHS)
    return _check_warehouse(settings, model_layers(chosen), _MODEL_MONTHS)


def _check_warehouse(settings: Settings, suites: Sequence[Suite], pieces: _Pieces) -> list[ExpectationResult]:
    """Run the suites, write Data Docs, and keep the results under the id of what was checked."""
    connection = warehouse.connect(settings)
    try:
        plan = build.plan_build(connection, settings.project)
    finally:
        connection.close()
    build_id = plan.raw_id if pieces is _BATCHES else plan.build_id
    results = run_suites(
        settings.warehouse,
        suites,
        build_id=build_id,
        data_docs=settings.data_docs,
        keep_validations=Keep.from_environment().data_docs,
        memory_limit=settings.memory_limit,
    )
    connection = warehouse.connect(settings)
    try:
        store_results(connection, results, build_id)
        have_passed = all(result.success or result.severity != "error" for result in results)
        _record(connection, settings, pieces, have_passed)
    finally:
        connection.close()
    return results


@dataclass(frozen=True)
class _Pieces:
    """What is read once: `relation` lists the pieces by `columns`, which change when their rows do; `month` names one.

    Those that have passed are kept in `passed`, with the code that checked them.
    """

    relation: str
    columns: tuple[str, ...]
    month: str
    passed: str


# Raw rows never change after they are loaded: a delivery that corrects them has another hash.
_BATCHES = _Pieces(
    "raw.current_batches", ("dataset", "period", "delivery", "sha256"), "period", "build.checked_batches"
)
# A month of a model is what its fingerprint says it was built from.
_MODEL_MONTHS = _Pieces("build.model_months", ("model", "month", "fingerprint"), "month", "build.checked_model_months")


def _code_hash(settings: Settings) -> str:
    """Of what decides a check: its code, the contracts, and the seeds with the lists of codes."""
    return f"{build.release_code_hash(settings.project)}:{build.project_hash(settings.project)}"


def _make_passed(connection: duckdb.DuckDBPyConnection, pieces: _Pieces) -> None:
    connection.execute("create schema if not exists build")
    connection.execute(
        f"create table if not exists {pieces.passed} as "
        f"select {', '.join(pieces.columns)}, '' as code_hash from {pieces.relation} limit 0"
    )


def _record(connection: duckdb.DuckDBPyConnection, settings: Settings, pieces: _Pieces, have_passed: bool) -> None:
    """Note that all pieces have passed, whenever they were read; after a failure all are read again until they do."""
    _make_passed(connection, pieces)
    connection.execute("begin")
    connection.execute(f"delete from {pieces.passed}")
    if have_passed:
        connection.execute(
            f"insert into {pieces.passed} select {', '.join(pieces.columns)}, ? from {pieces.relation}",
            [_code_hash(settings)],
        )
    connection.execute("commit")


def _to_be_read(settings: Settings, pieces: _Pieces) -> list[date] | None:
    """Months with a piece that has not passed the checks as they are now; None for all months.

    Whoever asks for the checks when nothing is new has all months read.
    """
    connection = warehouse.connect(settings)
    try:
        _make_passed(connection, pieces)
        matches = " and ".join(f"pieces.{column} = passed.{column}" for column in pieces.columns)
        rows = connection.execute(
            f"""
            select
                pieces.{pieces.month} as month,
                bool_or(passed.code_hash is null) as is_new
            from {pieces.relation} as pieces
            left join {pieces.passed} as passed on {matches} and passed.code_hash = ?
            group by pieces.{pieces.month}
            order by pieces.{pieces.month}
            """,
            [_code_hash(settings)],
        ).fetchall()
    finally:
        connection.close()
    chosen = [month for month, is_new in rows if is_new]
    return None if len(chosen) in (0, len(rows)) else chosen
