"""The probability of a category, and what-if scenarios on a small hand-made release."""

import csv
from pathlib import Path

import duckdb
import numpy as np
import pytest
import yaml

from orchestration.lib.category import category_probability, probability_table
from orchestration.lib.reading_places import NothingToRead, Place
from orchestration.lib.scenario import (
    ScenarioParameters,
    compare_scenario,
    decide_category,
    describe,
    describe_in_markdown,
    focus_status,
    result_status,
)


def test_the_probability_is_of_the_side_on_which_the_municipality_stands() -> None:
    """0.196 points from the line with a standard error of 0.1: Φ(1.96) = 0.9750021, on either side of it."""
    assert category_probability(0.196, 0.1, True, 1) == pytest.approx(0.9750021, abs=1e-7)
    assert category_probability(-0.196, 0.1, False, 4) == pytest.approx(0.9750021, abs=1e-7)
    assert category_probability(0.0, 0.1, True, 1) == 0.5


@pytest.mark.parametrize(
    ("distance", "error", "met", "category"),
    [(0.1, None, True, 1), (0.1, 0.0, True, 1), (None, 0.1, None, 0), (0.1, 0.1, True, 0)],
)
def test_there_is_no_probability_for_published_without_noise_or_not_assessed(
    distance: float | None, error: float | None, met: bool | None, category: int
) -> None:
    assert category_probability(distance, error, met, category) is None


def test_a_table_with_missing_values_keeps_them_missing() -> None:
    table = probability_table(
        {
            "scenario_code": np.array(["a", "a"], dtype=object),
            "period_code": np.array(["2020QMAT04", "2020QMAT04"], dtype=object),
            "municipality_code": np.array(["0101", "0147"], dtype=object),
            "result_distance": np.ma.MaskedArray([0.0, 0.3], mask=[False, False]),
            "difference_standard_error": np.ma.MaskedArray([0.1, 0.0], mask=[False, True]),
            "is_result_met": np.ma.MaskedArray([True, True], mask=[False, False]),
            "municipality_category": np.array([1, 1], dtype=np.int32),
        }
    )
    assert table.column("category_probability").to_pylist() == [0.5, None]


@pytest.mark.parametrize(
    ("difference", "margin", "expected"),
    [
        (0.2, 0.2, "met"),
        (0.2000000004, 0.2, "met"),
        (0.200000001, 0.2, "not_met"),
        (0.1 + 0.2, 0.3, "met"),
        (None, 0.2, None),
    ],
)
def test_a_difference_exactly_on_the_margin_is_met(
    difference: float | None, margin: float, expected: str | None
) -> None:
    assert result_status(difference, margin, 9) == expected


@pytest.mark.parametrize(
    ("in_force", "value", "limit", "expected"),
    [
        (True, 30.0, 30.0, "not_met"),
        (True, 29.9999999999, 30.0, "not_met"),
        (True, 29.999999999, 30.0, "met"),
        (True, None, 30.0, None),
        (False, 10.0, None, "not_in_force"),
    ],
)
def test_a_share_exactly_on_the_limit_is_not_met(
    in_force: bool, value: float | None, limit: float | None, expected: str | None
) -> None:
    assert focus_status(in_force, value, limit, 9) == expected


def test_a_combination_that_the_decision_table_lacks_is_an_error() -> None:
    with pytest.raises(KeyError, match="No category for met, met, met"):
        decide_category(("met", "met", "met"), {})


@pytest.mark.parametrize("name", ["category_of_every_combination", "category_exactly_on_the_line"])
def test_the_what_if_decides_as_the_model_does(name: str) -> None:
    """The table-driven unit tests of int_category__decisions, run through the Python rules: neither may drift."""
    folder = Path(__file__).resolve().parents[2] / "models" / "intermediate" / "category"
    tests = yaml.safe_load((folder / "_category__unit_tests.yml").read_text(encoding="utf-8"))["unit_tests"]
    test = next(test for test in tests if test["name"] == name)
    given = {part["input"]: list(csv.DictReader(part["rows"].splitlines())) for part in test["given"]}
    decisions = {
        (row["result_status"], row["offers_status"], row["conversations_status"]): int(row["municipality_category"])
        for row in given["ref('rule_category_decisions')"]
    }
    expected = {
        row["municipality_code"]: int(row["municipality_category"])
        for row in csv.DictReader(test["expect"]["rows"].splitlines())
    }

    def number(text: str) -> float | None:
        return float(text) if text else None

    decided = {}
    for row in given["ref('int_category__inputs')"]:
        decimals = int(row["comparison_decimals"])
        offers, conversations = (row[f"is_{goal}_in_force"] == "true" for goal in ("offers", "conversations"))
        statuses = (
            result_status(number(row["difference_percentage_points"]), float(row["result_margin"]), decimals),
            focus_status(offers, number(row["passive_percentage"]), number(row["passive_limit_percentage"]), decimals),
            focus_status(
                conversations,
                number(row["few_conversations_percentage"]),
                number(row["few_conversations_limit_percentage"]),
                decimals,
            ),
        )
        decided[row["municipality_code"]] = decide_category(statuses, decisions)
    assert len(decided) >= 10
    assert decided == expected


