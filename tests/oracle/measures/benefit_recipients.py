"""§7 Benefit recipients and full-time persons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from .. import rules
from ..calendar import days_in, month_of
from ..rows import MartRows, both
from ..world import BenefitRow, World

GROUPS = (*rules.BENEFITS, "all", "all_with_foertidspension")


class Days:
    """Per municipality (and 0000) and group: who had a winning day, and Σ day × fraction."""

    def __init__(self) -> None:
        self.persons: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.weighted_days: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)

    def add(self, other: Days) -> None:
        """Add another month's days."""
        for key, persons in other.persons.items():
            self.persons[key] |= persons
        for key, days in other.weighted_days.items():
            self.weighted_days[key] += days


def groups_of(benefit: str) -> tuple[str, ...]:
    """The groups that a day on the benefit counts in."""
    in_scope = rules.BENEFITS[benefit][1]
    return (benefit, "all", "all_with_foertidspension") if in_scope else (benefit, "all_with_foertidspension")


def days_by_month(world: World) -> dict[date, Days]:
    """The winning days of every loaded month."""
    return world.once("days_by_month", lambda: _days_by_month(world))


def _days_by_month(world: World) -> dict[date, Days]:
    result = {month: Days() for month in world.loaded_months}
    for person in world.persons.values():
        # The days that each of the person's rows has won; by identity, since hashing a row per day is slow.
        won: defaultdict[int, list[BenefitRow]] = defaultdict(list)
        for day_row in person.row_of_day.values():
            won[id(day_row)].append(day_row)
        for rows in won.values():
            row = rows[0]
            month, days, fraction = month_of(row.from_date), len(rows), Fraction(row.fraction)
            for municipality in both(row.municipality):
                for group in groups_of(row.benefit):
                    result[month].persons[municipality, group].add(person.person_id)
                    result[month].weighted_days[municipality, group] += days * fraction
    return result


def days_of_months(world: World, months: Iterable[date]) -> Days:
    """The winning days of several loaded months together."""
    total = Days()
    for month in months:
        total.add(days_by_month(world)[month])
    return total


def full_time_persons(world: World, month: date, municipality: str, group: str) -> Fraction:
    """Σ day × fraction ÷ days of the month."""
    return days_by_month(world)[month].weighted_days.get((municipality, group), Fraction(0)) / days_in(month)


def compute(world: World) -> MartRows:
    """One row per loaded month, municipality and group (ten, all, all_with_foertidspension)."""
    return world.once("benefit_recipients", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("benefit_recipients", {"0000", *world.municipalities})
    for month in world.loaded_months:
        quarter = world.newest_quarter(month)
        days = days_by_month(world)[month]
        for municipality in ("0000", *world.municipalities):
            population = None if quarter is None else world.population_of_quarter(quarter, municipality)
            for group in GROUPS:
                full_time = full_time_persons(world, month, municipality, group)
                result.put(
                    (month, municipality, group),
                    {
                        "person_count": len(days.persons.get((municipality, group), ())),
                        "full_time_persons": full_time,
                        "population_16_66": population,
                        "share_of_population_percentage": None if population is None else 100 * full_time / population,
                    },
                )
    return result
