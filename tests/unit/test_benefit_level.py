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
from orchestration.lib.statistics import RankDeficientError

MUNICIPALITIES = [f"{number:04d}" for number in range(101, 141)]
COVARIATES = ["age_16_24", "living_alone", "social_housing"]
RULES = {
    "period_code": np.array(["2024QMAT02"], dtype=object),
    "rank_simulation_draws": np.array([400]),
    "rank_simulation_seed": np.array([1]),
    "best_rank_maximum": np.array([10]),
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
    assert fitted_table(straight).equals(fitted_table(shuffled))
    assert coefficient_table(straight).equals(coefficient_table(shuffled))
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
    table = fitted_table(fits)
    assert table.num_rows == 80
    actual, expected = (np.array(table.column(name)) for name in ("actual_percentage", "expected_percentage"))
    assert actual - expected == pytest.approx(np.array(table.column("difference_percentage_points")), abs=1e-12)
    lower, upper, error = (
        np.array(table.column(name))
        for name in ("difference_lower_95", "difference_upper_95", "difference_standard_error")
    )
    assert upper - lower == pytest.approx(2 * 1.959964 * error)


def test_the_intercept_has_no_variance_inflation() -> None:
    rows = coefficient_table(fit_levels(*_tables(), areas=("all",))).to_pylist()
    assert [row["term_code"] for row in rows] == ["intercept", *COVARIATES]
    assert rows[0]["variance_inflation"] is None
    assert all(row["variance_inflation"] >= 1 for row in rows[1:])


def test_without_complete_periods_the_tables_are_empty_and_typed() -> None:
    actuals, design = _tables()
    nothing = {name: column[:0] for name, column in design.items()}
    fits = fit_levels(actuals, nothing)
    assert fits == []
    for table in (fitted_table(fits), coefficient_table(fits), diagnostics_table(fits), rank_table(fits, RULES)):
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
