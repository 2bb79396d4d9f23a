"""The model of the expected level: from the tables of a period to fits, and from fits to tables.

The dbt Python models in `models/intermediate/benefit_level` are thin wrappers around these functions. Everything is
sorted here and BLAS is held to one thread, so the order of the input rows, the number of threads and a second run
change nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from orchestration.lib.columns import by_period, floats
from orchestration.lib.statistics import (
    RankDeficientError,
    WeightedFit,
    fit_weighted_least_squares,
    simulate_ranks,
)

Columns = Mapping[str, Any]
"""Columns by name, as DuckDB's `fetchnumpy` gives them."""


@dataclass(frozen=True)
class LevelFit:
    """The fit of one period and benefit area; municipalities and covariates in order of their codes."""

    period_code: str
    benefit_area_code: str
    municipality_codes: list[str]
    covariate_codes: list[str]
    actual_percentage: NDArray[np.float64]
    fit: WeightedFit


def fit_levels(actuals: Columns, design: Columns, areas: Collection[str] | None = None) -> list[LevelFit]:
    """Fit the actual share on the framework conditions, per period of `design` and benefit area, in order of their
    codes.

    `actuals`: period_code, benefit_area_code, municipality_code, actual_percentage, population_16_66 (the weight).
    `design`: period_code, municipality_code, covariate_code, covariate_value: every cell of the complete periods.
    `areas` limits the fits to some benefit areas. Raises ValueError that names the period (and area) when cells lack,
    and RankDeficientError when the covariates of a period depend on each other.
    """
    with threadpool_limits(limits=1):
        return [
            level_fit
            for period_code in _values(design, "period_code")
            for level_fit in _fit_period(period_code, actuals, design, areas)
        ]


def fitted_table(fits: Sequence[LevelFit], periods: Columns) -> pa.Table:
    """Return one row per period, municipality and benefit area with the fitted share and the noise of the difference.

    `periods` gives confidence_z per period_code: the standard errors on each side of the 95 per cent interval.
    """
    z = by_period(periods, "confidence_z")
    half = [float(z[level.period_code][0]) * level.fit.residual_standard_errors for level in fits]
    return pa.table(
        {
            **_observation_keys(fits),
            "actual_percentage": _doubles(level.actual_percentage for level in fits),
            "expected_percentage": _doubles(level.fit.fitted for level in fits),
            "difference_percentage_points": _doubles(level.fit.residuals for level in fits),
            "difference_standard_error": _doubles(level.fit.residual_standard_errors for level in fits),
            "difference_lower_95": _doubles(
                level.fit.residuals - width for level, width in zip(fits, half, strict=True)
            ),
            "difference_upper_95": _doubles(
                level.fit.residuals + width for level, width in zip(fits, half, strict=True)
            ),
            "leverage": _doubles(level.fit.leverage for level in fits),
        }
    )


def coefficient_table(fits: Sequence[LevelFit], periods: Columns) -> pa.Table:
    """Return one row per period, benefit area and term (`intercept` or a covariate's code) of the fit.

    `periods` gives confidence_z per period_code, as for the fitted shares.
    """
    z = by_period(periods, "confidence_z")
    terms = [["intercept", *level.covariate_codes] for level in fits]
    half = [float(z[level.period_code][0]) * level.fit.coefficient_standard_errors for level in fits]
    return pa.table(
        {
            "period_code": _texts([level.period_code] * len(codes) for level, codes in zip(fits, terms, strict=True)),
            "benefit_area_code": _texts(
                [level.benefit_area_code] * len(codes) for level, codes in zip(fits, terms, strict=True)
            ),
            "term_code": _texts(terms),
            "coefficient": _doubles(level.fit.coefficients for level in fits),
            "standard_error": _doubles(level.fit.coefficient_standard_errors for level in fits),
            "coefficient_lower_95": _doubles(
                level.fit.coefficients - width for level, width in zip(fits, half, strict=True)
            ),
            "coefficient_upper_95": _doubles(
                level.fit.coefficients + width for level, width in zip(fits, half, strict=True)
            ),
            "variance_inflation": _doubles((level.fit.variance_inflation for level in fits), nan_is_null=True),
        }
    )


