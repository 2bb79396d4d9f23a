"""The raw checks read a month's rows once, and again when they or the checks have changed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from orchestration.lib import build, checking
from orchestration.lib.settings import Settings
from tests.support.landing import benefit_rows, load, make_settings, write_delivery

JANUARY, FEBRUARY, MARCH = dt.date(2024, 1, 1), dt.date(2024, 2, 1), dt.date(2024, 3, 1)
ROWS = {JANUARY: 60, FEBRUARY: 50, MARCH: 40}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """January and February, loaded and checked."""
    settings = make_settings(tmp_path)
    for month in (JANUARY, FEBRUARY):
        _deliver(settings, month)
    assert _rows_read(settings) == ROWS[JANUARY] + ROWS[FEBRUARY]
    return settings


def _deliver(settings: Settings, month: dt.date, number: int = 1) -> None:
    period = f"{month:%Y-%m}"
    write_delivery(settings.landing, period, number, {"benefit_periods": benefit_rows(period, ROWS[month])})
    load(settings)


def _check(settings: Settings) -> tuple[int, set[str]]:
    """Check raw; how many rows of benefit_periods were read, and which checks failed."""
    results = checking.check_raw(settings)
    (rows,) = {
        int(result.observed.split(" of ")[1].split()[0])
        for result in results
        if result.suite == "raw_benefit_periods" and " of " in result.observed
    }
    return rows, {result.expectation for result in results if not result.success and result.severity == "error"}


def _rows_read(settings: Settings) -> int:
    rows, failed = _check(settings)
    assert failed == set()
    return rows


def _break_a_row(settings: Settings, month: dt.date) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "update raw.benefit_periods set from_date = to_date + 1 where _period = ? and rowid in "
            "(select min(rowid) from raw.benefit_periods where _period = ?)",
            [month, month],
        )


def test_of_a_new_month_only_its_own_rows_are_read(settings: Settings) -> None:
    _deliver(settings, MARCH)
    assert _rows_read(settings) == ROWS[MARCH]


def test_a_corrected_month_is_read_again(settings: Settings) -> None:
    _deliver(settings, JANUARY, number=2)
    assert _rows_read(settings) == ROWS[JANUARY]


def test_without_anything_new_everything_is_read(settings: Settings) -> None:
    assert _rows_read(settings) == ROWS[JANUARY] + ROWS[FEBRUARY]


def test_what_failed_is_not_forgotten_when_another_month_comes(settings: Settings) -> None:
    _break_a_row(settings, JANUARY)
    rows, failed = _check(settings)
    assert (rows, failed) == (ROWS[JANUARY] + ROWS[FEBRUARY], {"to_date_is_not_before_from_date"})
    _deliver(settings, MARCH)
    assert _check(settings) == (sum(ROWS.values()), failed)
    _deliver(settings, JANUARY, number=2)
    assert _check(settings) == (sum(ROWS.values()), set())
    _deliver(settings, MARCH, number=2)
    assert _rows_read(settings) == ROWS[MARCH]


def test_an_old_month_that_has_lost_rows_is_found(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("delete from raw.benefit_periods where _period = ?", [JANUARY])
    _deliver(settings, MARCH)
    assert _check(settings) == (ROWS[MARCH], {"rows_are_those_of_the_batch"})


@pytest.mark.parametrize("changed", ["release_code_hash", "project_hash"])
def test_other_checks_or_seeds_read_everything(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    _deliver(settings, MARCH)
    monkeypatch.setattr(build, changed, lambda project: "other")
    assert _rows_read(settings) == sum(ROWS.values())


def test_a_models_month_is_read_until_it_has_passed_and_when_it_is_built_anew(settings: Settings) -> None:
    def chosen() -> list[dt.date] | None:
        return checking._to_be_read(settings, checking._MODEL_MONTHS)

    def built(fingerprint: str, *months: dt.date) -> None:
        with duckdb.connect(str(settings.warehouse)) as connection:
            connection.execute(
                "create schema if not exists build; create table if not exists build.model_months "
                "(model varchar, month date, fingerprint varchar, build_number integer)"
            )
            for month in months:
                connection.execute("delete from build.model_months where month = ?", [month])
                connection.execute("insert into build.model_months values ('m', ?, ?, 1)", [month, fingerprint])

    def record(have_passed: bool) -> None:
        with duckdb.connect(str(settings.warehouse)) as connection:
            checking._record(connection, settings, checking._MODEL_MONTHS, have_passed)

    built("a", JANUARY, FEBRUARY)
    assert chosen() is None
    record(True)
    built("b", FEBRUARY)
    assert chosen() == [FEBRUARY]
    built("c", MARCH)
    assert chosen() == [FEBRUARY, MARCH]
    # It fails: nothing counts as passed until everything has been read and has passed.
    record(False)
    built("d", MARCH)
    assert chosen() is None
