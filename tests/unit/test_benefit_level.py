"""The model of the expected level on tables: independence of order, errors that name the period, diagnostics."""

import numpy as np
import pytest

from orchestration.lib.benefit_level import (
    coefficient_table,
    diagnostics_table,
    fit_levels,
    fitted_table,
    rank_table,
)
from orchestration.lib.correlation_table import correlation_table
from orchestration.lib.funnel_table import funnel_table
from orchestration.lib.statistics import RankDeficientError

MUNICIPALITIES = [f"{number:04d}" for number in range(101, 141)]
COVARIATES = ["age_16_24", "living_alone", "social_housing"]
RULES = {
    "period_code": np.array(["2024QMAT02"], dtype=object),
    "rank_simulation_draws": np.array([400]),
    "rank_simulation_seed": np.array([1]),
    "best_rank_maximum": np.array([10]),
    "confidence_z": np.array([1.959964]),
    "funnel_wide_z": np.array([3.090232]),
    "funnel_winsorised_share": np.array([0.1]),
    "correlation_minimum_municipalities": np.array([4], dtype=np.int32),
}


def _tables(order: np.random.Generator | None = None) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """40 municipalities, 3 covariates, 2 areas of one complete period; shuffled rows when `order` is given."""
    generator = np.random.default_rng(11)
    values = generator.normal(20, 5, size=(len(MUNICIPALITIES), len(COVARIATES)))
    population = generator.integers(2_000, 90_000, len(MUNICIPALITIES))
    shares = {
        "all": 5 + values @ np.array([0.1, 0.05, 0.02]) + generator.normal(0, 0.4, len(MUNICIPALITIES)),
        "dagpenge": 2 + values @ np.array([0.02, 0.01, 0.0]) + generator.normal(0, 0.2, len(MUNICIPALITIES)),
    }
    actual_rows = [
        ("2024QMAT02", area, code, shares[area][place], population[place])
        for area in shares
        for place, code in enumerate(MUNICIPALITIES)
    ]
    design_rows = [
        ("2024QMAT02", code, covariate, values[place, column])
        for place, code in enumerate(MUNICIPALITIES)
        for column, covariate in enumerate(COVARIATES)
    ]
    if order is not None:
        actual_rows = [actual_rows[place] for place in order.permutation(len(actual_rows))]
        design_rows = [design_rows[place] for place in order.permutation(len(design_rows))]
    names = ("period_code", "benefit_area_code", "municipality_code", "actual_percentage", "population_16_66")
    actuals = dict(
        zip(names, (np.array(column, dtype=object) for column in zip(*actual_rows, strict=True)), strict=True)
    )
    design_names = ("period_code", "municipality_code", "covariate_code", "covariate_value")
    design = dict(
        zip(
            design_names,
            (np.array(column, dtype=object) for column in zip(*design_rows, strict=True)),
            strict=True,
        )
    )
    return actuals, design


def test_the_order_of_the_rows_changes_nothing() -> None:
    straight = fit_levels(*_tables())
    shuffled = fit_levels(*_tables(np.random.default_rng(5)))
    assert fitted_table(straight, RULES).equals(fitted_table(shuffled, RULES))
    assert coefficient_table(straight, RULES).equals(coefficient_table(shuffled, RULES))
    assert rank_table(straight, RULES).equals(rank_table(shuffled, RULES))


def test_there_is_a_fit_per_area_and_the_country_is_as_expected() -> None:
    fits = fit_levels(*_tables())
    assert [(fit.period_code, fit.benefit_area_code) for fit in fits] == [
        ("2024QMAT02", "all"),
        ("2024QMAT02", "dagpenge"),
    ]
    diagnostics = diagnostics_table(fits).to_pylist()
    assert all(abs(row["weighted_difference_sum"]) < 1e-6 for row in diagnostics)
    assert [row["column_count"] for row in diagnostics] == [4, 4]
    table = fitted_table(fits, RULES)
    assert table.num_rows == 80
    actual, expected = (np.array(table.column(name)) for name in ("actual_percentage", "expected_percentage"))
    assert actual - expected == pytest.approx(np.array(table.column("difference_percentage_points")), abs=1e-12)
    lower, upper, error = (
        np.array(table.column(name))
        for name in ("difference_lower_95", "difference_upper_95", "difference_standard_error")
    )
    assert upper - lower == pytest.approx(2 * 1.959964 * error)
    narrower = fitted_table(fits, {**RULES, "confidence_z": np.array([1.0])})
    assert np.array(narrower.column("difference_upper_95")) - (actual - expected) == pytest.approx(error)


def test_the_intercept_has_no_variance_inflation() -> None:
    rows = coefficient_table(fit_levels(*_tables(), areas=("all",)), RULES).to_pylist()
    assert [row["term_code"] for row in rows] == ["intercept", *COVARIATES]
    assert rows[0]["variance_inflation"] is None
    assert all(row["variance_inflation"] >= 1 for row in rows[1:])


