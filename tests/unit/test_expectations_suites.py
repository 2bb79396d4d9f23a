"""Every check of every suite passes on a sound database and fails on a broken one."""

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.expectations.due import due_suite
from orchestration.expectations.intermediate import intermediate_suites
from orchestration.expectations.marts import MARTS, Mart, marts_suites
from orchestration.expectations.raw import raw_suites
from orchestration.expectations.release import release_suites
from orchestration.expectations.results import NOT_CHECKED, ExpectationResult
from orchestration.expectations.runner import run_suites
from orchestration.expectations.staging import staging_suites
from orchestration.expectations.suites import Suite
from orchestration.lib.contracts import load_contracts
from tests.unit.expectations_warehouse import BREAKS, RELEASE_BREAKS, build_release, build_warehouse


def warehouse_suites() -> list[Suite]:
    """Every suite of the warehouse."""
    return [*raw_suites(load_contracts()), *staging_suites(), *intermediate_suites(), *marts_suites()]


def names(suites: list[Suite]) -> set[tuple[str, str]]:
    """Suite and check of every check."""
    return {(suite.name, check.name) for suite in suites for check in suite.checks}


def failed(results: list[ExpectationResult]) -> dict[tuple[str, str], str]:
    """Suite and check of those that failed, with what was observed."""
    return {(result.suite, result.expectation): result.observed for result in results if not result.success}


def break_database(path: Path, breaks: dict[tuple[str, str], str]) -> None:
    """Apply every break to the database."""
    with duckdb.connect(str(path)) as con:
        for statement in breaks.values():
            con.execute(statement)


def months_of(path: Path) -> list[date]:
    """The months that have rows of persons."""
    with duckdb.connect(str(path), read_only=True) as con:
        return [
            row[0]
            for row in con.execute(
                "select distinct month from staging.stg_extracts__benefit_periods where month is not null"
            ).fetchall()
        ]


def _staged(months: list[date]) -> list[Suite]:
    return [suite for suite in staging_suites(months) if suite.name in ("staging_rows", "staging_codes")]


def test_every_check_of_the_warehouse_has_a_break() -> None:
    assert names(warehouse_suites()) == set(BREAKS)


