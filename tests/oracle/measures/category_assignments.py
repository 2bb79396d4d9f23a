"""§10 Category: who is where, under each scenario."""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

from .. import rules
from ..calendar import last_day, period_months
from ..municipalities import CODES
from ..rows import MartRows, exact, rounded
from ..rules import Scenario
from ..world import World
from .benefit_levels import complete_periods, deciding_row, deciding_source
from .focus_goals import period_percentage, period_persons


def category(is_result_met: bool, are_focus_goals_met: bool) -> int:
    """The table of §10."""
    if are_focus_goals_met:
        return 1 if is_result_met else 2
    return 3 if is_result_met else 4


def persons_to_flip(distance: Fraction | None, base: Fraction | int | None) -> int | None:
    """How many persons would have to change to flip a goal."""
    if distance is None or base is None:
        return None
    return max(1, math.ceil(abs(distance) / 100 * base - Fraction(1, 10**9)))


def compute(world: World) -> MartRows:
    """One row per scenario, period whose twelve months are loaded, and municipality."""
    return world.once("category_assignments", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("category_assignments", world.municipalities)
    for scenario in rules.SCENARIOS:
        for period_code in complete_periods(world):
            for municipality in world.municipalities:
                key = (scenario.code, period_code, municipality)
                result.put(key, _assign(world, scenario, period_code, municipality))
    return result


def _assign(world: World, scenario: Scenario, period_code: str, municipality: str) -> dict[str, object]:
    if municipality not in CODES:
        raise ValueError(f"not a municipality: {municipality}")
    period_end_month = period_months(period_code)[-1]
    level = deciding_row(world, period_code, municipality, scenario.counts_foertidspension)
    difference: Fraction | None = None
    if level is not None:
        difference = exact(level["difference_percentage_points"])
    passive = period_percentage(world, period_code, municipality, "passive_share")
    few = period_percentage(world, period_code, municipality, "few_conversations_share")
    passive_limit = scenario.offers_limit_for(last_day(period_end_month))
    few_limit = scenario.conversations_limit

    is_result_met = None if difference is None else rounded(difference) <= scenario.margin
    is_offers_met = None
    if passive is not None and passive_limit is not None:
        is_offers_met = rounded(passive) < passive_limit
    is_conversations_met = None if few is None else rounded(few) < few_limit

    result_distance = None if difference is None else scenario.margin - difference
    passive_distance = None if passive is None or passive_limit is None else passive_limit - passive
    few_distance = None if few is None else few_limit - few

    focus = [is_conversations_met] if passive_limit is None else [is_offers_met, is_conversations_met]
    number = 0 if is_result_met is None or None in focus else category(is_result_met, all(focus))

    flips: dict[str, int | None] = {"result": None, "passive": None, "few_conversations": None}
    probability = None
    if number != 0:
        population = world.population_of_quarter(period_end_month, municipality)
        flips["result"] = persons_to_flip(result_distance, population)
        for name, distance in (("passive", passive_distance), ("few_conversations", few_distance)):
            base = period_persons(world, period_code, municipality, f"{name}_share")
            flips[name] = persons_to_flip(distance, base)
        assert level is not None and result_distance is not None
        error = level["difference_standard_error"]
        if isinstance(error, float) and error > 0:
            p = NormalDist().cdf(float(result_distance) / error)
            probability = p if is_result_met else 1 - p
    return {
        "is_annual_statement": period_code.endswith("04"),
        "difference_percentage_points": difference,
        "expected_source": deciding_source(world, period_code, scenario.counts_foertidspension)[1],
        "result_margin": scenario.margin,
        "is_result_met": is_result_met,
        "passive_percentage": passive,
        "passive_limit_percentage": passive_limit,
        "is_offers_met": is_offers_met,
        "few_conversations_percentage": few,
        "few_conversations_limit_percentage": few_limit,
        "is_conversations_met": is_conversations_met,
        "municipality_category": number,
        "category_name_da": rules.CATEGORY_NAMES_DA[number],
        "category_order": None if number == 0 else scenario.rank_order.index(number) + 1,
        "category_probability": probability,
        "result_distance": result_distance,
        "passive_distance": passive_distance,
        "few_conversations_distance": few_distance,
        "result_persons_to_flip": flips["result"],
        "passive_persons_to_flip": flips["passive"],
        "few_conversations_persons_to_flip": flips["few_conversations"],
        "persons_to_flip": min((flip for flip in flips.values() if flip is not None), default=None),
    }
