"""Small adversarial worlds, reproducible from their seed, and how to pack many of them into one.

Every edge that the specification names is drawn on purpose (starts on the first and last of a month, due dates and the
days around them, sums that stand exactly on a limit …); chance decides only which edges meet.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from . import rules
from .calendar import DAY, add_months, last_day, month_of, month_range, period_code_of, period_months
from .landing import replacement_number
from .measures.benefit_levels import complete_periods
from .measures.conversation_timeliness import due_date
from .municipalities import CODES
from .world import (
    BenefitRow,
    ConversationRow,
    HoursRow,
    OfferRow,
    Person,
    PublishedRow,
    Spell,
    World,
    split_by_month,
)

FRACTIONS = tuple(Decimal(text) for text in ("1", "1", "1", "0.5", "0.75", "0.333333", "0.1", "0.000001"))
BENEFIT_WEIGHTS = {
    "sygedagpenge": 4,
    "jobafklaring": 1,
    "dagpenge": 6,
    "ressourceforloeb": 1,
    "revalidering": 1,
    "ledighedsydelse": 1,
    "kontanthjaelp": 7,
    "uddannelseshjaelp": 5,
    "sho": 2,
    "foertidspension": 2,
}
COUNTING = tuple(code for code, counts in rules.CONVERSATION_TYPES.items() if counts)
OTHERS = tuple(code for code, counts in rules.CONVERSATION_TYPES.items() if not counts)
OFFER_TYPES = ("virksomhedspraktik", "loentilskud", "nytteindsats", "vejledning_og_opkvalificering", "mentor")
CONTACT_FORMS = ("in_person", "phone", "video", "letter", "other")


def loaded_months(start: date, months: int, holes: Collection[int] = ()) -> tuple[date, ...]:
    """``months`` months from ``start`` without those at the offsets ``holes``."""
    return tuple(month for offset, month in enumerate(month_range(start, months)) if offset not in holes)


def random_world(
    seed: int,
    start: date,
    months: int,
    persons: int,
    municipalities: Sequence[str],
    holes: Collection[int] | None = None,
) -> World:
    """A world of a few dozen persons. ``holes``: offsets of months that are not loaded; None: sometimes one."""
    rng = random.Random(seed)
    if holes is None:
        holes = (rng.randrange(1, months - 1),) if months > 2 and rng.random() < 0.25 else ()
    maker = _Maker(rng, loaded_months(start, months, holes), municipalities)
    for number in range(persons):
        maker.person(replacement_number(number))
    return maker.world()


def cohort_world(seed: int, start: date, months: int, municipality: str, holes: Collection[int] = ()) -> World:
    """About ten persons start each month and most stay half a year: shares around 80 per cent of about ten persons."""
    rng = random.Random(seed)
    maker = _Maker(rng, loaded_months(start, months, holes), [municipality])
    number = 0
    for month in month_range(start, months):
        for _ in range(rng.choice((9, 10, 10, 11))):
            maker.cohort_person(replacement_number(number), month)
            number += 1
    return maker.world()


def limit_world(
    start: date, months: int, municipality: str, passive: int = 3, few: int = 2, holes: Collection[int] = ()
) -> World:
    """Ten persons on support throughout, of whom so many are passive and so many have three talks in every year.

    With 3 and 2 the focus shares stand exactly on the limits of 30 and 20 per cent, once a year has passed.
    """
    maker = _Maker(random.Random(0), loaded_months(start, months, holes), [municipality])
    for number in range(10):
        person_id = replacement_number(number)
        maker.put_benefit(person_id, "kontanthjaelp", "jobparat", municipality, start, maker.last, Decimal(1))
        for year in range(0, months, 12):
            first = add_months(start, year)
            if number >= passive:
                maker.put_offer(person_id, first + timedelta(days=3), 1)
            for talk in range(3 if number < few else 4):
                maker.put_conversation(person_id, add_months(first, 3 * talk) + timedelta(days=8), 7, "held")
    return maker.world()


def letters_world(start: date, months: int, municipalities: Sequence[str]) -> World:
    """For the minister's list: three groups of ten persons with few talks in the first municipality, at each month of
    the rounds; in the second municipality the third group has nine, one too few."""
    maker = _Maker(random.Random(0), month_range(start, months), municipalities)
    groups = (("sygedagpenge", None), ("kontanthjaelp", "jobparat"), ("uddannelseshjaelp", "uddannelsesparat"))
    anchors = sorted({month for _, *pair in rules.FOLLOW_UP_ROUNDS for month in pair})
    number = 0
    for place, anchor in enumerate(anchors):
        first = add_months(anchor, -4)  # five completed months at the anchor's end
        for municipality in municipalities:
            for (benefit, match_group), few in zip(groups, (1, 2, 0), strict=True):
                size = 9 if municipality != municipalities[0] and benefit == "uddannelseshjaelp" else 10
                for person in range(size):
                    person_id = replacement_number(number)
                    number += 1
                    maker.put_benefit(
                        person_id, benefit, match_group, municipality, first, last_day(anchor), Decimal(1)
                    )
                    for talk in range(2 if person < few + place % 2 else 1):
                        maker.put_conversation(person_id, first + timedelta(days=30 * talk), 4, "held")
    return maker.world()


class _Maker:
    """Collects the rows of one world."""

    def __init__(self, rng: random.Random, loaded: tuple[date, ...], municipalities: Sequence[str]) -> None:
        self.rng = rng
        self.loaded = loaded
        self.first, self.last = loaded[0], last_day(loaded[-1])
        self.municipalities = tuple(municipalities)
        self.benefits: dict[BenefitRow, None] = {}  # a row that equals another would be quarantined
        self.conversations: list[ConversationRow] = []
        self.offers: dict[OfferRow, None] = {}
        self.hours: dict[tuple[str, date], HoursRow] = {}
        self.diligence = rng.choice((0.2, 0.6, 0.9))
        self.is_good = rng.random() < 0.3  # a place that meets the focus goals

    def world(self) -> World:
        """The world of the rows so far, with the population of its municipalities."""
        quarters = [add_months(month_of(self.first), back) for back in range(-3, 0)]
        quarters = [month for month in (*quarters, *self.loaded) if month.month % 3 == 0]
        population = {
            (quarter, code): self.rng.randint(20, 90_000) for quarter in quarters for code in self.municipalities
        }
        return World(
            loaded_months=self.loaded,
            benefit_rows=list(self.benefits),
            conversation_rows=list(self.conversations),
            offer_rows=list(self.offers),
            hours_rows=list(self.hours.values()),
            population=population,
            municipalities=self.municipalities,
        )

    # --- days -------------------------------------------------------------------------------------------------

    def clip(self, day: date) -> date:
        return min(max(day, self.first), self.last)

    def some_day(self) -> date:
        """A day of the loaded range, edges of months far too often."""
        month = self.rng.choice(self.loaded)
        edges = (
            month,
            month + DAY,
            last_day(month),
            last_day(month) - DAY,
            month + timedelta(days=14),
            self.first,
            self.first + DAY,
            date(2024, 2, 29),
            date(2020, 2, 29),
            date(2020, 1, 1),
            date(2023, 12, 31),
        )
        if self.rng.random() < 0.6:
            day = self.rng.choice(edges)
            if self.first <= day <= self.last:
                return day
        return self.clip(month + timedelta(days=self.rng.randrange(28)))

    def is_loaded(self, day: date) -> bool:
        return month_of(day) in self.loaded

    # --- benefits ---------------------------------------------------------------------------------------------

    def put_benefit(
        self,
        person_id: str,
        benefit: str,
        match_group: str | None,
        municipality: str,
        first: date,
        last: date,
        fraction: Decimal,
    ) -> None:
        """A run of days, cut at month ends, without the months that are not loaded."""
        for part_first, part_last in split_by_month(self.clip(first), self.clip(last)):
            if self.is_loaded(part_first):
                row = BenefitRow(person_id, benefit, match_group, municipality, part_first, part_last, fraction)
                self.benefits[row] = None

    def kind(self) -> tuple[str, str | None]:
        """A benefit and a match group that may go with it, or not."""
        benefit = self.rng.choices(list(BENEFIT_WEIGHTS), list(BENEFIT_WEIGHTS.values()))[0]
        usual: dict[str, tuple[str | None, ...]] = {
            "kontanthjaelp": ("jobparat", "aktivitetsparat", None),
            "sho": ("jobparat", "aktivitetsparat", "uddannelsesparat"),
            "uddannelseshjaelp": ("uddannelsesparat", "aabenlyst_uddannelsesparat", "aktivitetsparat", "jobparat"),
        }
        return benefit, self.rng.choice(usual.get(benefit, (None, None, "jobparat")))

    def person(self, person_id: str) -> None:
        """One person's life in the world."""
        rng = self.rng
        life = rng.choice(("steady", "switcher", "changer", "broken", "overlapper", "overlapper", "none"))
        if life == "steady":
            self.steady(person_id)
        elif life == "switcher":
            self.switcher(person_id)
        elif life == "changer":
            self.changer(person_id)
        elif life == "broken":
            self.broken(person_id)
        elif life == "overlapper":
            self.steady(person_id)
            self.overlaps(person_id)
        self.activity(person_id)

    def steady(self, person_id: str) -> None:
        """One long spell, from the first day, the second, or later; often to the very end."""
        benefit, match_group = self.kind()
        early = (self.first, self.first + DAY, self.first + timedelta(days=20), self.some_day())
        first = self.rng.choice(early)
        last = self.rng.choice((self.last, self.last, self.last - DAY, self.some_day()))
        if last < first:
            first, last = last, first
        municipality = self.rng.choice(self.municipalities)
        self.put_benefit(person_id, benefit, match_group, municipality, first, last, self.rng.choice(FRACTIONS))

    def switcher(self, person_id: str) -> None:
        """A chain of benefits with no, one or more days between them; often the same benefit again."""
        rng = self.rng
        day = rng.choice((self.first, self.some_day(), self.first + timedelta(days=rng.randrange(60))))
        benefit, match_group = self.kind()
        while day <= self.last:
            length = rng.choice((1, 2, 7, 31, 44, 45, 59, 90, 181, 182, rng.randint(1, 200)))
            last = day + timedelta(days=length - 1)
            if rng.random() < 0.3:
                last = last_day(month_of(last))
            municipality = rng.choice(self.municipalities)
            self.put_benefit(person_id, benefit, match_group, municipality, day, last, rng.choice(FRACTIONS))
            day = last + timedelta(days=1 + rng.choice((0, 0, 0, 1, 1, 2, 14, 40)))
            if rng.random() < 0.6:
                benefit, match_group = self.kind()

    def changer(self, person_id: str) -> None:
        """One benefit throughout; match group, municipality and fraction change within it."""
        rng = self.rng
        benefit, match_group = self.kind()
        day = rng.choice((self.first, self.first + DAY, self.some_day()))
        while day <= self.last:
            last = rng.choice((day + timedelta(days=rng.randint(0, 150)), last_day(month_of(day)), self.some_day()))
            last = max(last, day)
            match_group = rng.choice((match_group, *rules.MATCH_GROUPS))
            municipality = rng.choice(self.municipalities)
            self.put_benefit(person_id, benefit, match_group, municipality, day, last, rng.choice(FRACTIONS))
            day = last + DAY

    def broken(self, person_id: str) -> None:
        """Support, førtidspension for a while (or beneath the support, where it changes nothing), support again."""
        rng = self.rng
        benefit, match_group = self.kind()
        again = (benefit, match_group) if rng.random() < 0.5 else self.kind()
        municipality = rng.choice(self.municipalities)
        first = rng.choice((self.first, self.first + DAY, self.first + timedelta(days=rng.randrange(90))))
        middle = self.some_day()
        pension = rng.choice((1, 1, 5, 60))
        self.put_benefit(person_id, benefit, match_group, municipality, first, max(first, middle - DAY), Decimal(1))
        beneath = rng.choice((0, 0, 10))
        self.put_benefit(
            person_id,
            "foertidspension",
            None,
            rng.choice(self.municipalities),
            middle - timedelta(days=beneath),
            middle + timedelta(days=pension - 1),
            Decimal(1),
        )
        after = middle + timedelta(days=pension)
        if after <= self.last:
            self.put_benefit(person_id, again[0], again[1], municipality, after, self.last, rng.choice(FRACTIONS))

    def overlaps(self, person_id: str) -> None:
        """Further rows over the days of rows that stand, differing in one column of §2 at a time."""
        rng = self.rng
        own = [row for row in self.benefits if row.person_id == person_id]
        for row in rng.sample(own, min(len(own), rng.randint(1, 6))):
            first = row.from_date + timedelta(days=rng.randint(0, (row.to_date - row.from_date).days))
            last = first + timedelta(days=rng.randint(0, (row.to_date - first).days))
            other_benefit, other_match = self.kind()
            change = rng.choice(("benefit", "fraction", "from", "municipality", "match", "to", "all"))
            new = row
            if change in ("benefit", "all"):
                new = replace(new, benefit=other_benefit, match_group=other_match, from_date=first, to_date=last)
            if change in ("fraction", "all"):
                new = replace(new, fraction=rng.choice(FRACTIONS), municipality=rng.choice(self.municipalities))
            if change == "from":
                new = replace(new, from_date=first, match_group=rng.choice(rules.MATCH_GROUPS))
            if change in ("municipality", "all"):
                new = replace(new, municipality=rng.choice(self.municipalities))
                new = replace(new, match_group=rng.choice((new.match_group, *rules.MATCH_GROUPS)))
            if change == "match":
                new = replace(new, match_group=rng.choice(rules.MATCH_GROUPS))
            if change == "to":
                new = replace(new, to_date=last if last >= new.from_date else new.to_date)
            self.benefits[new] = None

    # --- conversations, offers, hours -------------------------------------------------------------------------

    def activity(self, person_id: str) -> None:
        """Conversations, offers and hours around the edges of the person's spells."""
        rows = [row for row in self.benefits if row.person_id == person_id]
        person = World(self.loaded, rows).persons.get(person_id)
        if person is None:
            # No benefit at all, and yet conversations, an offer and hours: must count nowhere but in the requests.
            for _ in range(self.rng.randrange(4)):
                self.put_conversation(person_id, self.some_day())
            if self.rng.random() < 0.3:
                self.put_offer(person_id, self.some_day(), 30)
            if self.rng.random() < 0.3:
                self.put_hours(person_id, self.rng.choice(self.loaded), Decimal(37))
            return
        for spell in person.benefit_spells:
            self.conversations_of(person, spell)
        for spell in person.support_spells:
            self.offers_of(person_id, spell)
            self.hours_of(person_id, spell)
            if self.is_good and self.rng.random() < 0.9:
                self.effort_of(person_id, spell)

    def put_conversation(self, person_id: str, day: date, type_code: int | None = None, status: str = "") -> None:
        """One conversation, or none when the day's month is not loaded."""
        rng = self.rng
        if not self.is_loaded(day):
            return
        requested = None
        if rng.random() < 0.3:
            requested = day - timedelta(days=rng.choice((0, 1, 9, 10, 10, 11, 40)))
        self.conversations.append(
            ConversationRow(
                conversation_id=f"{person_id}-{len(self.conversations)}",
                person_id=person_id,
                municipality=rng.choice(self.municipalities),
                type_code=type_code or (rng.choice(COUNTING) if rng.random() < 0.8 else rng.choice(OTHERS)),
                conversation_date=day,
                status=status or rng.choices(("held", "cancelled", "no_show"), (8, 1, 1))[0],
                requested_date=requested,
                contact_form=rng.choice(CONTACT_FORMS),
            )
        )

    def conversations_of(self, person: Person, spell: Spell) -> None:
        rng = self.rng
        row = person.row_of_day[spell.first.toordinal()]
        group = rules.target_group(row.benefit, row.match_group)
        edges = [spell.first, spell.first - DAY, spell.last, spell.last + DAY]
        for month in self.loaded:
            # The edges of twelve-month windows that end while the spell runs.
            if spell.first <= last_day(month) <= spell.last and rng.random() < 0.15:
                edges += [last_day(month), month, add_months(month, -11), add_months(month, -11) - DAY]
        held_before = spell.first
        number = 0
        deadlines = [deadline for deadline in rules.DEADLINES if deadline.target_group == group]
        for deadline in sorted(deadlines, key=lambda d: (due_date(spell.first, d), d.valid_from)):
            due = due_date(spell.first, deadline)
            if not deadline.valid_from <= due < deadline.valid_to or due > spell.last:
                continue
            edges += [due, due + DAY, due - DAY]
            while rng.random() < self.diligence and number < deadline.required_count:
                number += 1
                is_last = number == deadline.required_count
                days = rng.choice((0, 0, 1, -1)) if is_last else rng.randint(0, max(0, (due - held_before).days))
                day = due + timedelta(days=days) if is_last else held_before + timedelta(days=days)
                self.put_conversation(person.person_id, day, rng.choice(COUNTING), "held")
            held_before = due
        for day in rng.sample(edges, min(len(edges), rng.randrange(5))):
            self.put_conversation(person.person_id, day)
        if rng.random() < 0.3:
            # The same type twice on one day is one conversation, two types are two.
            day, type_code = rng.choice(edges), rng.choice(COUNTING)
            self.put_conversation(person.person_id, day, type_code, "held")
            self.put_conversation(person.person_id, day, type_code, "held")
            if rng.random() < 0.5:
                self.put_conversation(person.person_id, day, rng.choice(COUNTING), "held")

    def put_offer(self, person_id: str, first: date, days: int, offer_id: str | None = None) -> None:
        """An offer of so many days, cut at month ends, without the months that are not loaded."""
        rng = self.rng
        offer_id = offer_id or f"offer-{person_id}-{len(self.offers)}"
        municipality, offer_type = rng.choice(self.municipalities), rng.choice(OFFER_TYPES)
        hours = rng.choice((None, Decimal(0), Decimal(37), Decimal("7.5")))
        for part_first, part_last in split_by_month(first, first + timedelta(days=days - 1)):
            if self.is_loaded(part_first):
                row = OfferRow(offer_id, person_id, municipality, part_first, part_last, offer_type, hours)
                self.offers[row] = None

    def offers_of(self, person_id: str, spell: Spell) -> None:
        rng = self.rng
        if rng.random() < 0.35:
            return
        anchor = rng.choice(self.loaded)
        for _ in range(rng.randint(1, 2)):
            shape = rng.choice(("before", "first", "last", "after", "four_weeks", "split", "edge", "overlap", "long"))
            inside = self.clip(spell.first + timedelta(days=rng.randint(0, (spell.last - spell.first).days)))
            if shape == "before":
                self.put_offer(person_id, spell.first - timedelta(days=3), 3)
            elif shape == "first":
                self.put_offer(person_id, spell.first, 1)
            elif shape == "last":
                self.put_offer(person_id, spell.last, 1)
            elif shape == "after":
                self.put_offer(person_id, spell.last + DAY, 5)
            elif shape == "four_weeks":
                self.put_offer(person_id, inside, rng.choice((27, 28, 28, 29)))
            elif shape == "split":
                # An interrupted offer: 28 days or one less, in two parts under one id.
                name = f"offer-{person_id}-{len(self.offers)}"
                self.put_offer(person_id, inside, 14, name)
                self.put_offer(person_id, inside + timedelta(days=20), rng.choice((13, 14)), name)
            elif shape == "edge":
                # One day at an edge of a twelve-month window.
                first = add_months(anchor, -11)
                self.put_offer(person_id, rng.choice((first, first - DAY, last_day(anchor), last_day(anchor) + DAY)), 1)
            elif shape == "overlap":
                # Thirty rows' days, 27 or 28 distinct ones.
                self.put_offer(person_id, inside, 15)
                self.put_offer(person_id, inside + timedelta(days=12), rng.choice((15, 16)))
            else:
                self.put_offer(person_id, inside, rng.randint(30, 250))

    def effort_of(self, person_id: str, spell: Spell) -> None:
        """A talk every other month and a short offer now and then."""
        day = spell.first + timedelta(days=self.rng.randrange(60))
        while day <= spell.last:
            self.put_conversation(person_id, day, self.rng.choice(COUNTING), "held")
            if self.rng.random() < 0.4:
                self.put_offer(person_id, day, self.rng.randint(1, 20))
            day += timedelta(days=self.rng.choice((50, 60, 70, 91)))

    def put_hours(self, person_id: str, month: date, hours: Decimal) -> None:
        """Paid hours of a month, once per person and month and only for loaded months."""
        if month in self.loaded and (person_id, month) not in self.hours:
            self.hours[person_id, month] = HoursRow(person_id, month, hours)

    def hours_of(self, person_id: str, spell: Spell) -> None:
        rng = self.rng
        if rng.random() < 0.3:
            # Sums exactly on the limit, a millionth below and above, spread over a year.
            anchor = rng.choice(self.loaded)
            total = rng.choice((Decimal(100), Decimal(225))) + rng.choice(
                (Decimal(0), Decimal(0), Decimal("-0.000001"), Decimal("0.000001"))
            )
            parts = [Decimal("33.333333"), Decimal("12.345678"), Decimal("0.000001")]
            months = rng.sample([add_months(anchor, -back) for back in range(12)], 4)
            for month, part in zip(months, [*parts, total - sum(parts)], strict=True):
                self.put_hours(person_id, month, part)
            if rng.random() < 0.3:
                self.put_hours(person_id, add_months(anchor, -12), Decimal(200))
        if rng.random() < 0.5:
            # Around the third month after the end.
            offset = rng.choice((2, 3, 3, 3, 4))
            self.put_hours(
                person_id, add_months(month_of(spell.last), offset), Decimal(rng.choice(("0.000001", "120")))
            )

    # --- cohorts ----------------------------------------------------------------------------------------------

    def cohort_person(self, person_id: str, month: date) -> None:
        """Starts in the month (the first day most often), stays about six months, talks and gets an offer or not."""
        rng = self.rng
        first = month + timedelta(days=rng.choice((0, 0, 0, 0, 0, 0, 0, 0, 1, 27)))
        benefit, match_group = rng.choice(
            (("dagpenge", None), ("kontanthjaelp", "jobparat"), ("uddannelseshjaelp", None), ("sho", "aktivitetsparat"))
        )
        last = last_day(add_months(month, 5)) + timedelta(days=rng.choice((0, 0, 0, 31, 92, 92, 92, 92, -1)))
        self.put_benefit(person_id, benefit, match_group, self.municipalities[0], first, last, Decimal(1))
        good = rng.random() < 0.8
        for number in range(4 if good else 3):
            self.put_conversation(person_id, first + timedelta(days=40 * number), rng.choice(COUNTING), "held")
        if rng.random() < 0.85:
            self.put_offer(person_id, first + timedelta(days=rng.choice((0, 30, 179))), 1)


