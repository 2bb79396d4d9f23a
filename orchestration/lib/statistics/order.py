"""Ranks and fifths of values by name."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from orchestration.lib.statistics.correlations import mean_ranks


def competition_ranks(values: Mapping[str, Any], *, highest_first: bool, decimals: int) -> dict[str, int]:
    """Return the rank of each value, 1 = first; equal values share a rank and the next rank is left out (1, 1, 3).

    Values that agree to ``decimals`` decimals are equal. A value of None has no rank.
    """
    sign = -1.0 if highest_first else 1.0
    shown = {name: sign * round(float(value), decimals) for name, value in values.items() if value is not None}
    ordered = sorted(shown.values())
    first: dict[float, int] = {}
    for place, value in enumerate(ordered, start=1):
        first.setdefault(value, place)
    return {name: first[value] for name, value in shown.items()}


def fifths(values: Mapping[str, float]) -> dict[str, int]:
    """Return which fifth each value belongs to, 1 = lowest; equal values are in the same fifth.

    Equal values stand in the middle of the places that they take together, so that many at the maximum are not put low
    because the first of them is.
    """
    names = list(values)
    ranks = mean_ranks(np.array([values[name] for name in names], dtype=np.float64))
    return {name: min(5, 1 + int((rank - 0.5) * 5 / len(names))) for name, rank in zip(names, ranks, strict=True)}
