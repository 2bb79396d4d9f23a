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
    assert checking.unchecked_periods(settings) is None
    assert _check(settings) == ROWS[JANUARY] + ROWS[FEBRUARY]
    return settings


def _deliver(settings: Settings, month: dt.date, number: int = 1) -> None:
    period = f"{month:%Y-%m}"
    write_delivery(settings.landing, period, number, {"benefit_periods": benefit_rows(period, ROWS[month])})
    load(settings)


def _check(settings: Settings) -> int:
    """Check what is unchecked, and say how many rows of benefit_periods were read."""
    suites = [
        suite
        for suite in checking.raw_layer(checking.unchecked_periods(settings))
        if suite.name == "raw_benefit_periods"
    ]
    results = checking.check_warehouse(settings, suites, of_raw=True)
    observed = {result.observed.partition(" of ")[2] for result in results if " of " in result.observed}
    (rows,) = {text.split()[0] for text in observed}
    return int(rows)


def _break_a_row(settings: Settings, month: dt.date) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "update raw.benefit_periods set from_date = to_date + 1 where _period = ? and rowid in "
            "(select min(rowid) from raw.benefit_periods where _period = ?)",
            [month, month],
        )


def test_of_a_new_month_only_its_own_rows_are_read(settings: Settings) -> None:
    _deliver(settings, MARCH)
    assert checking.unchecked_periods(settings) == [MARCH]
    assert _check(settings) == ROWS[MARCH]


def test_a_corrected_month_is_read_again(settings: Settings) -> None:
    _deliver(settings, JANUARY, number=2)
    assert checking.unchecked_periods(settings) == [JANUARY]


def test_without_anything_new_everything_is_read(settings: Settings) -> None:
    assert checking.unchecked_periods(settings) is None
    assert _check(settings) == ROWS[JANUARY] + ROWS[FEBRUARY]


def test_what_failed_is_read_until_it_passes(settings: Settings) -> None:
    _deliver(settings, MARCH)
    _break_a_row(settings, MARCH)
    _check(settings)
    assert checking.unchecked_periods(settings) == [MARCH]
    _deliver(settings, MARCH, number=2)
    assert checking.unchecked_periods(settings) == [MARCH]
    _check(settings)
    assert checking.unchecked_periods(settings) is None


def test_other_checks_read_everything(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _deliver(settings, MARCH)
    monkeypatch.setattr(build, "release_code_hash", lambda project: "other")
    assert checking.unchecked_periods(settings) is None