# --- packing --------------------------------------------------------------------------------------------------


def pack(worlds: Iterable[World], codes: Sequence[str] = CODES) -> World:
    """One world that holds all of them side by side: each gets its own municipalities and its own persons.

    The order of the municipalities within a world stays (ties by code stay as they were). All must have the same
    loaded months. Municipal rows of the packed world are those of the small ones; the country's are new.
    """
    parts = list(worlds)
    free = iter(codes)
    first_person = 0
    packed = World(loaded_months=parts[0].loaded_months)
    used: list[str] = []
    for part in parts:
        if part.loaded_months != packed.loaded_months:
            raise ValueError("only worlds with the same loaded months can be packed")
        if (part.conversation_months, part.offer_months, part.hours_months) != (None, None, None):
            raise ValueError("only worlds whose data sets are delivered for every loaded month can be packed")
        if part.framework_conditions or part.published_rows or part.qualitative_reviews:
            raise ValueError("national inputs belong to the packed world: add them after packing")
        code = dict(zip(sorted(part.municipalities), free, strict=False))
        if len(code) < len(part.municipalities):
            raise ValueError("more municipalities than there are codes")
        used += code.values()
        ids = dict.fromkeys(
            row.person_id for rows in (part.benefit_rows, part.conversation_rows, part.offer_rows, part.hours_rows)
            for row in rows
        )  # fmt: skip
        person = {own: replacement_number(first_person + place) for place, own in enumerate(sorted(ids))}
        first_person += len(person)
        for benefit in part.benefit_rows:
            packed.benefit_rows.append(
                replace(benefit, person_id=person[benefit.person_id], municipality=code[benefit.municipality])
            )
        for talk in part.conversation_rows:
            own = person[talk.person_id]
            packed.conversation_rows.append(
                replace(
                    talk,
                    conversation_id=f"c-{len(packed.conversation_rows)}",
                    person_id=own,
                    municipality=code[talk.municipality],
                )
            )
        for offer in part.offer_rows:
            own = person[offer.person_id]
            offer_id = offer.offer_id.replace(offer.person_id, own)
            packed.offer_rows.append(
                replace(offer, offer_id=offer_id, person_id=own, municipality=code[offer.municipality])
            )
        for hours in part.hours_rows:
            packed.hours_rows.append(replace(hours, person_id=person[hours.person_id]))
        for (quarter, municipality), value in part.population.items():
            packed.population[quarter, code[municipality]] = value
    packed.municipalities = tuple(sorted(used))
    return packed