def test_the_interval_of_a_coefficient_is_as_wide_as_the_rule_says() -> None:
    fits = fit_levels(*_tables(), areas=("all",))
    for row in coefficient_table(fits, {**RULES, "confidence_z": np.array([2.0])}).to_pylist():
        assert row["coefficient_upper_95"] - row["coefficient"] == pytest.approx(2 * row["standard_error"])


def _points(period: str) -> dict[str, np.ndarray]:
    """Five municipalities whose share on time, 0.2 to 0.6, goes with the difference, but for two of them."""
    return {
        "period_code": np.array([period] * 5, dtype=object),
        "municipality_code": np.array(["0101", "0147", "0151", "0153", "0155"], dtype=object),
        "on_time_share": np.array([0.2, 0.3, 0.4, 0.5, 0.6]),
        "difference_percentage_points": np.array([2.0, 1.0, 4.0, 3.0, 5.0]),
        "measure_id": np.array(["conversation_timeliness"] * 5, dtype=object),
        "measure_value": np.array([0.2, 0.3, 0.4, 0.5, 0.6]),
        "measured_count": np.array([100.0] * 5),
        "national_value": np.array([0.4] * 5),
    }


def test_a_correlation_takes_its_rules_from_its_period() -> None:
    (row,) = correlation_table(_points("2024QMAT02"), RULES).to_pylist()
    assert row["pearson"] == pytest.approx(0.8) and row["pearson_upper_95"] == pytest.approx(0.9861962, abs=1e-6)
    rules = {**RULES, "confidence_z": np.array([1.0])}
    (row,) = correlation_table(_points("2024QMAT02"), rules).to_pylist()
    assert row["pearson_upper_95"] == pytest.approx(np.tanh(np.arctanh(0.8) + 1 / np.sqrt(2)))
    rules = {**RULES, "correlation_minimum_municipalities": np.array([6])}
    (row,) = correlation_table(_points("2024QMAT02"), rules).to_pylist()
    assert row["municipality_count"] == 5 and row["pearson"] is None and row["spearman"] is None
    with pytest.raises(KeyError, match="2024QMAT04"):
        correlation_table(_points("2024QMAT04"), RULES)


def test_a_funnel_takes_its_rules_from_its_period() -> None:
    """Five shares of 100 persons around 0.4, z = −4.1 … 4.1; without winsorising φ is the mean of their squares."""
    rules = {
        **RULES,
        "confidence_z": np.array([1.0]),
        "funnel_wide_z": np.array([2.0]),
        "funnel_winsorised_share": np.array([0.0]),
    }
    row = funnel_table(_points("2024QMAT02"), rules).to_pylist()[0]
    error = np.sqrt(0.4 * 0.6 / 100)
    spread = float(np.mean((np.array([0.2, 0.1, 0.0, 0.1, 0.2]) / error) ** 2))
    assert row["funnel_overdispersion"] == pytest.approx(spread)
    assert row["funnel_upper_95"] == pytest.approx(0.4 + error * np.sqrt(spread))
    assert row["funnel_upper_998"] == pytest.approx(0.4 + 2 * error * np.sqrt(spread))
    assert funnel_table(_points("2024QMAT02"), RULES).to_pylist()[0]["funnel_overdispersion"] < spread


def test_without_complete_periods_the_tables_are_empty_and_typed() -> None:
    actuals, design = _tables()
    nothing = {name: column[:0] for name, column in design.items()}
    fits = fit_levels(actuals, nothing)
    assert fits == []
    for table in (
        fitted_table(fits, RULES),
        coefficient_table(fits, RULES),
        diagnostics_table(fits),
        rank_table(fits, RULES),
    ):
        assert table.num_rows == 0
        assert all(str(field.type) != "null" for field in table.schema)


def test_a_missing_cell_is_an_error_that_names_the_period() -> None:
    actuals, design = _tables()
    with pytest.raises(ValueError, match="2024QMAT02: 1 cells of the framework conditions lack"):
        fit_levels(actuals, {name: column[1:] for name, column in design.items()})


def test_a_municipality_without_share_is_an_error_that_names_the_area() -> None:
    actuals, design = _tables()
    with pytest.raises(ValueError, match="2024QMAT02, all: shares and framework conditions cover other"):
        fit_levels({name: column[1:] for name, column in actuals.items()}, design)


def test_covariates_that_depend_on_each_other_name_period_area_and_themselves() -> None:
    actuals, design = _tables()
    constant = design["covariate_value"].copy()
    constant[design["covariate_code"] == "living_alone"] = 7.0
    with pytest.raises(RankDeficientError, match=r"2024QMAT02, all: .*living_alone is the same"):
        fit_levels(actuals, {**design, "covariate_value": constant})
