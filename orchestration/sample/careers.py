"""Persons and their spells on benefits, carried forward month by month (a semi-Markov process).

A person has a slot in flat arrays. A state on a benefit lasts until a day drawn when it began; then comes another
benefit, a time without, or nothing more. Within a spell, match group, municipality and fraction may change. Slots of
persons who are gone are used again; person numbers never are.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from orchestration.sample.world import (
    BENEFITS,
    DAGPENGE,
    FOERTIDSPENSION,
    JOBAFKLARING,
    KONTANTHJAELP,
    LEDIGHEDSYDELSE,
    RESSOURCEFORLOEB,
    REVALIDERING,
    SHO,
    SYGEDAGPENGE,
    UDDANNELSESHJAELP,
    Effort,
    World,
)

Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

NEVER = np.int32(2_000_000)
NO_BENEFIT = -1
FREE = -2  # no person in the slot

MATCH_GROUPS = ("jobparat", "aktivitetsparat", "uddannelsesparat", "aabenlyst_uddannelsesparat")
NO_MATCH_GROUP = -1

# Median length of a spell in days and its spread on the log scale, as BENEFITS.
_MEDIAN_DAYS = np.array([62, 380, 105, 750, 420, 260, 260, 210, 300, 3000], dtype=np.float64)
_SPREAD = np.array([1.05, 0.6, 1.0, 0.7, 0.6, 0.9, 1.15, 1.05, 0.9, 1.0])
# What follows a spell: (benefit, per cent); the rest is a time without benefit.
_NEXT = {
    SYGEDAGPENGE: ((JOBAFKLARING, 5), (DAGPENGE, 8), (KONTANTHJAELP, 1), (LEDIGHEDSYDELSE, 1), (RESSOURCEFORLOEB, 1)),
    JOBAFKLARING: ((RESSOURCEFORLOEB, 14), (LEDIGHEDSYDELSE, 18), (FOERTIDSPENSION, 14), (SYGEDAGPENGE, 4)),
    DAGPENGE: ((SYGEDAGPENGE, 9), (KONTANTHJAELP, 3), (REVALIDERING, 0.3)),
    RESSOURCEFORLOEB: ((FOERTIDSPENSION, 45), (LEDIGHEDSYDELSE, 28), (KONTANTHJAELP, 8)),
    REVALIDERING: ((DAGPENGE, 20), (KONTANTHJAELP, 10)),
    LEDIGHEDSYDELSE: ((SYGEDAGPENGE, 12), (FOERTIDSPENSION, 9)),
    KONTANTHJAELP: ((SYGEDAGPENGE, 3), (RESSOURCEFORLOEB, 5), (DAGPENGE, 3), (FOERTIDSPENSION, 4), (REVALIDERING, 1)),
    UDDANNELSESHJAELP: ((KONTANTHJAELP, 12), (RESSOURCEFORLOEB, 3), (SYGEDAGPENGE, 2), (DAGPENGE, 2)),
    SHO: ((KONTANTHJAELP, 20), (DAGPENGE, 2)),
    FOERTIDSPENSION: (),
}
# Cumulative chance of jobparat, aktivitetsparat, uddannelsesparat, aabenlyst_uddannelsesparat; the rest is not stated.
_MATCH_CHANCES = {
    DAGPENGE: (0.96, 0.96, 0.96, 0.96),
    KONTANTHJAELP: (0.34, 0.98, 0.98, 0.98),
    UDDANNELSESHJAELP: (0.0, 0.43, 0.86, 0.98),
    SHO: (0.5, 0.97, 0.97, 0.97),
    LEDIGHEDSYDELSE: (0.3, 0.8, 0.8, 0.8),
}
# Chance of being paid for less than full time, and of some paid hours of work beside the benefit.
_PARTIAL = np.array([0.22, 0.05, 0.24, 0.02, 0.05, 0.10, 0.08, 0.05, 0.04, 0.0])
_SMALL_JOB = np.array([0.10, 0.05, 0.22, 0.04, 0.03, 0.08, 0.12, 0.14, 0.12, 0.05])
# The age at which a benefit is typically begun, and its spread in years.
_TYPICAL_AGE = np.array([43, 45, 38, 42, 36, 48, 40, 24, 35, 52], dtype=np.float64)
_AGE_SPREAD = 8.0

# Days on which the first conversation is due, by benefit, until 2019, 2020-2023 and from 2024: how job centres plan.
_FIRST_CONVERSATION = np.array([56, 60, 42, 60, 60, 60, 7, 7, 7, 0], dtype=np.float64)
_FIRST_CONVERSATION_2024 = np.where(np.arange(10) == DAGPENGE, 14, _FIRST_CONVERSATION)
# Days from the start of a spell to an offer.
_FIRST_OFFER_DAYS = np.array([420, 330, 180, 330, 80, 340, 270, 150, 190, 0], dtype=np.float64)

_GONE_AFTER_DAYS = 215
_OLDEST_YEARS, _YOUNGEST_YEARS = 64, 17

_STREAM_CAREERS = 3
EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01, as in Parquet's dates."""
    return (day - EPOCH).days


