"""Running the suites of a layer on the warehouse and keeping their results."""

from __future__ import annotations

from collections.abc import Sequence
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


def check_warehouse(settings: Settings, suites: Sequence[Suite], *, of_raw: bool) -> list[ExpectationResult]:
    """Run the suites on the warehouse, write Data Docs, and keep the results under the id of what was checked."""
    connection = warehouse.connect(settings)
    try:
        plan = build.plan_build(connection, settings.project)
    finally:
        connection.close()
    build_id = plan.raw_id if of_raw else plan.build_id
    results = run_suites(
        settings.warehouse,
        suites,
        build_id=build_id,
        data_docs=settings.data_docs,
        keep_validations=Keep.from_environment().data_docs,
    )
    connection = warehouse.connect(settings)
    try:
        store_results(connection, results, build_id)
        if of_raw and all(result.success or result.severity != "error" for result in results):
            _record_checked_batches(connection, settings)
    finally:
        connection.close()
    return results


_CHECKED_BATCHES_DDL = """
create schema if not exists build;
create table if not exists build.checked_batches (
    dataset varchar not null,
    period date not null,
    delivery integer not null,
    sha256 varchar not null,
    code_hash varchar not null
);
"""


def _record_checked_batches(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Note that the batches that stand in raw have passed, whenever their rows were read, and by which code."""
    connection.execute(_CHECKED_BATCHES_DDL)
    connection.execute("begin")
    connection.execute("delete from build.checked_batches")
    connection.execute(
        "insert into build.checked_batches select dataset, period, delivery, sha256, ? from raw.current_batches",
        [build.release_code_hash(settings.project)],
    )
    connection.execute("commit")


def unchecked_periods(settings: Settings) -> list[date] | None:
    """Months with a batch whose rows no raw check has read and passed; None, for all months, when there is none.

    Raw rows never change after they are loaded, so that a month is read once, until a delivery corrects it or the code
    or the contracts of the checks change. Whoever asks for the checks without a new delivery has all months read.
    """
    connection = warehouse.connect(settings)
    try:
        connection.execute(_CHECKED_BATCHES_DDL)
        rows = connection.execute(
            """
            select
                batches.period,
                bool_or(checked.dataset is null) as is_unchecked
            from raw.current_batches as batches
            left join build.checked_batches as checked
                on
                    batches.dataset = checked.dataset
                    and batches.period = checked.period
                    and batches.delivery = checked.delivery
                    and batches.sha256 = checked.sha256
                    and checked.code_hash = ?
            group by batches.period
            order by batches.period
            """,
            [build.release_code_hash(settings.project)],
        ).fetchall()
    finally:
        connection.close()
    unchecked = [period for period, is_unchecked in rows if is_unchecked]
    return None if len(unchecked) in (0, len(rows)) else unchecked


def newly_built_months(settings: Settings) -> list[date] | None:
    """Months that the newest build of any person-level table wrote; None when that is all of them."""
    connection = warehouse.connect(settings)
    try:
        rows = connection.execute(
            """
            with newest as (
                select model, max(build_number) as build_number
                from build.model_months
                group by model
            )
            select built.month
            from build.model_months as built
            inner join newest on built.model = newest.model and built.build_number = newest.build_number
            group by built.month
            order by built.month
            """
        ).fetchall()
        total = connection.execute(
            "select count(*) from raw.current_batches where dataset = 'benefit_periods'"
        ).fetchone()
    finally:
        connection.close()
    months = [row[0] for row in rows]
    return None if total is not None and len(months) == total[0] else months