@pytest.fixture()
def warehouse() -> Place:
    """Four municipalities in a period with both goals, and one period in which offers are suspended."""
    connection = duckdb.connect()
    connection.execute("""
        create schema marts;
        create table marts.dim_rules as
            select 'category_decision' as rule_code, r || '/' || o || '/' || c as rule_key, date '1900-01-01' as
                valid_from_date,
                case when r = 'met' and o <> 'not_met' and c <> 'not_met' then 1
                     when o <> 'not_met' and c <> 'not_met' then 2 when r = 'met' then 3 else 4 end as value
            from (values ('met'), ('not_met')) as a(r),
                 (values ('met'), ('not_met'), ('not_in_force')) as b(o),
                 (values ('met'), ('not_met'), ('not_in_force')) as d(c);
        alter table marts.dim_rules add column valid_to_date date default date '9999-12-31';
        -- At the end of 2021 figures begin to be compared to the nearest whole number.
        insert into marts.dim_rules values
            ('comparison_decimals', 'all', date '1900-01-01', 9, date '2021-12-31'),
            ('comparison_decimals', 'all', date '2021-12-31', 0, date '9999-12-31'),
            ('comparison_decimals', 'early_effort', date '1900-01-01', 2, date '9999-12-31');
        create table marts.dim_municipalities as
            select * from (values ('0101', 'København', true), ('0101', 'Gammelt navn', false), ('0147',
                'Frederiksberg', true),
                ('0253', 'Greve', true), ('0306', 'Odsherred', true)) as m(municipality_code, municipality_name,
                    is_current);
        create table marts.fct_category_assignments as
            select * from (values
                ('official', '2020QMAT02', '0101', 4, 0.1::double, 32.0::double, 30.0::double, 10.0::double,
                    20.0::double),
                ('official', '2020QMAT02', '0147', 1, -0.5, 27.0, 30.0, 10.0, 20.0),
                ('official', '2020QMAT02', '0253', 2, 0.2, 20.0, 30.0, 10.0, 20.0),
                ('official', '2020QMAT02', '0306', 0, -0.5, null, 30.0, 10.0, 20.0),
                ('official', '2021QMAT04', '0147', 1, -0.5, 45.0, null, 10.0, 20.0),
                ('draft_2019', '2020QMAT02', '0101', 4, 0.1, 32.0, 20.0, 10.0, 20.0)
            ) as t(scenario_code, period_code, municipality_code, municipality_category, difference_percentage_points,
                passive_percentage, passive_limit_percentage, few_conversations_percentage,
                    few_conversations_limit_percentage);
        alter table marts.fct_category_assignments add column result_margin double default 0.0;
        alter table marts.fct_category_assignments add column category_name_da varchar;
        update marts.fct_category_assignments set category_name_da = 'Inspirationskommune'
            where municipality_category = 1;
        create table marts.fct_benefit_levels as
            select '2020QMAT02' as period_code, '0253' as municipality_code, 'all_with_foertidspension' as
                benefit_area_code,
                'model' as expected_source, -0.1::double as difference_percentage_points;
    """)
    return Place(connection, Path("warehouse.duckdb"), is_release=False)


def _moves(place: Place, **parameters: object) -> dict[tuple[str, str], tuple[int, int]]:
    comparison = compare_scenario(place, ScenarioParameters(**parameters))  # type: ignore[arg-type]
    return {
        (change.period_code, change.municipality_code): (change.official_category, change.scenario_category)
        for change in comparison.changes
    }


def test_the_official_parameters_change_nobody(warehouse: Place) -> None:
    assert _moves(warehouse) == {}


def test_a_margin_clears_those_within_it_the_one_on_the_line_too(warehouse: Place) -> None:
    assert _moves(warehouse, margin=0.2) == {("2020QMAT02", "0101"): (4, 3), ("2020QMAT02", "0253"): (2, 1)}


def test_a_lower_limit_moves_those_above_it_also_where_official_suspends_the_goal(warehouse: Place) -> None:
    assert _moves(warehouse, passive_limit=25.0) == {
        ("2020QMAT02", "0147"): (1, 3),
        ("2021QMAT04", "0147"): (1, 3),
    }


def test_figures_are_compared_as_exactly_as_the_rule_in_force_says(warehouse: Place) -> None:
    """44.6 is 45 to the nearest whole number, and a share on its limit is not met."""
    statement = "update marts.fct_category_assignments set passive_percentage = ? where period_code = ?"
    warehouse.connection.execute(statement, [44.6, "2021QMAT04"])
    assert _moves(warehouse, passive_limit=45.0) == {("2020QMAT02", "0101"): (4, 2), ("2021QMAT04", "0147"): (1, 3)}
    warehouse.connection.execute("delete from marts.dim_rules where valid_from_date = date '2021-12-31'")
    with pytest.raises(NothingToRead, match=r"No rule comparison_decimals in dim_rules of .* for 2021QMAT04\."):
        _moves(warehouse, passive_limit=45.0)


