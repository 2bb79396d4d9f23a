"""§5 Conversation timeliness: what was due, and was it held in time?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from .. import rules
from ..calendar import add_months, last_day, month_of
from ..rows import MartRows, both, ratio
from ..rules import Deadline
from ..world import Person, Spell, World


@dataclass(frozen=True, slots=True)
class Obligation:
    """One deadline of one benefit spell and what became of it."""

    person_id: str
    spell_start: date
    due_date: date
    municipality: str
    deadline: Deadline
    outcome: str  # on_time, late, missing, not_yet_due, left_censored, left_before_due


def due_date(start: date, deadline: Deadline) -> date:
    """Spell start + offset; months: the same day of a later month or that month's last day."""
    if deadline.offset_unit == "day":
        return start + timedelta(days=deadline.offset_value)
    return add_months(start, deadline.offset_value)


def obligations(world: World) -> list[Obligation]:
    """Every obligation, excluded ones included."""
    return world.once("obligations", lambda: _obligations(world))


def _obligations(world: World) -> list[Obligation]:
    newest = world.newest_as_of
    if newest is None:
        return []
    found = []
    for person in world.persons.values():
        for spell in person.benefit_spells:
            for deadline in rules.DEADLINES:
                due = due_date(spell.first, deadline)
                if not deadline.valid_from <= due < deadline.valid_to:
                    continue
                # The day whose group and municipality count.
                if due > newest:
                    day = newest
                    if spell.last < newest or spell.is_left_censored:
                        continue
                else:
                    day = min(due, spell.last)
                row = person.row_of_day[day.toordinal()]
                if rules.target_group(row.benefit, row.match_group) != deadline.target_group:
                    continue
                outcome = _outcome(person, spell, deadline, due, newest)
                found.append(Obligation(person.person_id, spell.first, due, row.municipality, deadline, outcome))
    return found


def _outcome(person: Person, spell: Spell, deadline: Deadline, due: date, newest: date) -> str:
    if due > newest:
        return "not_yet_due"
    if spell.is_left_censored:
        return "left_censored"
    if spell.last < due:
        return "left_before_due"
    if person.conversations_between(spell.first, due) >= deadline.required_count:
        return "on_time"
    if person.conversations_between(spell.first, min(spell.last, newest)) >= deadline.required_count:
        return "late"
    return "missing"


def compute(world: World) -> MartRows:
    """One row per month of the due date, municipality, target group and deadline."""
    return world.once("conversation_timeliness", lambda: _compute(world))


def _compute(world: World) -> MartRows:
    result = MartRows("conversation_timeliness", {"0000", *world.municipalities})
    counts: dict[tuple[date, str, str, int], Counter[str]] = {}
    deadline_of_row: dict[tuple[date, str, str, int], Deadline] = {}
    for month in world.loaded_months:
        for deadline in rules.deadlines_in_force(last_day(month)):
            for municipality in ("0000", *world.municipalities):
                key = (month, municipality, deadline.target_group, deadline.sequence_number)
                counts[key] = Counter()
                deadline_of_row[key] = deadline
    for obligation in obligations(world):
        month = month_of(obligation.due_date)
        is_later = world.loaded_months[-1] < month
        if not is_later and not world.is_loaded(month):
            continue  # due in a hole: there is no such month in the warehouse
        for municipality in both(obligation.municipality):
            deadline = obligation.deadline
            key = (month, municipality, deadline.target_group, deadline.sequence_number)
            counts.setdefault(key, Counter())[obligation.outcome] += 1
            deadline_of_row[key] = deadline
    for key, outcomes in counts.items():
        total = outcomes["on_time"] + outcomes["late"] + outcomes["missing"]
        result.put(
            key,
            {
                "obligation_count": total,
                "on_time_count": outcomes["on_time"],
                "late_count": outcomes["late"],
                "missing_count": outcomes["missing"],
                "not_yet_due_count": outcomes["not_yet_due"],
                "excluded_count": outcomes["left_censored"] + outcomes["left_before_due"],
                "on_time_share": ratio(outcomes["on_time"], total),
                "rule_id": deadline_of_row[key].rule_id,
            },
        )
    return result
