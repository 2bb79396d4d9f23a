"""§5 Early-effort follow-up: six months of too few conversations or offers after six months on benefit."""

from __future__ import annotations

from collections import Counter

from .. import rules
from ..calendar import add_months, last_day
from ..rows import MartRows, both, ratio, rounded
from ..world import World


def compute(world: World) -> MartRows:
    """One row per loaded month from 2023-11 on and municipality."""
    return world.once("early_effort", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("early_effort", {"0000", *world.municipalities})
    for month in world.loaded_months:
        if month < rules.EARLY_EFFORT_FROM:
            continue
        as_of = last_day(month)
        persons: Counter[str] = Counter()
        talked: Counter[str] = Counter()
        offered: Counter[str] = Counter()
        for row in world.stock(month):
            if row.benefit not in rules.EARLY_EFFORT_BENEFITS or row.benefit_months != rules.EARLY_EFFORT_MONTHS:
                continue
            start = row.benefit_spell.first
            for municipality in both(row.municipality):
                persons[municipality] += 1
                if row.person.conversations_between(start, as_of) >= rules.EARLY_EFFORT_CONVERSATIONS:
                    talked[municipality] += 1
                if row.person.offer_days_between(start, as_of) > 0:
                    offered[municipality] += 1
        for municipality in ("0000", *world.municipalities):
            shares = [ratio(met[municipality], persons[municipality]) for met in (talked, offered)]
            is_below = persons[municipality] >= rules.EARLY_EFFORT_MINIMUM_PERSONS and any(
                share is not None and rounded(share) < rules.EARLY_EFFORT_SHARE for share in shares
            )
            run = 0
            if is_below:
                month_before = result.get((add_months(month, -1), municipality))
                earlier = month_before["consecutive_months_below"] if month_before else 0
                assert isinstance(earlier, int)
                run = earlier + 1
            result.put(
                (month, municipality),
                {
                    "person_count": persons[municipality],
                    "conversations_met_share": shares[0],
                    "offer_met_share": shares[1],
                    "consecutive_months_below": run,
                    "is_flagged": run >= rules.EARLY_EFFORT_RUN,
                },
            )
    return result
