"""§6 The passive measure and the two focus goals."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction

from .. import rules
from ..calendar import last_day, last_twelve, period_months
from ..rows import MartRows, both, exact, mean, ratio
from ..world import World

GROUPS = (*rules.IN_SCOPE, "all")


def compute(world: World) -> MartRows:
    """One row per loaded month, municipality and benefit group (nine and all)."""
    return world.once("focus_goals", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("focus_goals", {"0000", *world.municipalities})
    for month in world.loaded_months:
        window = last_twelve(month)
        first, as_of = window[0], last_day(month)
        limit, hours_rule_id = rules.hours_limit(as_of)
        persons: Counter[tuple[str, str]] = Counter()
        passive: Counter[tuple[str, str]] = Counter()
        few: Counter[tuple[str, str]] = Counter()
        uncontacted: Counter[tuple[str, str]] = Counter()
        for row in world.support_stock(month):
            assert row.support_months is not None
            if row.support_months < rules.PASSIVE_MINIMUM_MONTHS:
                continue
            hours = sum((row.person.hours_of_month.get(m, Decimal(0)) for m in window), Decimal(0))
            is_passive = row.person.offer_days_between(first, as_of) == 0 and hours < limit
            conversations = row.person.conversations_between(first, as_of)
            for municipality in both(row.municipality):
                for group in (row.benefit, "all"):
                    key = municipality, group
                    persons[key] += 1
                    passive[key] += is_passive
                    few[key] += conversations < rules.FEW_CONVERSATIONS_BELOW
                    uncontacted[key] += is_passive and conversations == 0
        is_unknown = world.has_hole_in_window(month)
        for municipality in ("0000", *world.municipalities):
            for group in GROUPS:
                key = municipality, group
                values: dict[str, object] = {"person_count": None if is_unknown else persons[key]}
                for name, counts in (("passive", passive), ("few_conversations", few), ("uncontacted", uncontacted)):
                    values[f"{name}_count"] = None if is_unknown else counts[key]
                    values[f"{name}_share"] = None if is_unknown else ratio(counts[key], persons[key])
                values["hours_rule_id"] = hours_rule_id
                result.put((month, municipality, group), values)
    return result


def months_that_count(world: World, period_code: str, municipality: str, share: str) -> list[date]:
    """The months of a period whose share of the ``all`` row enters the mean."""
    rows = compute(world)
    return [
        month
        for month in period_months(period_code)
        if month not in rules.EXCLUDED_MONTHS and rows[month, municipality, "all"][share] is not None
    ]


def period_percentage(world: World, period_code: str, municipality: str, share: str) -> Fraction | None:
    """The unweighted mean of the monthly shares × 100, null when no month is left."""
    rows = compute(world)
    months = months_that_count(world, period_code, municipality, share)
    value = mean(exact(rows[month, municipality, "all"][share]) for month in months)
    return None if value is None else 100 * value


def period_persons(world: World, period_code: str, municipality: str, share: str) -> Fraction | None:
    """The mean monthly person_count over the months that entered the mean."""
    rows = compute(world)
    months = months_that_count(world, period_code, municipality, share)
    return mean(exact(rows[month, municipality, "all"]["person_count"]) for month in months)
