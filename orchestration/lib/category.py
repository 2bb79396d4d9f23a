"""Probability of a category's result goal, and categories under other limits: pure functions on tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from orchestration.lib.statistics import normal_cdf


def category_probability(
    result_distance: float | None, standard_error: float | None, is_result_met: bool | None, municipality_category: int
) -> float | None:
    """Return how likely the municipality is on its side of the result goal, seen from the model's noise alone.

    p = Φ(distance ÷ standard error); p when the result is met, else 1 − p. None in category 0, without a standard error
    (published rows) and with a standard error of 0. It is the chance of the result goal's side, not of the focus goals.
    """
    if municipality_category == 0 or result_distance is None or not standard_error or is_result_met is None:
        return None
    # 1 − Φ(x) = Φ(−x), which keeps its digits far out
    return normal_cdf(result_distance / standard_error if is_result_met else -result_distance / standard_error)


def probability_table(decisions: Mapping[str, Any]) -> pa.Table:
    """Return category_probability per scenario_code, period_code and municipality_code of the decisions."""
    names = ("result_distance", "difference_standard_error", "is_result_met", "municipality_category")
    values = zip(*(np.ma.asarray(decisions[name]).tolist() for name in names), strict=True)
    return pa.table(
        {
            **{
                name: pa.array([str(value) for value in decisions[name]], pa.string())
                for name in ("scenario_code", "period_code", "municipality_code")
            },
            "category_probability": pa.array([category_probability(*row) for row in values], pa.float64()),
        }
    )
