"""§13 Timeliness against results: KL's figure and its coefficients."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction

from .. import rules
from ..calendar import period_months
from ..municipalities import CODES
from ..rows import MartRows, exact, ratio, rounded
from ..world import World
from .benefit_levels import complete_periods, deciding_row
from .conversation_timeliness import compute as conversation_timeliness

Point = tuple[Fraction, Fraction]


def compute(world: World) -> MartRows:
    """One row per period whose twelve months are loaded, and municipality."""
    return world.once("timeliness_and_results", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("timeliness_and_results", world.municipalities)
    timeliness = conversation_timeliness(world)
    for period_code in complete_periods(world):
        months = set(period_months(period_code))
        on_time: defaultdict[str, Fraction] = defaultdict(Fraction)
        total: defaultdict[str, Fraction] = defaultdict(Fraction)
        for key, values in timeliness.items():
            if key[0] in months:
                on_time[str(key[1])] += exact(values["on_time_count"])
                total[str(key[1])] += exact(values["obligation_count"])
        country = ratio(on_time["0000"], total["0000"])
        for municipality in world.municipalities:
            share = ratio(on_time[municipality], total[municipality])
            level = deciding_row(world, period_code, municipality, counts_foertidspension=False)
            difference = quadrant = None
            if level is not None:
                difference = exact(level["difference_percentage_points"])
            if share is not None and difference is not None and country is not None:
                height = "high" if rounded(share) >= rounded(country) else "low"
                quadrant = f"{height}_on_time_{'good' if rounded(difference) <= 0 else 'poor'}_result"
            result.put(
                (period_code, municipality),
                {"on_time_share": share, "difference_percentage_points": difference, "quadrant_code": quadrant},
            )
    return result


def mean_ranks(values: list[Fraction]) -> list[Fraction]:
    """The rank of each value from 1; equal values share the mean of their places."""
    return [
        Fraction(sum(other < value for other in values)) + Fraction(sum(other == value for other in values) + 1, 2)
        for value in values
    ]


def pearson(points: list[Point]) -> float | None:
    """Pearson's coefficient; None when either side does not vary."""
    n = len(points)
    mean_x = sum((x for x, _ in points), Fraction(0)) / n
    mean_y = sum((y for _, y in points), Fraction(0)) / n
    xx = sum(((x - mean_x) ** 2 for x, _ in points), Fraction(0))
    yy = sum(((y - mean_y) ** 2 for _, y in points), Fraction(0))
    if xx == 0 or yy == 0:
        return None
    xy = sum(((x - mean_x) * (y - mean_y) for x, y in points), Fraction(0))
    return math.copysign(math.sqrt(xy * xy / (xx * yy)), xy)


def interval(r: float | None, n: int) -> tuple[float | None, float | None]:
    """tanh(atanh r ± z ÷ √(n − 3)); at ±1 the interval is the point itself."""
    if r is None:
        return None, None
    if abs(r) >= 1:
        return r, r
    half = rules.Z_95 / math.sqrt(n - 3)
    return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


def compute_correlation(world: World) -> MartRows:
    """One row per period whose twelve months are loaded. Needs the rows of all 98 municipalities."""
    return world.once("timeliness_and_results_correlation", lambda: _compute_correlation(world))


def _compute_correlation(world: World) -> MartRows:
    if set(world.municipalities) != set(CODES):
        raise ValueError("the correlation runs over all 98 municipalities; this world reports fewer")
    result = MartRows("timeliness_and_results_correlation")
    rows = compute(world)
    for period_code in complete_periods(world):
        points: list[Point] = []
        for municipality in CODES:
            values = rows[period_code, municipality]
            x, y = values["on_time_share"], values["difference_percentage_points"]
            if isinstance(x, Fraction) and isinstance(y, Fraction):
                points.append((x, y))
        n = len(points)
        linear = ranked = None
        if n >= 4:
            linear = pearson(points)
            ranks = zip(mean_ranks([x for x, _ in points]), mean_ranks([y for _, y in points]), strict=True)
            ranked = pearson(list(ranks))
        linear_low, linear_high = interval(linear, n)
        ranked_low, ranked_high = interval(ranked, n)
        result.put(
            (period_code,),
            {
                "municipality_count": n,
                "pearson": linear,
                "pearson_lower_95": linear_low,
                "pearson_upper_95": linear_high,
                "spearman": ranked,
                "spearman_lower_95": ranked_low,
                "spearman_upper_95": ranked_high,
            },
        )
    return result
