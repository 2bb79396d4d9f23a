"""Running the suites of a layer on the warehouse and keeping their results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

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
    return [*staging_suites(), *intermediate_suites(months), *marts_suites()]


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
    finally:
        connection.close()
    return results


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