def test_each_period_is_decided_by_the_table_in_force_on_its_last_day(warehouse: Place) -> None:
    """From the last day of 2021 to 2030 every combination is category 2, and 3 from then on."""
    warehouse.connection.execute("""
        create table decisions as from marts.dim_rules where rule_code = 'category_decision';
        update marts.dim_rules set valid_to_date = date '2021-12-31' where rule_code = 'category_decision';
        insert into marts.dim_rules select * replace (date '2021-12-31' as valid_from_date, 2 as value,
            date '2030-01-01' as valid_to_date) from decisions;
        insert into marts.dim_rules select * replace (date '2030-01-01' as valid_from_date, 3 as value) from decisions;
    """)
    assert _moves(warehouse) == {("2021QMAT04", "0147"): (1, 2)}
    assert _moves(warehouse, passive_limit=25.0) == {
        ("2020QMAT02", "0147"): (1, 3),
        ("2021QMAT04", "0147"): (1, 2),
    }
    warehouse.connection.execute("delete from marts.dim_rules where valid_from_date = date '2021-12-31' and value = 2")
    with pytest.raises(KeyError, match="No category for met, not_in_force, met"):
        _moves(warehouse)


def test_with_foertidspension_the_models_area_decides_and_its_absence_is_category_0(warehouse: Place) -> None:
    assert _moves(warehouse, counts_foertidspension=True) == {
        ("2020QMAT02", "0101"): (4, 0),
        ("2020QMAT02", "0147"): (1, 0),
        ("2020QMAT02", "0253"): (2, 1),
        ("2021QMAT04", "0147"): (1, 0),
    }


def test_what_a_release_hides_is_said_and_not_guessed(warehouse: Place) -> None:
    warehouse.connection.execute("""
        create table main.rpt_category_assignments as
            select *, municipality_code = '0147' as is_suppressed from marts.fct_category_assignments;
        create table main.dim_municipalities as from marts.dim_municipalities;
        create table main.dim_rules as from marts.dim_rules;
    """)
    release = Place(warehouse.connection, Path("release.duckdb"), is_release=True)
    comparison = compare_scenario(release, ScenarioParameters(passive_limit=25.0))
    assert comparison.changes == ()
    assert comparison.hidden == (("2020QMAT02", "Frederiksberg"), ("2021QMAT04", "Frederiksberg"))
    shown = {period: sum(counts.values()) for period, counts in comparison.official_counts.items()}
    text = describe(comparison)
    told = f"The table is about {shown['2020QMAT02']} of {shown['2020QMAT02'] + 1} municipalities (2020QMAT02), "
    assert told in text.split("Municipalities per category")[0] and told in describe_in_markdown(comparison)
    assert "  2020QMAT02  1: Frederiksberg" in text.split("Left out above")[1]


def test_the_text_names_the_rules_the_counts_and_what_turns_each(warehouse: Place) -> None:
    text = describe(compare_scenario(warehouse, ScenarioParameters(margin=0.2), "2020QMAT02"))
    assert "margin 0.2 percentage points, passive limit as official" in text
    counts = [" ".join(line.split()) for line in text.split("\n\n")[1].splitlines()[2:]]
    assert counts == ["0 1 → 1", "1 Inspirationskommune 1 → 2", "2 1 → 0", "3 0 → 1", "4 1 → 0"]
    assert "2020QMAT02  København            4 → 3          0.100    32.00     10.00  result: not met → met" in text
    assert "Gammelt navn" not in text


def test_the_markdown_says_the_same(warehouse: Place) -> None:
    text = describe_in_markdown(compare_scenario(warehouse, ScenarioParameters(passive_limit=25.0)))
    assert "| category (official → tried) | 2020QMAT02 | 2021QMAT04 |" in text
    assert "| 1 Inspirationskommune | 1 → 0 | 1 → 0 |" in text
    assert "| 3 | 0 → 1 | 0 → 1 |" in text
    row = "| 2021QMAT04 | Frederiksberg | 1 → 3 | -0.500 | 45.00 | 10.00 | active offers: not in force → not met |"
    assert row in text


def test_a_period_without_categories_is_an_error_that_names_the_periods(warehouse: Place) -> None:
    with pytest.raises(NothingToRead, match=r"for 2019QMAT04.*it has 2020QMAT02, 2021QMAT04"):
        compare_scenario(warehouse, ScenarioParameters(), "2019QMAT04")


@pytest.mark.parametrize("parameters", [{"margin": -1.0}, {"passive_limit": 130.0}, {"conversations_limit": -5.0}])
def test_parameters_without_sense_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        ScenarioParameters(**parameters)  # type: ignore[arg-type]