def add_national_inputs(
    world: World,
    seed: int,
    *,
    framework: bool = True,
    published_periods: Sequence[str] = (),
    missing_quarters: Collection[date] = (),
    missing_population: Collection[tuple[date, str]] = (),
) -> World:
    """Population of all 98 for every quarter, framework conditions of every complete period, published rows.

    ``missing_quarters`` are left out whole, ``missing_population`` for one municipality. The world then reports all 98.
    """
    rng = random.Random(seed)
    quarters = {quarter for quarter, _ in world.population}
    quarters |= {month for month in world.loaded_months if month.month % 3 == 0}
    for quarter in sorted(quarters):
        for code in CODES:
            world.population.setdefault((quarter, code), rng.randint(100, 90_000))
    for key in list(world.population):
        if key[0] in missing_quarters or key in missing_population:
            del world.population[key]
    if framework:
        for period_code in complete_periods(world):
            for code in CODES:
                for covariate in rules.COVARIATES:
                    value = Decimal(rng.randrange(0, 60_000_000)).scaleb(-6)
                    world.framework_conditions[period_code, code, covariate] = value
    for period_code in published_periods:
        world.published_rows += published_rows(rng, period_code)
    world.municipalities = CODES
    world.memo.clear()
    return world


def published_rows(rng: random.Random, period_code: str) -> list[PublishedRow]:
    """A published table of one period: counts rounded to 10, shares with two decimals, ties in the difference."""
    rows = []
    if period_code_of(period_months(period_code)[-1]) != period_code:
        raise ValueError(f"not a published rolling year: {period_code}")
    for area in ("all", "dagpenge", "sygedagpenge", "kontanthjaelp"):
        drafts = []
        for code in CODES:
            expected = Decimal(rng.randrange(300, 1500)).scaleb(-2)
            difference = Decimal(rng.choice((0, 1, -1, rng.randrange(-120, 120)))).scaleb(-2)
            persons = Decimal(10 * rng.randrange(10, 400))
            persons_difference = Decimal(10 * rng.randrange(-9, 9))
            drafts.append((difference, code, expected, persons, persons_difference))
        for rank, (difference, code, expected, persons, persons_difference) in enumerate(sorted(drafts), start=1):
            rows.append(
                PublishedRow(
                    period_code=period_code,
                    municipality=code,
                    area=area,
                    expected_persons=persons,
                    actual_persons=persons + persons_difference,
                    difference_persons=persons_difference,
                    expected_percentage=expected,
                    actual_percentage=expected + difference,
                    difference_percentage_points=difference,
                    rank=rank,
                )
            )
    return rows
