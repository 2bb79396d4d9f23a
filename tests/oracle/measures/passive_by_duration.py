"""§6 Passive by duration: no active offer since the benefit spell began."""

from __future__ import annotations

from collections import Counter
from datetime import date

from .. import rules
from ..calendar import last_day
from ..rows import MartRows, both, ratio
from ..world import World

GROUPS = (*rules.IN_SCOPE, "all")


def band(start: date, as_of: date, completed: int) -> str:
    """The duration band of a benefit spell with so many completed months."""
    if completed < 3:
        return "0_to_1_5" if (as_of - start).days + 1 < rules.SHORTEST_BAND_DAYS else "1_5_to_3"
    if completed < 6:
        return "3_to_6"
    if completed < 9:
        return "6_to_9"
    if completed < 12:
        return "9_to_12"
    return "12_or_more"


def compute(world: World) -> MartRows:
    """One row per loaded month, municipality, benefit group and duration band."""
    return world.once("passive_by_duration", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("passive_by_duration", {"0000", *world.municipalities})
    for month in world.loaded_months:
        as_of = last_day(month)
        persons: Counter[tuple[str, str, str]] = Counter()
        passive: Counter[tuple[str, str, str]] = Counter()
        for row in world.support_stock(month):
            start = row.benefit_spell.first
            duration = band(start, as_of, row.benefit_months)
            is_passive = row.person.offer_days_between(start, as_of) == 0
            for municipality in both(row.municipality):
                for group in (row.benefit, "all"):
                    persons[municipality, group, duration] += 1
                    passive[municipality, group, duration] += is_passive
        for municipality in ("0000", *world.municipalities):
            for group in GROUPS:
                for duration in rules.DURATION_BANDS:
                    key = municipality, group, duration
                    result.put(
                        (month, *key),
                        {
                            "person_count": persons[key],
                            "passive_count": passive[key],
                            "passive_share": ratio(passive[key], persons[key]),
                        },
                    )
    return result