def diagnostics_table(fits: Sequence[LevelFit]) -> pa.Table:
    """Return one row per fit: R², residual variance, and the largest leverage and variance inflation with their
    owners."""
    leverage_owner = [int(np.argmax(level.fit.leverage)) for level in fits]
    inflation_owner = [int(np.argmax(level.fit.variance_inflation[1:])) for level in fits]
    return pa.table(
        {
            "period_code": pa.array([level.period_code for level in fits], pa.string()),
            "benefit_area_code": pa.array([level.benefit_area_code for level in fits], pa.string()),
            "municipality_count": pa.array([level.fit.observation_count for level in fits], pa.int32()),
            "column_count": pa.array([level.fit.column_count for level in fits], pa.int32()),
            "r_squared": pa.array(
                [None if np.isnan(level.fit.r_squared) else level.fit.r_squared for level in fits], pa.float64()
            ),
            "sigma_squared": pa.array([level.fit.sigma_squared for level in fits], pa.float64()),
            "weighted_difference_sum": pa.array(
                [float((level.fit.weights * level.fit.residuals).sum()) for level in fits], pa.float64()
            ),
            "largest_leverage": pa.array(
                [float(level.fit.leverage[place]) for level, place in zip(fits, leverage_owner, strict=True)],
                pa.float64(),
            ),
            "largest_leverage_municipality_code": pa.array(
                [level.municipality_codes[place] for level, place in zip(fits, leverage_owner, strict=True)],
                pa.string(),
            ),
            "largest_variance_inflation": pa.array(
                [
                    float(level.fit.variance_inflation[place + 1])
                    for level, place in zip(fits, inflation_owner, strict=True)
                ],
                pa.float64(),
            ),
            "largest_variance_inflation_covariate_code": pa.array(
                [level.covariate_codes[place] for level, place in zip(fits, inflation_owner, strict=True)],
                pa.string(),
            ),
        }
    )


def rank_table(fits: Sequence[LevelFit], periods: Columns) -> pa.Table:
    """Return the simulated rank's interval and tail chances per period, municipality and benefit area of `fits`.

    `periods` gives the simulation's rules per period_code: rank_simulation_draws, rank_simulation_seed,
    best_rank_maximum.
    """
    rules = by_period(periods, "rank_simulation_draws", "rank_simulation_seed", "best_rank_maximum")
    with threadpool_limits(limits=1):
        results = [simulate_ranks(level.fit, *map(int, rules[level.period_code])) for level in fits]
    return pa.table(
        {
            **_observation_keys(fits),
            "rank_lower_95": _doubles(result.rank_lower_95 for result in results),
            "rank_upper_95": _doubles(result.rank_upper_95 for result in results),
            "best_ten_probability": _doubles(result.best_ten_probability for result in results),
            "worst_ten_probability": _doubles(result.worst_ten_probability for result in results),
        }
    )


def _fit_period(period_code: str, actuals: Columns, design: Columns, areas: Collection[str] | None) -> list[LevelFit]:
    in_period = np.asarray(design["period_code"]) == period_code
    municipality_codes, rows = np.unique(
        np.asarray(design["municipality_code"])[in_period].astype(str), return_inverse=True
    )
    covariate_codes, places = np.unique(
        np.asarray(design["covariate_code"])[in_period].astype(str), return_inverse=True
    )
    matrix = np.full((len(municipality_codes), len(covariate_codes)), np.nan)
    matrix[rows, places] = floats(design["covariate_value"])[in_period]
    if np.isnan(matrix).any():
        raise ValueError(f"{period_code}: {int(np.isnan(matrix).sum())} cells of the framework conditions lack.")

    actual_in_period = np.asarray(actuals["period_code"]) == period_code
    fits = []
    for area_code in np.unique(np.asarray(actuals["benefit_area_code"])[actual_in_period].astype(str)):
        if areas is not None and area_code not in areas:
            continue
        chosen = np.flatnonzero(actual_in_period & (np.asarray(actuals["benefit_area_code"]) == area_code))
        codes = np.asarray(actuals["municipality_code"])[chosen].astype(str)
        chosen = chosen[np.argsort(codes, kind="stable")]
        if not np.array_equal(np.sort(codes), municipality_codes):
            raise ValueError(f"{period_code}, {area_code}: shares and framework conditions cover other municipalities.")
        actual_percentage = floats(actuals["actual_percentage"])[chosen]
        weights = floats(actuals["population_16_66"])[chosen]
        names = [str(code) for code in covariate_codes]
        try:
            fit = fit_weighted_least_squares(actual_percentage, matrix, weights, names)
        except RankDeficientError as error:
            raise RankDeficientError(f"Expected level of {period_code}, {area_code}: {error}") from error
        fits.append(
            LevelFit(
                period_code=period_code,
                benefit_area_code=str(area_code),
                municipality_codes=[str(code) for code in municipality_codes],
                covariate_codes=names,
                actual_percentage=actual_percentage,
                fit=fit,
            )
        )
    return fits


def _values(columns: Columns, name: str) -> list[str]:
    return sorted({str(value) for value in columns[name]})


def _observation_keys(fits: Sequence[LevelFit]) -> dict[str, pa.Array]:
    return {
        "period_code": _texts([level.period_code] * len(level.municipality_codes) for level in fits),
        "municipality_code": _texts(level.municipality_codes for level in fits),
        "benefit_area_code": _texts([level.benefit_area_code] * len(level.municipality_codes) for level in fits),
    }


def _texts(parts: Any) -> pa.Array:
    return pa.array([text for part in parts for text in part], pa.string())


def _doubles(parts: Any, nan_is_null: bool = False) -> pa.Array:
    arrays = [np.asarray(part, dtype=np.float64) for part in parts]
    joined = np.concatenate(arrays) if arrays else np.empty(0)
    return pa.array(joined, pa.float64(), from_pandas=nan_is_null)
