"""Ranks and fifths of values by name."""

from collections.abc import Mapping
from typing import Any


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
    """Return which fifth each value belongs to, 1 = lowest; equal values are in the same fifth."""
    ordered = sorted(values.values())
    count = len(ordered)
    if count == 0:
        return {}
    below: dict[float, int] = {}
    for place, value in enumerate(ordered):
        below.setdefault(value, place)
    return {name: min(5, 1 + below[value] * 5 // count) for name, value in values.items()}
