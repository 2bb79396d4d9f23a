"""§9 Results: more in work, faster, staying in work."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from fractions import Fraction

from .. import rules
from ..calendar import DAY, add_months, days_in, last_day, last_twelve, month_of
from ..rows import MartRows, both, ratio
from ..world import Person, Spell, World
from .benefit_recipients import days_of_months, full_time_persons

GROUPS = (*rules.IN_SCOPE, "all")


def ended_spells(world: World) -> dict[tuple[date, str, str], list[tuple[Person, Spell]]]:
    """By month of the last day, municipality (and 0000) and group (and all): the support spells that ended."""
    return world.once("ended_spells", lambda: _ended_spells(world))


def _ended_spells(world: World) -> dict[tuple[date, str, str], list[tuple[Person, Spell]]]:
    result: dict[tuple[date, str, str], list[tuple[Person, Spell]]] = defaultdict(list)
    for person in world.persons.values():
        for spell in person.support_spells:
            if not world.is_loaded(month_of(spell.last + DAY)):
                continue  # nobody knows whether it went on
            row = person.row_of_day[spell.last.toordinal()]
            for municipality in both(row.municipality):
                for group in (row.benefit, "all"):
                    result[month_of(spell.last), municipality, group].append((person, spell))
    return result


def spell_days(ended: list[tuple[Person, Spell]]) -> int:
    """Days of the spells together, both ends counted."""
    return sum((spell.last - spell.first).days + 1 for _, spell in ended)


def compute(world: World) -> MartRows:
    """One row per loaded month, municipality and benefit group (nine and all)."""
    return world.once("results", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("results", {"0000", *world.municipalities})
    for month in world.loaded_months:
        year_before, three_later = add_months(month, -12), add_months(month, 3)
        year = last_twelve(month)
        year_days = days_of_months(world, year) if all(world.is_loaded(m) for m in year) else None
        days_of_year = sum(days_in(m) for m in year)
        for municipality in ("0000", *world.municipalities):
            for group in GROUPS:
                now = full_time_persons(world, month, municipality, group)
                change = None
                if world.is_loaded(year_before):
                    change = now - full_time_persons(world, year_before, municipality, group)
                ended = ended_spells(world).get((month, municipality, group), [])
                retained = None
                if world.is_loaded(three_later):
                    retained = sum(1 for person, _ in ended if _is_retained(person, three_later))
                weeks = None
                if year_days is not None:
                    weighted = year_days.weighted_days.get((municipality, group), Fraction(0))
                    persons = len(year_days.persons.get((municipality, group), ()))
                    weeks = None if persons == 0 else weighted / days_of_year / persons * 52
                result.put(
                    (month, municipality, group),
                    {
                        "full_time_persons": now,
                        "full_time_persons_change": change,
                        "ended_spell_count": len(ended),
                        "average_spell_days": ratio(spell_days(ended), len(ended)),
                        "average_weeks_on_support": weeks,
                        "retained_count": retained,
                        "retained_share": ratio(retained, len(ended)),
                    },
                )
    return result


def _is_retained(person: Person, month: date) -> bool:
    """Ordinary hours in the month and no benefit in scope on its last day."""
    return month in person.hours_of_month and last_day(month).toordinal() not in person.support_spell_of_day
