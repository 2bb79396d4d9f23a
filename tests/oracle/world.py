"""A world: every accepted row of a set of deliveries, and what was loaded.

The rows are *accepted* rows: the row rules and the choice of the winning delivery lie before this point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import TypeVar

from . import rules
from .calendar import add_months, completed_months, last_day, month_of
from .municipalities import CODES

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BenefitRow:
    """One accepted row of ``benefit_periods``; both dates inclusive and in one month."""

    person_id: str
    benefit: str
    match_group: str | None
    municipality: str
    from_date: date
    to_date: date
    fraction: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """One accepted row of ``conversations``; its period is the month of ``conversation_date``."""

    conversation_id: str
    person_id: str
    municipality: str
    type_code: int
    conversation_date: date
    status: str = "held"
    requested_date: date | None = None
    contact_form: str = "in_person"
    registered_at: datetime | None = None  # None = noon of the conversation date

    @property
    def registered(self) -> datetime:
        return self.registered_at or datetime.combine(self.conversation_date, time(12))


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One accepted row of ``active_offers``; both dates inclusive and in one month."""

    offer_id: str
    person_id: str
    municipality: str
    from_date: date
    to_date: date
    offer_type: str = "virksomhedspraktik"
    hours_per_week: Decimal | None = Decimal(37)