def test_warehouse_checks_pass_on_sound_and_fail_on_broken_tables(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    build_warehouse(path)
    suites = warehouse_suites()
    results = run_suites(path, suites, build_id="sound")
    assert failed(results) == {}
    assert len(results) == sum(len(suite.checks) for suite in suites)

    # Opened for writing in the same process: the runner has given every handle back.
    break_database(path, {key: value for key, value in BREAKS.items() if key[0] != "raw_columns"})
    broken = run_suites(path, suites, build_id="broken")
    outcome = failed(broken)
    assert not [text for text in outcome.values() if text.startswith(NOT_CHECKED)]
    assert set(BREAKS) - set(outcome) == {
        ("raw_columns", "contract_columns_are_there"),
        ("raw_columns", "no_other_columns"),
    }

    _require_that_broken_rows_are_found_and_named(path, suites, broken)

    in_period = {key: text for key, text in outcome.items() if key[1].endswith("_is_in_period")}
    assert len(in_period) == 5
    assert {text.split(" of ")[0] for text in in_period.values()} == {"2"}

    # Read month by month, staging is found broken in the same places; of other months no row of persons is read.
    whole = {key: text for key, text in outcome.items() if key[0] in ("staging_rows", "staging_codes")}
    limited = failed(run_suites(path, _staged(months_of(path)), build_id="months"))
    assert set(limited) == set(whole)
    elsewhere = run_suites(path, _staged([date(1999, 1, 1)]), build_id="elsewhere")
    read = {result.suite: int(result.observed.split(" of ")[1].split()[0]) for result in elsewhere}
    in_all = {key[0]: int(text.split(" of ")[1].split()[0]) for key, text in whole.items()}
    assert all(0 < read[suite] < in_all[suite] for suite in in_all)

    # A column that is renamed or new breaks the queries of other suites, so it comes last and alone.
    break_database(path, {key: value for key, value in BREAKS.items() if key[0] == "raw_columns"})
    columns = run_suites(path, [suite for suite in suites if suite.name == "raw_columns"], build_id="columns")
    assert set(failed(columns)) == {
        ("raw_columns", "contract_columns_are_there"),
        ("raw_columns", "no_other_columns"),
    }


@pytest.mark.parametrize("mart", MARTS, ids=lambda mart: mart.name)
def test_rows_of_a_table_are_named_by_columns_of_its_key(mart: Mart) -> None:
    assert set(mart.named_by) <= set(mart.per)
    assert mart.named_by == ("month",) or "month" not in mart.per


def _with_months(names: Iterable[str]) -> set[str]:
    """A month's first day stands for the month."""
    return {re.sub(r"(\d{4}-\d\d)-01\b", r"\1", name) for name in names}


def _require_that_broken_rows_are_found_and_named(
    path: Path, suites: list[Suite], results: list[ExpectationResult]
) -> None:
    """The SQL of the Data Docs finds as many rows as were counted, and the suite's names of them are told."""
    checks = {(suite.name, check.name): (suite, check) for suite in suites for check in suite.checks}
    nameless = set()
    with duckdb.connect(str(path), read_only=True) as con:
        for result in results:
            if result.unexpected_count is None:
                continue  # it could not be checked: a table was dropped
            suite, check = checks[result.suite, result.expectation]
            query = suite.breaking_rows(check)
            assert query is not None
            found = con.execute(query)
            columns = [column[0] for column in found.description]
            rows = found.fetchall()
            assert len(rows) == result.unexpected_count, result
            if not rows:
                continue
            places = [columns.index(name) for name in suite.named_by]
            known = {" ".join(str(row[place]) for place in places if row[place] is not None) for row in rows}
            told = result.observed.partition(" break it: ")[2].removesuffix("; …").split("; ")
            if not places:
                nameless.add(suite.name)
            else:
                assert all(told) and set(told) <= _with_months(known) | {"(no name)"}, result
                assert len(told) == min(5, len(known))
    assert nameless == set()


def test_release_checks_pass_on_a_sound_and_fail_on_a_broken_candidate(tmp_path: Path) -> None:
    last, candidate = tmp_path / "last", tmp_path / "release.duckdb"
    last.mkdir()
    build_release(last / "release.duckdb", last / "parquet")
    build_release(candidate)
    suites = release_suites(last)
    assert names(suites) == set(RELEASE_BREAKS)
    assert failed(run_suites(candidate, suites, build_id="sound")) == {}
    break_database(candidate, RELEASE_BREAKS)
    broken = run_suites(candidate, suites, build_id="broken")
    assert set(RELEASE_BREAKS) - set(failed(broken)) == set()
    _require_that_broken_rows_are_found_and_named(candidate, suites, broken)


@pytest.mark.parametrize(
    ("accepted", "is_refused"),
    [
        ("", True),
        ("insert into seeds.accepted_missing_inputs values ('conversations', '2024-12-01', 'lost', 'x', null)", False),
    ],
    ids=["missing", "accepted"],
)
def test_a_missing_input_is_an_error_until_somebody_accepts_it(tmp_path: Path, accepted: str, is_refused: bool) -> None:
    path = tmp_path / "warehouse.duckdb"
    build_warehouse(path)
    with duckdb.connect(str(path)) as con:
        con.execute("delete from raw.current_batches where dataset = 'conversations' and period = '2024-12-01'")
        con.execute(accepted)
    inputs = [suite for suite in staging_suites() if suite.name == "staging_inputs"]
    errors = {result.expectation for result in run_suites(path, inputs, build_id="b") if not result.success}
    assert ("every_input_is_delivered_or_accepted" in errors) is is_refused
    assert "no_acceptance_is_needed" in errors


def _not_due(path: Path, *statements: str) -> set[str]:
    """Tables without exactly what is due, after the statements."""
    build_warehouse(path)
    with duckdb.connect(str(path)) as con:
        for statement in statements:
            con.execute(statement)
    results = run_suites(path, [due_suite()], build_id="b")
    assert not [result.observed for result in results if result.observed.startswith(NOT_CHECKED)]
    return {result.expectation.removesuffix("_has_what_is_due") for result in results if not result.success}


DUE = (
    "category_assignments",
    "supervision",
    "timeliness_and_results",
    "timeliness_and_results_correlation",
    "early_effort",
    "benefit_levels",
    "similar_municipalities",
    "follow_up",
)


def test_an_empty_table_of_which_rows_are_due_is_an_error(tmp_path: Path) -> None:
    statements = [f"delete from marts.fct_{name}" for name in DUE]
    assert _not_due(tmp_path / "warehouse.duckdb", *statements) == set(DUE)
    assert {check.severity for check in due_suite().checks} == {"error"}


_NO_PERIOD = [f"delete from marts.fct_{name}" for name in DUE[:4]]
_NO_MODEL = "delete from marts.fct_benefit_levels where expected_source = 'model'"


@pytest.mark.parametrize(
    "statements",
    [
        (
            "delete from intermediate.int_months",
            *_NO_PERIOD,
            _NO_MODEL,
            "delete from marts.fct_early_effort",
            "delete from marts.fct_follow_up",
        ),
        ("update intermediate.int_months set is_window_complete = false", *_NO_PERIOD, _NO_MODEL),
        ("update intermediate.int_benefit_level__model_status set is_complete = false", _NO_MODEL),
        (
            "delete from staging.stg_jobindsats__y30r21",
            "delete from marts.fct_benefit_levels where expected_source = 'published'",
        ),
        (
            "delete from staging.stg_jobindsats__y30r21 where municipality_code <> '0101'",
            "delete from marts.fct_benefit_levels where expected_source = 'published' and municipality_code <> '0101'",
            "delete from marts.fct_similar_municipalities",
        ),
        (
            "update staging.stg_jobindsats__y30r21 set expected_percentage = null",
            "delete from marts.fct_similar_municipalities",
        ),
        (
            "update intermediate.int_months set early_effort_completed_months = null",
            "delete from marts.fct_early_effort",
        ),
        (
            "update seeds.follow_up_rounds set baseline_month = date '2017-11-01'",
            "delete from marts.fct_follow_up",
        ),
        (
            "update intermediate.int_months set month = date '2024-06-01', as_of_date = date '2024-06-30'"
            " where is_window_complete",
            "update marts.fct_early_effort set month = date '2024-06-01' where month = date '2024-12-01'",
            *[
                f"update marts.fct_{name} set period_code = '2024QMAT02'"
                for name in ("category_assignments", *DUE[2:4])
            ],
            "update marts.fct_benefit_levels set period_code = '2024QMAT02' where expected_source = 'model'",
            "update marts.fct_similar_municipalities set period_code = '2024QMAT02'",
            "insert into marts.fct_similar_municipalities by name"
            " (select '2024QMAT04' as period_code, municipality_code from seeds.municipalities)",
            "delete from marts.fct_supervision",
            "delete from marts.fct_follow_up",
        ),
    ],
    ids=[
        "no loaded month",
        "fewer than twelve months",
        "no framework conditions",
        "nothing published",
        "one municipality published",
        "no expected share published",
        "before early effort",
        "no round with both months",
        "no annual statement",
    ],
)
def test_what_is_not_due_may_be_absent(tmp_path: Path, statements: tuple[str, ...]) -> None:
    assert _not_due(tmp_path / "warehouse.duckdb", *statements) == set()


def test_a_period_without_a_word_on_its_model_is_due(tmp_path: Path) -> None:
    statements = ("delete from intermediate.int_benefit_level__model_status", _NO_MODEL)
    assert _not_due(tmp_path / "warehouse.duckdb", *statements) == {"benefit_levels"}
