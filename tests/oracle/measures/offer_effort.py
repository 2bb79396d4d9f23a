"""§6 KL's offer measures: four weeks of offers in a year, and a first offer within six months."""

from __future__ import annotations

from collections import Counter

from .. import rules
from ..calendar import last_day, last_twelve
from ..rows import MartRows, both, ratio
from ..world import World

GROUPS = (*rules.IN_SCOPE, "all")


def compute(world: World) -> MartRows:
    """One row per loaded month, municipality and benefit group (nine and all)."""
    return world.once("offer_effort", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("offer_effort", {"0000", *world.municipalities})
    for month in world.loaded_months:
        first, as_of = last_twelve(month)[0], last_day(month)
        persons: Counter[tuple[str, str]] = Counter()
        four_weeks: Counter[tuple[str, str]] = Counter()
        reached: Counter[tuple[str, str]] = Counter()
        in_time: Counter[tuple[str, str]] = Counter()
        for row in world.support_stock(month):
            assert row.support_months is not None and row.support_spell is not None
            keys = [(municipality, group) for municipality in both(row.municipality) for group in (row.benefit, "all")]
            if row.support_months >= rules.PASSIVE_MINIMUM_MONTHS:
                has_four_weeks = row.person.offer_days_between(first, as_of) >= rules.FOUR_WEEKS_DAYS
                for key in keys:
                    persons[key] += 1
                    four_weeks[key] += has_four_weeks
            if row.support_months == rules.FIRST_OFFER_MONTHS:
                had_offer = row.person.offer_days_between(row.support_spell.first, as_of) > 0
                for key in keys:
                    reached[key] += 1
                    in_time[key] += had_offer
        is_unknown = world.has_hole_in_window(month)
        for municipality in ("0000", *world.municipalities):
            for group in GROUPS:
                key = municipality, group
                result.put(
                    (month, *key),
                    {
                        "person_count": None if is_unknown else persons[key],
                        "four_weeks_count": None if is_unknown else four_weeks[key],
                        "four_weeks_share": None if is_unknown else ratio(four_weeks[key], persons[key]),
                        # These look back to the spell's start only, which no hole can lie within.
                        "reached_six_months_count": reached[key],
                        "first_offer_in_time_count": in_time[key],
                        "first_offer_in_time_share": ratio(in_time[key], reached[key]),
                    },
                )
    return result