def month_ends(month: date) -> tuple[int, int]:
    """Day numbers of the first and the last day of the month."""
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return day_number(month), day_number(following) - 1


@dataclass
class Segments:
    """Runs of days in one month with one benefit, match group, municipality and fraction; parallel arrays."""

    slot: Ints
    benefit: npt.NDArray[np.int8]
    match_group: npt.NDArray[np.int8]
    municipality: npt.NDArray[np.int8]
    from_day: Days
    to_day: Days
    percent: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.slot)


@dataclass
class DueConversations:
    """Conversations planned on a day of the month with persons whose spell ended in it."""

    slot: list[Ints] = field(default_factory=list)
    day: list[Days] = field(default_factory=list)
    benefit: list[npt.NDArray[np.int8]] = field(default_factory=list)


class PersonNumbers:
    """Replacement numbers (day of birth + 60), each given out once.

    The n-th person is born on the n-th of the days that a person of working age may be born on, over and over; the
    round gives the four last digits, so that no number comes twice.
    """

    def __init__(self, seed: int, start: date) -> None:
        first = date(start.year - _OLDEST_YEARS, start.month, 1)
        last = date(start.year - _YOUNGEST_YEARS, start.month, 1)
        days = [first + timedelta(days=number) for number in range((last - first).days)]
        parts = [((d.day + 60) * 10_000 + d.month * 100 + d.year % 100) * 10_000 for d in days]
        rng = np.random.default_rng([seed, _STREAM_CAREERS, 0])
        order = rng.permutation(len(days))
        self._births = np.array(parts, dtype=np.int64)[order]
        self._birth_days = np.array([day_number(d) for d in days], dtype=np.int32)[order]
        self._offset = rng.integers(0, 10_000, len(days))
        self._given = 0

    def take(self, count: int) -> tuple[Ints, Days]:
        """The next ``count`` numbers (10-digit integers) and the days of birth."""
        numbers = np.arange(self._given, self._given + count, dtype=np.int64)
        self._given += count
        birth = numbers % len(self._births)
        round_number = numbers // len(self._births)
        if count and round_number[-1] >= 10_000:
            raise OverflowError("more persons than replacement numbers; use a smaller scale or fewer months")
        # 7919 has no factor in common with 10,000: each round gives another serial number.
        serial = (round_number * 7919 + self._offset[birth]) % 10_000
        return self._births[birth] + serial, self._birth_days[birth]


