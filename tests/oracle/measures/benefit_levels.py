"""§8 Expected against actual level: published beside an own weighted least squares in exact arithmetic."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction

from .. import rules
from ..calendar import days_in, period_code_of, period_months
from ..municipalities import CODES
from ..rows import MartRows
from ..world import PublishedRow, World
from .benefit_recipients import days_of_months

# The days of these benefits belong to the area.
BENEFITS_OF_AREA: dict[str, tuple[str, ...]] = {
    area: tuple(code for code, (own, _, _) in rules.BENEFITS.items() if own == area)
    for area in ("dagpenge", "sygedagpenge", "kontanthjaelp")
} | {"all": rules.IN_SCOPE, "all_with_foertidspension": tuple(rules.BENEFITS)}


def complete_periods(world: World) -> list[str]:
    """The rolling years to June and December whose twelve months are all loaded."""
    ends = [month for month in world.loaded_months if month.month in (6, 12)]
    codes = [period_code_of(month) for month in ends]
    return [code for code in codes if all(world.is_loaded(month) for month in period_months(code))]


def inverse(matrix: list[list[int]]) -> tuple[list[list[int]], int]:
    """Adjugate and determinant of an integer matrix, by fraction-free Gauss-Jordan elimination (Bareiss)."""
    size = len(matrix)
    work = [list(row) + [int(i == j) for j in range(size)] for i, row in enumerate(matrix)]
    previous = 1
    for k in range(size):
        pivot_row = next((i for i in range(k, size) if work[i][k] != 0), None)
        if pivot_row is None:
            raise ValueError("the design matrix has not full rank")
        work[k], work[pivot_row] = work[pivot_row], work[k]
        pivot = work[k][k]
        for i in range(size):
            if i != k:
                factor = work[i][k]
                work[i] = [(pivot * a - factor * b) // previous for a, b in zip(work[i], work[k], strict=True)]
        previous = pivot
    # Every diagonal element is the determinant now.
    return [row[size:] for row in work], previous


def _framework(world: World, period_code: str) -> dict[str, list[int]] | None:
    """Per municipality 1 and the covariates without the reference ones, in millionths; None when any lacks."""
    design: dict[str, list[int]] = {}
    for municipality in CODES:
        values = []
        for code, is_reference in rules.COVARIATES.items():
            value = world.framework_conditions.get((period_code, municipality, code))
            if value is None:
                return None
            if not is_reference:
                scaled = Fraction(value) * 10**6
                if scaled.denominator != 1:
                    raise ValueError(f"a covariate with more than six decimals: {value}")
                values.append(scaled.numerator)
        design[municipality] = [10**6, *values]
    return design


def _model(world: World, period_code: str, result: MartRows) -> None:
    design = _framework(world, period_code)
    quarter_end = period_months(period_code)[-1]
    weight = {code: world.population_of_quarter(quarter_end, code) for code in CODES}
    if design is None or None in weight.values():
        return
    w = {code: value for code, value in weight.items() if value is not None}
    size = len(design[CODES[0]])
    gram = [[sum(w[m] * design[m][i] * design[m][j] for m in CODES) for j in range(size)] for i in range(size)]
    adjugate, determinant = inverse(gram)
    leverage = {}
    for m in CODES:
        x = design[m]
        product = [sum(a * b for a, b in zip(row, x, strict=True)) for row in adjugate]
        leverage[m] = Fraction(sum(a * b for a, b in zip(product, x, strict=True)), determinant)
    months = period_months(period_code)
    days = days_of_months(world, months)
    length = sum(days_in(month) for month in months)
    for area in rules.AREAS:
        actual = {
            m: sum((days.weighted_days.get((m, b), Fraction(0)) for b in BENEFITS_OF_AREA[area]), Fraction(0)) / length
            for m in CODES
        }
        share = {m: 100 * actual[m] / w[m] for m in CODES}
        right = [sum((w[m] * share[m] * design[m][i] for m in CODES), Fraction(0)) for i in range(size)]
        beta = [sum((a * b for a, b in zip(row, right, strict=True)), Fraction(0)) / determinant for row in adjugate]
        fitted = {m: sum((a * b for a, b in zip(design[m], beta, strict=True)), Fraction(0)) for m in CODES}
        difference = {m: share[m] - fitted[m] for m in CODES}
        variance = sum((w[m] * difference[m] ** 2 for m in CODES), Fraction(0)) / (len(CODES) - size)
        for rank, m in enumerate(sorted(CODES, key=lambda code: (difference[code], code)), start=1):
            bracket = max(Fraction(0), Fraction(1, w[m]) - leverage[m])
            error = math.sqrt(variance * bracket)
            persons = difference[m] / 100 * w[m]
            result.put(
                (period_code, m, area, "model"),
                {
                    "actual_full_time_persons": actual[m],
                    "expected_full_time_persons": fitted[m] / 100 * w[m],
                    "difference_full_time_persons": persons,
                    "actual_percentage": share[m],
                    "expected_percentage": fitted[m],
                    "difference_percentage_points": difference[m],
                    "difference_standard_error": error,
                    "difference_lower_95": float(difference[m]) - rules.Z_95 * error,
                    "difference_upper_95": float(difference[m]) + rules.Z_95 * error,
                    "benchmark_rank": rank,
                    "published_benchmark_rank": None,
                    "potential_dkk": persons * rules.UNIT_COST_DKK,
                },
            )


def _published(world: World, result: MartRows) -> None:
    by_area: dict[tuple[str, str], list[PublishedRow]] = defaultdict(list)
    for row in world.published_rows:
        by_area[row.period_code, row.area].append(row)
    for (period_code, area), rows in by_area.items():
        rows.sort(key=lambda row: (row.difference_percentage_points, row.municipality))
        for rank, row in enumerate(rows, start=1):
            result.put(
                (period_code, row.municipality, area, "published"),
                {
                    "actual_full_time_persons": row.actual_persons,
                    "expected_full_time_persons": row.expected_persons,
                    "difference_full_time_persons": row.difference_persons,
                    "actual_percentage": row.actual_percentage,
                    "expected_percentage": row.expected_percentage,
                    "difference_percentage_points": row.difference_percentage_points,
                    "difference_standard_error": None,
                    "difference_lower_95": None,
                    "difference_upper_95": None,
                    "benchmark_rank": rank,
                    "published_benchmark_rank": row.rank,
                    "potential_dkk": row.difference_persons * rules.UNIT_COST_DKK,
                },
            )


def compute(world: World) -> MartRows:
    """One row per period, municipality, benefit area and source of the expected level."""
    return world.once("benefit_levels", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("benefit_levels")
    for period_code in complete_periods(world):
        _model(world, period_code, result)
    _published(world, result)
    return result


def deciding_source(world: World, period_code: str, counts_foertidspension: bool) -> tuple[str, str]:
    """Which area and source decide: published when the period has it, the model where førtidspension counts."""
    if counts_foertidspension:
        return "all_with_foertidspension", "model"
    has_published = any(row.period_code == period_code and row.area == "all" for row in world.published_rows)
    return "all", "published" if has_published else "model"


def deciding_row(
    world: World, period_code: str, municipality: str, counts_foertidspension: bool
) -> dict[str, object] | None:
    """The row of benefit_levels that decides, None when there is none."""
    area, source = deciding_source(world, period_code, counts_foertidspension)
    return compute(world).get((period_code, municipality, area, source))