@dataclass(frozen=True, slots=True)
class HoursRow:
    """One accepted row of ``ordinary_hours``."""

    person_id: str
    month: date
    paid_hours: Decimal


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One row of table y30r21 as published, with the area already as a code."""

    period_code: str
    municipality: str
    area: str
    expected_persons: Decimal
    actual_persons: Decimal
    difference_persons: Decimal
    expected_percentage: Decimal
    actual_percentage: Decimal
    difference_percentage_points: Decimal
    rank: int


@dataclass(frozen=True, slots=True)
class QualitativeReview:
    """A decision of the hand-written seed that holds a selection back."""

    municipality: str
    period_code: str


@dataclass(frozen=True, slots=True)
class Spell:
    """A run of days of one person; both ends inclusive."""

    person_id: str
    first: date
    last: date
    is_left_censored: bool


@dataclass(slots=True)
class Person:
    """All that is known of one person, by day."""

    person_id: str
    row_of_day: dict[int, BenefitRow] = field(default_factory=dict)  # day ordinal -> the row that counts (§2)
    benefit_spell_of_day: dict[int, Spell] = field(default_factory=dict)
    support_spell_of_day: dict[int, Spell] = field(default_factory=dict)
    benefit_spells: list[Spell] = field(default_factory=list)
    support_spells: list[Spell] = field(default_factory=list)
    counted_conversations: set[tuple[int, int]] = field(default_factory=set)  # (day ordinal, type)
    offer_days: set[int] = field(default_factory=set)
    hours_of_month: dict[date, Decimal] = field(default_factory=dict)

    def conversations_between(self, first: date, last: date) -> int:
        """Counted conversations, at most one per type and day, both ends inclusive."""
        low, high = first.toordinal(), last.toordinal()
        return sum(1 for day, _ in self.counted_conversations if low <= day <= high)

    def offer_days_between(self, first: date, last: date) -> int:
        """Distinct active-offer days, both ends inclusive."""
        low, high = first.toordinal(), last.toordinal()
        return sum(1 for day in self.offer_days if low <= day <= high)


@dataclass(frozen=True, slots=True)
class StockRow:
    """A person covered on the as_of_date of a month."""

    person: Person
    municipality: str
    benefit: str
    target_group: str | None
    benefit_spell: Spell
    support_spell: Spell | None  # None: the benefit is not in supervision scope
    benefit_months: int
    support_months: int | None


@dataclass
class World:
    """All accepted rows. ``loaded_months`` are the periods with an accepted ``benefit_periods`` data set.

    ``municipalities`` limits which municipalities get rows of the monthly marts (the country, 0000, always does);
    by default all 98, as in the warehouse.
    """

    loaded_months: tuple[date, ...]
    benefit_rows: list[BenefitRow] = field(default_factory=list)
    conversation_rows: list[ConversationRow] = field(default_factory=list)
    offer_rows: list[OfferRow] = field(default_factory=list)
    hours_rows: list[HoursRow] = field(default_factory=list)
    population: dict[tuple[date, str], int] = field(default_factory=dict)  # (last month of quarter, municipality)
    framework_conditions: dict[tuple[str, str, str], Decimal] = field(default_factory=dict)
    published_rows: list[PublishedRow] = field(default_factory=list)
    qualitative_reviews: list[QualitativeReview] = field(default_factory=list)
    conversation_months: tuple[date, ...] | None = None  # None: delivered for every loaded month
    offer_months: tuple[date, ...] | None = None
    hours_months: tuple[date, ...] | None = None
    municipalities: tuple[str, ...] = CODES
    memo: dict[str, object] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.loaded_months = tuple(sorted(self.loaded_months))
        runs = [(row.from_date, row.to_date) for row in self.benefit_rows]
        runs += [(offer.from_date, offer.to_date) for offer in self.offer_rows]
        for first, last in runs:
            if month_of(first) != month_of(last) or first > last:
                raise ValueError(f"a row must lie within one month: {first} to {last}")
        loaded = set(self.loaded_months)
        for row in self.benefit_rows:
            if month_of(row.from_date) not in loaded:
                raise ValueError(f"a benefit row outside the loaded months: {row}")
        delivered = {
            "conversation": (self.conversation_months, {month_of(r.conversation_date) for r in self.conversation_rows}),
            "offer": (self.offer_months, {month_of(r.from_date) for r in self.offer_rows}),
            "hours": (self.hours_months, {r.month for r in self.hours_rows}),
        }
        for kind, (months, used) in delivered.items():
            outside = used - (loaded if months is None else set(months))
            if outside:
                raise ValueError(f"{kind} rows in a month without such a delivery: {sorted(outside)}")

    def once(self, name: str, make: Callable[[], T]) -> T:
        """``make()``, worked out at most once for this world."""
        if name not in self.memo:
            self.memo[name] = make()
        return self.memo[name]  # type: ignore[return-value]

    # --- months -----------------------------------------------------------------------------------------------

    def is_loaded(self, month: date) -> bool:
        return month in self.once("loaded", lambda: set(self.loaded_months))

    @property
    def newest_as_of(self) -> date | None:
        """The as_of_date of the newest loaded month; None when no month is loaded."""
        return last_day(self.loaded_months[-1]) if self.loaded_months else None

    def has_hole_in_window(self, month: date) -> bool:
        """Whether a month of M-11 … M that lies after the first loaded month is not loaded."""
        first = self.loaded_months[0]
        window = [add_months(month, -back) for back in range(12)]
        return any(m > first and not self.is_loaded(m) for m in window)

    def is_provisional(self, month: date) -> bool:
        """Whether fewer than three later months are loaded."""
        return sum(1 for m in self.loaded_months if m > month) < rules.FINAL_AFTER_MONTHS

    # --- persons ----------------------------------------------------------------------------------------------

    @property
    def persons(self) -> dict[str, Person]:
        """Everybody who has a row anywhere."""
        return self.once("persons", self._make_persons)

    def _make_persons(self) -> dict[str, Person]:
        persons: dict[str, Person] = {}

        def person(person_id: str) -> Person:
            return persons.setdefault(person_id, Person(person_id))

        for row in self.benefit_rows:
            row_of_day = person(row.person_id).row_of_day
            for day in range(row.from_date.toordinal(), row.to_date.toordinal() + 1):
                other = row_of_day.get(day)
                if other is None or precedence(row) < precedence(other):
                    row_of_day[day] = row
        for conversation in self.conversation_rows:
            if conversation.status == "held" and rules.CONVERSATION_TYPES[conversation.type_code]:
                day = conversation.conversation_date.toordinal()
                person(conversation.person_id).counted_conversations.add((day, conversation.type_code))
        for offer in self.offer_rows:
            days = range(offer.from_date.toordinal(), offer.to_date.toordinal() + 1)
            person(offer.person_id).offer_days.update(days)
        for hours in self.hours_rows:
            hours_of_month = person(hours.person_id).hours_of_month
            if hours.month in hours_of_month:
                raise ValueError(f"two rows of ordinary hours for one person and month: {hours}")
            hours_of_month[hours.month] = hours.paid_hours
        for one in persons.values():
            self._find_spells(one)
        return persons

    def _find_spells(self, person: Person) -> None:
        """Runs of consecutive days on one benefit, and on any benefit in scope (§3, no gap bridged)."""
        kind_of_day = {day: row.benefit for day, row in person.row_of_day.items()}
        person.benefit_spells = self._runs(person, kind_of_day, person.benefit_spell_of_day)
        in_scope = {day: "support" for day, benefit in kind_of_day.items() if rules.BENEFITS[benefit][1]}
        person.support_spells = self._runs(person, in_scope, person.support_spell_of_day)

    def _runs(self, person: Person, kind_of_day: Mapping[int, str], spell_of_day: dict[int, Spell]) -> list[Spell]:
        spells: list[Spell] = []
        days = sorted(kind_of_day)
        run: list[int] = []
        for position, day in enumerate(days):
            run.append(day)
            following = days[position + 1] if position + 1 < len(days) else None
            if following != day + 1 or kind_of_day[following] != kind_of_day[day]:
                first = date.fromordinal(run[0])
                previous_month = add_months(month_of(first), -1)
                censored = first.day == 1 and not self.is_loaded(previous_month)
                spell = Spell(person.person_id, first, date.fromordinal(day), censored)
                spells.append(spell)
                for covered in run:
                    spell_of_day[covered] = spell
                run = []
        return spells

    # --- stock ------------------------------------------------------------------------------------------------

    def stock(self, month: date) -> list[StockRow]:
        """The persons whose as_of_date of the month is covered (§3)."""
        return self.once(f"stock {month}", lambda: self._make_stock(month))

    def _make_stock(self, month: date) -> list[StockRow]:
        as_of = last_day(month).toordinal()
        rows = []
        for person in self.persons.values():
            row = person.row_of_day.get(as_of)
            if row is None:
                continue
            benefit_spell = person.benefit_spell_of_day[as_of]
            support_spell = person.support_spell_of_day.get(as_of)
            rows.append(
                StockRow(
                    person=person,
                    municipality=row.municipality,
                    benefit=row.benefit,
                    target_group=rules.target_group(row.benefit, row.match_group),
                    benefit_spell=benefit_spell,
                    support_spell=support_spell,
                    benefit_months=completed_months(benefit_spell.first, month),
                    support_months=completed_months(support_spell.first, month) if support_spell else None,
                )
            )
        return rows

    def support_stock(self, month: date) -> list[StockRow]:
        """The stock on a benefit in supervision scope."""
        return [row for row in self.stock(month) if row.support_spell is not None]

    # --- population -------------------------------------------------------------------------------------------

    def population_of_quarter(self, quarter_end: date, municipality: str) -> int | None:
        """The population of a quarter; of 0000 the sum of the 98, None when one lacks."""
        if municipality != "0000":
            return self.population.get((quarter_end, municipality))
        values = [self.population.get((quarter_end, code)) for code in CODES]
        return None if None in values else sum(value for value in values if value is not None)

    def newest_quarter(self, month: date) -> date | None:
        """The newest quarter with any population that ended by the month."""
        quarters = self.once("quarters", lambda: sorted({quarter for quarter, _ in self.population}))
        ended = [quarter for quarter in quarters if quarter <= month]
        return ended[-1] if ended else None


def precedence(row: BenefitRow) -> tuple[int, Decimal, int, str, bool, str]:
    """Smallest wins (§2): priority, larger fraction, later from_date, municipality, match group with null last."""
    return (
        rules.BENEFITS[row.benefit][2],
        -row.fraction,
        -row.from_date.toordinal(),
        row.municipality,
        row.match_group is None,
        row.match_group or "",
    )


def split_by_month(first: date, last: date) -> list[tuple[date, date]]:
    """The parts of a run of days inside each calendar month."""
    parts = []
    while first <= last:
        end = min(last, last_day(month_of(first)))
        parts.append((first, end))
        first = date.fromordinal(end.toordinal() + 1)
    return parts
