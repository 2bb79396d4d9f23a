"""The scalar rules as Python takes them, and models that must not do without a rule."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.disclosure import control
from orchestration.lib.rules import RuleMissing, loaded_parameter, read_parameter
from orchestration.lib.settings import PROJECT_ROOT
from tests.support.rendering import model_sql

ROWS = (
    ("disclosure_hidden_maximum", "2", "1900-01-01", "2025-07-01"),
    ("disclosure_hidden_maximum", "9", "2025-07-01", "2030-01-01"),
    ("doubled", "1", "1900-01-01", "9999-12-31"),
    ("doubled", "2", "2020-01-01", "9999-12-31"),
)


@pytest.fixture()
def project(tmp_path: Path) -> Path:
    seed = tmp_path / "seeds/rules/rule_parameters.csv"
    seed.parent.mkdir(parents=True)
    lines = [",".join(row) for row in ROWS]
    seed.write_text("\n".join(["parameter_code,value,valid_from_date,valid_to_date", *lines, ""]))
    return tmp_path


@pytest.fixture()
def warehouse(project: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as warehouse; create schema warehouse.seeds")
    connection.execute(
        "create table warehouse.seeds.rule_parameters as select * replace (value::decimal(18, 6) as value) "
        f"from read_csv('{project / 'seeds/rules/rule_parameters.csv'}')"
    )
    return connection


@pytest.mark.parametrize(
    ("day", "value"), [("2025-06-30", "2"), ("2025-07-01", "9"), ("2029-12-31", "9"), ("1900-01-01", "2")]
)
def test_the_row_in_force_on_the_day_is_taken(
    project: Path, warehouse: duckdb.DuckDBPyConnection, day: str, value: str
) -> None:
    """A row of the future changes nothing before its first day, in the seed's file and as loaded."""
    on = date.fromisoformat(day)
    assert read_parameter(project, "disclosure_hidden_maximum", on) == Decimal(value)
    assert loaded_parameter(warehouse, "warehouse", "disclosure_hidden_maximum", on) == Decimal(value)
    assert control.hidden_maximum(warehouse, "warehouse", on) == int(value)


@pytest.mark.parametrize(
    ("code", "day", "message"),
    [
        ("disclosure_hidden_maximum", "2030-01-01", "no row of disclosure_hidden_maximum valid on 2030-01-01"),
        ("unheard_of", "2025-01-01", "no row of unheard_of valid on 2025-01-01"),
        ("doubled", "2025-01-01", "2 rows of doubled valid on 2025-01-01"),
    ],
)
def test_no_rule_or_two_is_an_error_that_names_it(
    project: Path, warehouse: duckdb.DuckDBPyConnection, code: str, day: str, message: str
) -> None:
    on = date.fromisoformat(day)
    with pytest.raises(RuleMissing, match=message):
        read_parameter(project, code, on)
    with pytest.raises(RuleMissing, match=message):
        loaded_parameter(warehouse, "warehouse", code, on)
    with pytest.raises(RuleMissing, match="memory has no table rule_parameters, so there is no rule unheard_of"):
        loaded_parameter(warehouse, "memory", "unheard_of", on)


def test_a_release_without_a_threshold_on_its_day_is_refused(warehouse: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(control.DisclosureError, match=r"no rule says which counts are hidden: .* valid on 2030-01-01"):
        control.hidden_maximum(warehouse, "warehouse", date(2030, 1, 1))
    warehouse.execute("update warehouse.seeds.rule_parameters set value = 2.5 where value = 2")
    with pytest.raises(control.DisclosureError, match="must be a whole number"):
        control.hidden_maximum(warehouse, "warehouse", date(2025, 1, 1))


def _seed(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    path = next((PROJECT_ROOT / "seeds").rglob(f"{name}.csv"))
    connection.execute(f"create table {name} as select * from read_csv('{path}')")


@pytest.fixture()
def months() -> duckdb.DuckDBPyConnection:
    """October and November 2023 are loaded; the early-effort follow-up begins in November."""
    connection = duckdb.connect()
    _seed(connection, "rule_parameters")
    connection.execute(
        "create table stg_extracts__batches as select 'benefit_periods' as dataset_code, * "
        "from (values (date '2023-10-01'), (date '2023-11-01')) as t (month)"
    )
    return connection


def test_the_early_effort_has_all_of_its_rules_or_none(months: duckdb.DuckDBPyConnection) -> None:
    sql = f"select early_effort_share, early_effort_run_months from ({model_sql('int_months')}) order by month"
    found = months.execute(sql).fetchall()
    assert [tuple(None if value is None else float(value) for value in row) for row in found] == [
        (None, None),
        (0.8, 6.0),
    ]
    for code in (
        "early_effort_completed_months",
        "early_effort_required_conversations",
        "early_effort_share",
        "early_effort_minimum_persons",
        "early_effort_run_months",
    ):
        months.execute(f"create or replace table kept as from rule_parameters where parameter_code <> '{code}'")
        broken = model_sql("int_months").replace("from rule_parameters", "from kept")
        with pytest.raises(duckdb.Error, match=f"No rule in force: {code} on 2023-11-30"):
            months.execute(broken).fetchall()


def test_a_hole_is_looked_for_in_the_window_of_the_rule(months: duckdb.DuckDBPyConnection) -> None:
    """January to March 2024 are not loaded: seen from August a hole in the last twelve months, not in the last five."""
    months.execute(
        "insert into stg_extracts__batches select 'benefit_periods', month::date "
        "from range(date '2024-04-01', date '2024-09-01', interval 1 month) as t (month)"
    )
    sql = f"select has_hole_in_window, is_window_complete from ({model_sql('int_months')}) where month = '2024-08-01'"
    assert months.execute(sql).fetchall() == [(True, False)]
    months.execute("update rule_parameters set value = 5 where parameter_code = 'activity_window_months'")
    assert months.execute(sql).fetchall() == [(False, False)]
    months.execute("delete from stg_extracts__batches where month = '2024-06-01'")
    assert months.execute(sql).fetchall() == [(True, False)]


def test_a_scenario_without_a_row_for_a_loaded_period_is_an_error() -> None:
    connection = duckdb.connect()
    for name in ("scenarios", "rule_goal_limits", "rule_goal_suspensions"):
        _seed(connection, name)
    connection.execute(
        "create table int_benefit_level__periods as select '2020QMAT04' as period_code, true as is_loaded, "
        "date '2020-12-31' as period_end_date, date '2020-12-01' as last_month, true as is_annual_statement, "
        "9 as comparison_decimals"
    )
    sql = model_sql("int_category__rules")
    assert len(connection.execute(sql).fetchall()) == len(connection.execute("from scenarios").fetchall())
    connection.execute("update scenarios set valid_from_date = '2020-12-31' where scenario_code = 'official'")
    assert len(connection.execute(sql).fetchall()) == len(connection.execute("from scenarios").fetchall())
    connection.execute("update scenarios set valid_from_date = '2021-01-01' where scenario_code = 'official'")
    with pytest.raises(duckdb.Error, match="No rule in force: scenario official for 2020QMAT04"):
        connection.execute(sql).fetchall()