class Careers:
    """All persons that are, were just, or will soon again be on a benefit."""

    def __init__(self, world: World, seed: int, start: date) -> None:
        self.world = world
        self.seed = seed
        self.numbers = PersonNumbers(seed, start)
        self.size = 0
        self._fields: dict[str, npt.DTypeLike] = {
            "cpr": np.int64,
            "benefit": np.int8,
            "match_group": np.int8,
            "municipality": np.int8,
            "percent": np.int8,
            "segment_from": np.int32,
            "segment_to": np.int32,
            "spell_from": np.int32,
            "spell_to": np.int32,
            "return_day": np.int32,
            "left_day": np.int32,
            "next_conversation": np.int32,
            "next_offer": np.int32,
            "offer_from": np.int32,
            "offer_to": np.int32,
            "offer_id": np.int64,
            "offer_type": np.int8,
            "offer_hours": np.int8,
            "small_job": np.int16,
            "work": np.int16,
            "distance": np.float32,
        }
        self.cpr: Ints = np.empty(0, np.int64)
        self.benefit: npt.NDArray[np.int8] = np.empty(0, np.int8)
        self.match_group: npt.NDArray[np.int8] = np.empty(0, np.int8)
        self.municipality: npt.NDArray[np.int8] = np.empty(0, np.int8)
        self.percent: npt.NDArray[np.int8] = np.empty(0, np.int8)
        self.segment_from: Days = np.empty(0, np.int32)
        self.segment_to: Days = np.empty(0, np.int32)
        self.spell_from: Days = np.empty(0, np.int32)
        self.spell_to: Days = np.empty(0, np.int32)
        self.return_day: Days = np.empty(0, np.int32)
        self.left_day: Days = np.empty(0, np.int32)
        self.next_conversation: Days = np.empty(0, np.int32)
        self.next_offer: Days = np.empty(0, np.int32)
        self.offer_from: Days = np.empty(0, np.int32)
        self.offer_to: Days = np.empty(0, np.int32)
        self.offer_id: Ints = np.empty(0, np.int64)
        self.offer_type: npt.NDArray[np.int8] = np.empty(0, np.int8)
        self.offer_hours: npt.NDArray[np.int8] = np.empty(0, np.int8)
        self.small_job: npt.NDArray[np.int16] = np.empty(0, np.int16)
        self.work: npt.NDArray[np.int16] = np.empty(0, np.int16)
        # How far from work, and how hard to reach, a person is: factor on the time between conversations and offers.
        self.distance: npt.NDArray[np.float32] = np.empty(0, np.float32)
        self._next_cumulative, self._next_choice = _transition_tables()
        self._begin(start)

    # --- months -------------------------------------------------------------------------------------------------

    def advance(self, month: date) -> tuple[Segments, DueConversations]:
        """Carry everybody through the month; returns the month's segments and the talks due to those who left."""
        first, last = month_ends(month)
        self.rng = np.random.default_rng([self.seed, _STREAM_CAREERS, month.year * 12 + month.month])
        self.effort: Effort = self.world.effort(month)
        self.month = month
        self.due = DueConversations()
        self._pieces: list[tuple[npt.NDArray[np.generic], ...]] = []
        gone = (self.benefit == NO_BENEFIT) & (self.return_day == NEVER) & (self.left_day < first - _GONE_AFTER_DAYS)
        self.benefit[gone] = FREE

        on_benefit = self.benefit >= 0
        ended = np.flatnonzero(on_benefit & (self.segment_to < first))
        active = np.flatnonzero(on_benefit & (self.segment_to >= first))
        back = np.flatnonzero((self.benefit == NO_BENEFIT) & (self.return_day <= last))
        self._return(back)
        self._run(np.concatenate([active, back, self._follow(ended, first, last)]), first, last)
        self._run(self._arrivals(first, last), first, last)
        columns = [np.concatenate(column) for column in zip(*self._pieces, strict=True)]
        order = np.argsort(columns[0], kind="stable")
        return Segments(*(column[order] for column in columns)), self.due

    def _run(self, slots: Ints, first: int, last: int) -> None:
        """Write the segments of these persons and follow them to the end of the month."""
        while len(slots):
            end = self.segment_to[slots]
            self._pieces.append(
                (
                    slots,
                    self.benefit[slots],
                    self.match_group[slots],
                    self.municipality[slots],
                    np.maximum(self.segment_from[slots], np.int32(first)),
                    np.minimum(end, np.int32(last)),
                    self.percent[slots],
                )
            )
            slots = self._follow(slots[end < last], first, last)

    def _follow(self, slots: Ints, first: int, last: int) -> Ints:
        """What comes after the segments of these persons; returns those on a benefit again within the month."""
        if not len(slots):
            return slots
        ends_spell = self.segment_to[slots] >= self.spell_to[slots]
        ending = slots[ends_spell]
        changing = slots[~ends_spell]
        self._change(changing)

        benefit = self.benefit[ending]
        next_day = self.spell_to[ending] + np.int32(1)
        self._collect_due(ending, first)
        draw = self.rng.random(len(ending)) * 100
        choice = (draw[:, None] >= self._next_cumulative[benefit]).sum(1)
        following = self._next_choice[benefit, choice]
        switching = following >= 0
        self._start_spell(ending[switching], next_day[switching], following[switching].astype(np.int8))
        leaving = ending[~switching]
        self._leave(leaving, next_day[~switching])
        back = leaving[self.return_day[leaving] <= last]
        self._return(back)
        continuing = np.concatenate([changing, ending[switching], back])
        again: Ints = continuing[self.segment_from[continuing] <= last]
        return again

    # --- what happens to a person -------------------------------------------------------------------------------

    def _change(self, slots: Ints) -> None:
        """Another match group, municipality or fraction within the spell."""
        count = len(slots)
        kind = self.rng.random(count)
        self.segment_from[slots] = self.segment_to[slots] + np.int32(1)
        moving = slots[kind < 0.09]
        self.municipality[moving] = self._draw_municipality(len(moving))
        regrouped = slots[(kind >= 0.09) & (kind < 0.7)]
        self.match_group[regrouped] = self._draw_match_group(self.benefit[regrouped])
        refraction = slots[kind >= 0.7]
        self.percent[refraction] = self._draw_percent(self.benefit[refraction])
        self._set_segment_end(slots)

    def _leave(self, slots: Ints, day: Days) -> None:
        count = len(slots)
        benefit = self.benefit[slots]
        self.benefit[slots] = NO_BENEFIT
        self.left_day[slots] = day
        self.next_conversation[slots] = NEVER
        self.next_offer[slots] = NEVER
        draw = self.rng.random(count)
        gap = np.where(
            draw < 0.015, 1.0, np.where(draw < 0.11, self.rng.uniform(2, 31, count), self.rng.uniform(31, 420, count))
        )
        returns = (draw < 0.42) & (benefit != FOERTIDSPENSION)
        self.return_day[slots] = np.where(returns, day + gap.astype(np.int32), NEVER)
        chance = self.effort.retention[self.municipality[slots]] * np.where(benefit == FOERTIDSPENSION, 0, 1)
        hours = np.clip(self.rng.normal(135, 28, count), 12, 200)
        self.work[slots] = np.where(self.rng.random(count) < chance, hours, 0)

    def _return(self, slots: Ints) -> None:
        """Back on a benefit, mostly on one that fits where the person came from."""
        again = self.rng.choice(
            np.array([DAGPENGE, SYGEDAGPENGE, KONTANTHJAELP, UDDANNELSESHJAELP], dtype=np.int8),
            len(slots),
            p=[0.5, 0.27, 0.17, 0.06],
        )
        self._start_spell(slots, self.return_day[slots], again)

    def _start_spell(self, slots: Ints, day: Days, benefit: npt.NDArray[np.int8]) -> None:
        count = len(slots)
        self.benefit[slots] = benefit
        self.match_group[slots] = self._draw_match_group(benefit)
        self.percent[slots] = self._draw_percent(benefit)
        self.segment_from[slots] = day
        self.spell_from[slots] = day
        self.return_day[slots] = NEVER
        self.work[slots] = 0
        length = np.exp(self.rng.standard_normal(count) * _SPREAD[benefit]) * _MEDIAN_DAYS[benefit]
        length *= self.effort.spell_length[self.municipality[slots]]
        self.spell_to[slots] = day + np.clip(length, 0, 20_000).astype(np.int32)
        self._set_segment_end(slots)
        self._plan_first(slots, day, benefit)
        has_job = self.rng.random(count) < _SMALL_JOB[benefit]
        self.small_job[slots] = np.where(has_job, np.clip(self.rng.gamma(2.0, 14.0, count), 2, 110), 0)

    def _plan_first(self, slots: Ints, day: Days, benefit: npt.NDArray[np.int8]) -> None:
        """The first conversation and the first offer of a spell."""
        count = len(slots)
        municipality = self.municipality[slots]
        due = (_FIRST_CONVERSATION_2024 if self.month >= date(2024, 1, 1) else _FIRST_CONVERSATION)[benefit]
        in_time = self.rng.random(count) < self.effort.on_time_probability[municipality]
        share = np.where(in_time, self.rng.uniform(0.35, 1.0, count), 1 + self.rng.exponential(1.0, count))
        planned = day + (due * share).astype(np.int32)
        wait = self.rng.exponential(1.0, count) * _FIRST_OFFER_DAYS[benefit]
        wait *= self.effort.offer_interval[municipality] * self.distance[slots]
        offered = day + np.clip(wait, 5, 8_000).astype(np.int32)
        out_of_scope = benefit == FOERTIDSPENSION
        self.next_conversation[slots] = np.where(out_of_scope, NEVER, planned)
        self.next_offer[slots] = np.where(out_of_scope, NEVER, offered)

    def _set_segment_end(self, slots: Ints) -> None:
        """Half of the spells of a year or more change municipality, match group or fraction on the way."""
        change = self.segment_from[slots] + self.rng.exponential(430.0, len(slots)).astype(np.int32)
        self.segment_to[slots] = np.minimum(change, self.spell_to[slots])

    def _collect_due(self, ending: Ints, first: int) -> None:
        """Conversations planned before the spell's end; running offers end with the spell."""
        planned = self.next_conversation[ending]
        held = (planned >= first) & (planned <= self.spell_to[ending])
        self.due.slot.append(ending[held])
        self.due.day.append(planned[held])
        self.due.benefit.append(self.benefit[ending[held]])
        self.offer_to[ending] = np.minimum(self.offer_to[ending], self.spell_to[ending])

    # --- draws --------------------------------------------------------------------------------------------------

    def _draw_municipality(self, count: int) -> npt.NDArray[np.int8]:
        cumulative = np.cumsum(self.world.move_weights)
        drawn = np.searchsorted(cumulative, self.rng.random(count) * cumulative[-1], side="right")
        municipality: npt.NDArray[np.int8] = drawn.astype(np.int8)
        return municipality

    def _draw_match_group(self, benefit: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        drawn = (self.rng.random(len(benefit))[:, None] >= _MATCH_TABLE[benefit]).sum(1)
        return np.where(drawn == len(MATCH_GROUPS), NO_MATCH_GROUP, drawn).astype(np.int8)

    def _draw_percent(self, benefit: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        count = len(benefit)
        partial = self.rng.random(count) < _PARTIAL[benefit]
        return np.where(partial, self.rng.integers(20, 96, count), 100).astype(np.int8)

    # --- new persons --------------------------------------------------------------------------------------------

    def _arrivals(self, first: int, last: int) -> Ints:
        """New persons, as many as are needed to bring each municipality's stock to what the world says."""
        active = np.flatnonzero(self.benefit >= 0)
        cells = self.municipality[active].astype(np.int64) * len(BENEFITS) + self.benefit[active]
        stock = np.bincount(cells, minlength=len(self.world.municipality_codes) * len(BENEFITS))
        wanted = self.world.target_stock(self.month).ravel()
        # Some of those who come are gone again before the month ends.
        counts = self.rng.poisson(np.maximum(wanted - stock, 0) * 1.06)
        slots, cell = self._new_persons(counts, self.month)
        days = self.rng.integers(first, last + 1, len(slots)).astype(np.int32)
        on_first = self.rng.random(len(slots)) < 0.22
        days[on_first] = first
        self._start_spell(slots, days, (cell % len(BENEFITS)).astype(np.int8))
        return slots

    def _new_persons(self, counts: npt.NDArray[np.int64], month: date) -> tuple[Ints, Ints]:
        """Slots and cells (municipality x benefit) of new persons; the young get what the young mostly get."""
        cell = np.repeat(np.arange(len(counts)), counts)
        cpr, born = self.numbers.take(len(cell))
        age = (day_number(month) - born) / 365.25
        typical = _TYPICAL_AGE[cell % len(BENEFITS)] + self.rng.standard_normal(len(cell)) * _AGE_SPREAD
        ordered = np.empty(len(cell), dtype=np.int64)
        ordered[np.argsort(age, kind="stable")] = cell[np.argsort(typical, kind="stable")]
        slots = self._take_slots(len(cell))
        self.cpr[slots] = cpr
        self.municipality[slots] = ordered // len(BENEFITS)
        self.offer_from[slots] = NEVER
        self.offer_to[slots] = -1
        exempt = np.where(self.rng.random(len(cell)) < 0.10, 4.0, 1.0)
        self.distance[slots] = np.exp(self.rng.standard_normal(len(cell)) * 0.6) * exempt
        return slots, ordered

    def _take_slots(self, count: int) -> Ints:
        free = np.flatnonzero(self.benefit == FREE)[:count]
        lacking = count - len(free)
        if lacking > 0:
            old, grow = self.size, max(lacking, self.size // 8)
            for name, dtype in self._fields.items():
                extension = np.full(grow, FREE if name == "benefit" else 0, dtype=dtype)
                setattr(self, name, np.concatenate([getattr(self, name), extension]))
            self.size += grow
            free = np.concatenate([free, np.arange(old, old + lacking)])
        return free

    def _begin(self, start: date) -> None:
        """The stock on the day before the first month, with spells that have been running for a while."""
        month = (start - timedelta(days=1)).replace(day=1)
        self.month = month
        self.rng = np.random.default_rng([self.seed, _STREAM_CAREERS, 1])
        self.effort = self.world.effort(month)
        counts = self.rng.poisson(self.world.target_stock(month).ravel())
        slots, cell = self._new_persons(counts, month)
        count = len(slots)
        benefit = (cell % len(BENEFITS)).astype(np.int8)
        yesterday = day_number(start) - 1
        self._start_spell(slots, np.full(count, yesterday, np.int32), benefit)
        # Whom one meets on a given day has a long spell more often than not: lengths weighed by themselves.
        spread = _SPREAD[benefit]
        length = np.exp(self.rng.standard_normal(count) * spread + spread**2) * _MEDIAN_DAYS[benefit]
        elapsed = self.rng.random(count) * np.clip(length, 2, 12_000)
        self.spell_from[slots] = yesterday - elapsed.astype(np.int32)
        self.segment_from[slots] = self.spell_from[slots]
        self.spell_to[slots] = yesterday + 1 + (np.clip(length, 2, 12_000) - elapsed).astype(np.int32)
        change = yesterday + 1 + self.rng.exponential(430.0, count).astype(np.int32)
        self.segment_to[slots] = np.minimum(change, self.spell_to[slots])
        # Conversations and offers are under way.
        in_scope = benefit != FOERTIDSPENSION
        talk = yesterday + 1 + (self.rng.random(count) * 85 * self.distance[slots]).astype(np.int32)
        wait = self.rng.exponential(1.0, count) * 310 * self.effort.offer_interval[self.municipality[slots]]
        offer = yesterday + 1 + np.clip(wait * self.distance[slots], 0, 8_000).astype(np.int32)
        self.next_conversation[slots] = np.where(in_scope, talk, NEVER)
        # Every eighth is in an offer already.
        offer[self.rng.random(count) < 0.12] = yesterday + 1
        self.next_offer[slots] = np.where(in_scope, offer, NEVER)


def _transition_tables() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
    """Per benefit: cumulative per cent of the benefits that may follow, and which they are (-1 = none)."""
    width = max(len(options) for options in _NEXT.values())
    cumulative = np.full((len(BENEFITS), width), 100.0)
    choice = np.full((len(BENEFITS), width + 1), NO_BENEFIT, dtype=np.int8)
    for benefit, options in _NEXT.items():
        total = 0.0
        for number, (following, per_cent) in enumerate(options):
            total += per_cent
            cumulative[benefit, number] = total
            choice[benefit, number] = following
        cumulative[benefit, len(options) :] = total
    return cumulative, choice


_MATCH_TABLE = np.array([_MATCH_CHANCES.get(benefit, (0.0, 0.0, 0.0, 0.0)) for benefit in range(len(BENEFITS))])
