"""§8 Similar municipalities: the five nearest in expected share; the distance between two shares has no sign."""

from __future__ import annotations

from ..rows import MartRows, exact
from ..world import World
from .benefit_levels import compute as benefit_levels
from .benefit_levels import deciding_source

NUMBER = 5


def compute(world: World) -> MartRows:
    """One row per period, municipality and rank of similarity."""
    return world.once("similar_municipalities", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("similar_municipalities")
    levels = benefit_levels(world)
    for period_code in sorted({str(key[0]) for key in levels}):
        area, source = deciding_source(world, period_code, counts_foertidspension=False)
        expected = {
            str(key[1]): exact(values["expected_percentage"])
            for key, values in levels.items()
            if (key[0], key[2], key[3]) == (period_code, area, source)
        }
        for own, share in expected.items():
            others = sorted((abs(other - share), code) for code, other in expected.items() if code != own)
            for rank, (difference, code) in enumerate(others[:NUMBER], start=1):
                result.put(
                    (period_code, own, rank),
                    {"similar_municipality_code": code, "expected_percentage_difference": difference},
                )
    return result
