"""What job centres do with the persons in a month: conversations, active offers; and the persons' paid work."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from orchestration.sample.careers import NEVER, Bools, Careers, Days, DueConversations, Ints, month_ends
from orchestration.sample.world import DAGPENGE, KONTANTHJAELP, SHO, SYGEDAGPENGE, UDDANNELSESHJAELP

Small = npt.NDArray[np.int8]

CONTACT_FORMS = ("in_person", "phone", "video", "letter", "other")
STATUSES = ("held", "cancelled", "no_show")
HELD, CANCELLED, NO_SHOW = range(3)
OFFER_TYPES = ("virksomhedspraktik", "loentilskud", "nytteindsats", "vejledning_og_opkvalificering", "mentor")
HOURS_NOT_REGISTERED = -1

# Codes of conversation types: follow-up, job, a-kasse's and joint ones; and those that do not count.
_FOLLOW_UP, _JOB, _JOB_WITH_FUND, _JOINT = 4, 7, 17, 19
_OTHER_TYPES = np.array([8, 9, 10, 11, 12, 13, 15, 20], dtype=np.int8)

# Chance of each offer type (cumulative), median length in days, usual hours a week.
_OFFER_CHANCES = np.array([0.42, 0.50, 0.58, 0.88, 1.0])
_OFFER_DAYS = np.array([45, 150, 80, 50, 120], dtype=np.float64)
_OFFER_HOURS = np.array([24, 34, 22, 27, 3], dtype=np.float64)
_DAYS_TO_NEXT_OFFER = 310.0
# Hours were not registered in these months.
_NO_HOURS = (date(2018, 1, 1), date(2019, 9, 1))
# Job centres were closed for most purposes.
_CLOSED = (date(2020, 3, 1), date(2020, 5, 1))

_STREAM_CONVERSATIONS, _STREAM_OFFERS, _STREAM_WORK = 4, 5, 6


@dataclass
class Conversations:
    """Conversations of a month, parallel arrays; ``requested_day`` NEVER = nobody asked."""

    slot: Ints
    municipality: Small
    type_code: Small
    contact_form: Small
    status: Small
    day: Days
    requested_day: Days
    registered_second: Ints

    def take(self, positions: Ints | Bools) -> "Conversations":
        return Conversations(*(getattr(self, name)[positions] for name in self.__dataclass_fields__))


@dataclass
class Offers:
    """Parts of offers in a month, parallel arrays."""

    offer_id: Ints
    slot: Ints
    municipality: Small
    offer_type: Small
    from_day: Days
    to_day: Days
    hours: Small


@dataclass
class Work:
    """Paid hours in a month, in hundredths."""

    slot: Ints
    hundredths: Ints


class Activities:
    """Plans and carries out; keeps only the counter of offers, all else stands with the persons."""

    def __init__(self, careers: Careers) -> None:
        self.careers = careers
        self._offers_given = 0

    # --- conversations ------------------------------------------------------------------------------------------

    def conversations(self, month: date, due: DueConversations) -> Conversations:
        """Conversations planned for the month, held or not, and others that do not count."""
        careers = self.careers
        first, last = month_ends(month)
        rng = self._rng(_STREAM_CONVERSATIONS, month)
        left = np.concatenate(due.slot), np.concatenate(due.day), np.concatenate(due.benefit)
        pieces = [_make(rng, month, careers, *left)]
        waiting = np.flatnonzero((careers.benefit >= 0) & (careers.next_conversation <= last))
        while len(waiting):
            day = np.maximum(careers.next_conversation[waiting], np.int32(first))
            piece = _make(rng, month, careers, waiting, day, careers.benefit[waiting])
            pieces.append(piece)
            careers.next_conversation[waiting] = day + self._interval(rng, month, waiting, day, piece.status)
            waiting = waiting[careers.next_conversation[waiting] <= last]
        pieces.append(self._other(rng, month))
        made = Conversations(
            *(np.concatenate([getattr(p, name) for p in pieces]) for name in Conversations.__dataclass_fields__)
        )
        made.day = _to_weekday(made.day, first, last)
        made.requested_day = np.where(
            made.requested_day == NEVER, NEVER, np.minimum(made.requested_day, made.day)
        ).astype(np.int32)
        made.registered_second += made.day.astype(np.int64) * 86_400
        return made.take(np.argsort(made.slot, kind="stable"))

    def _interval(self, rng: np.random.Generator, month: date, slots: Ints, day: Days, status: Small) -> Days:
        """Days to the next conversation: short in the first half year, soon again when this one fell through."""
        careers = self.careers
        benefit = careers.benefit[slots]
        early = day - careers.spell_from[slots] < 180
        job_ready = (benefit == DAGPENGE) | (careers.match_group[slots] == 0)
        if month < date(2020, 1, 1):
            base = np.where(benefit == DAGPENGE, 29.0, np.where(benefit == SYGEDAGPENGE, 28.0, 75.0))
        elif month < date(2024, 1, 1):
            base = np.full(len(slots), 44.0)
        elif month < date(2026, 7, 1):
            base = np.where(benefit == DAGPENGE, 29.0, 44.0)
        else:
            base = np.where(job_ready, 44.0, 130.0)
        base = np.where(early, base, 78.0)
        factor = self.careers.effort.conversation_interval[careers.municipality[slots]]
        reach = np.clip(careers.distance[slots], 0.6, 3.0) ** 0.35
        interval = base * factor * reach * np.exp(0.22 * rng.standard_normal(len(slots)))
        if _CLOSED[0] <= month <= _CLOSED[1]:
            interval += 60
        # Some are lost from sight for a year or more, more of them where intervals are long.
        lost = rng.random(len(slots)) < 0.006 * factor**3
        interval = np.where(lost, interval + rng.uniform(240, 500, len(slots)), interval)
        fell_through = (status != HELD) & (rng.random(len(slots)) < 0.8)
        interval = np.where(fell_through, rng.uniform(7, 21, len(slots)), interval)
        days: Days = np.maximum(interval, 7).astype(np.int32)
        return days

    def _other(self, rng: np.random.Generator, month: date) -> Conversations:
        """Information meetings, CV conversations and the like: they do not count."""
        careers = self.careers
        first, last = month_ends(month)
        chance = np.zeros(128)
        chance[[DAGPENGE, KONTANTHJAELP, UDDANNELSESHJAELP, SHO]] = (0.10, 0.03, 0.04, 0.03)
        slots = np.flatnonzero(careers.benefit >= 0)
        slots = slots[rng.random(len(slots)) < chance[careers.benefit[slots]]]
        day = rng.integers(first, last + 1, len(slots)).astype(np.int32)
        other = _make(rng, month, careers, slots, day, careers.benefit[slots])
        other.type_code = rng.choice(_OTHER_TYPES, len(slots))
        return other

    # --- offers -------------------------------------------------------------------------------------------------

    def offers(self, month: date) -> Offers:
        """Parts of offers that run in the month; offers that the month begins."""
        careers = self.careers
        first, last = month_ends(month)
        rng = self._rng(_STREAM_OFFERS, month)
        starting = np.flatnonzero((careers.benefit >= 0) & (careers.next_offer <= last) & (careers.offer_to < first))
        if _CLOSED[0] <= month <= _CLOSED[1]:
            starting = starting[rng.random(len(starting)) < 0.2]
        elif month.month in (7, 12):
            starting = starting[rng.random(len(starting)) < 0.6]
        self._begin_offers(rng, starting, first)
        running = np.flatnonzero((careers.benefit >= -1) & (careers.offer_from <= last) & (careers.offer_to >= first))
        from_day = np.maximum(careers.offer_from[running], np.int32(first))
        to_day = np.minimum(careers.offer_to[running], np.int32(last))
        hours = careers.offer_hours[running]
        hours = np.where(rng.random(len(running)) < 0.01, HOURS_NOT_REGISTERED, hours).astype(np.int8)
        if _NO_HOURS[0] <= month <= _NO_HOURS[1]:
            hours[:] = HOURS_NOT_REGISTERED
        # An interrupted offer has two parts in the month under one id.
        long = to_day - from_day >= 12
        interrupted = np.flatnonzero(long & (rng.random(len(running)) < 0.015))
        resumed = from_day[interrupted] + 8
        again = np.concatenate([np.arange(len(running)), interrupted])
        starts = np.concatenate([from_day, resumed])
        ends = np.concatenate([to_day, to_day[interrupted]])
        ends[interrupted] = from_day[interrupted] + 4
        order = np.argsort(again, kind="stable")
        again, starts, ends = again[order], starts[order].astype(np.int32), ends[order].astype(np.int32)
        slots = running[again]
        return Offers(
            offer_id=careers.offer_id[slots],
            slot=slots,
            municipality=careers.municipality[slots],
            offer_type=careers.offer_type[slots],
            from_day=starts,
            to_day=ends,
            hours=hours[again],
        )

    def _begin_offers(self, rng: np.random.Generator, slots: Ints, first: int) -> None:
        careers = self.careers
        count = len(slots)
        start = np.maximum(careers.next_offer[slots], np.int32(first))
        kind = np.searchsorted(_OFFER_CHANCES, rng.random(count), side="right").astype(np.int8)
        length = np.clip(np.exp(0.6 * rng.standard_normal(count)) * _OFFER_DAYS[kind], 1, 700).astype(np.int32)
        careers.offer_from[slots] = start
        careers.offer_to[slots] = np.minimum(start + length - 1, careers.spell_to[slots])
        careers.offer_id[slots] = np.arange(self._offers_given, self._offers_given + count)
        self._offers_given += count
        careers.offer_type[slots] = kind
        hours = np.clip(np.rint(_OFFER_HOURS[kind] + 6 * rng.standard_normal(count)), 0, 37)
        careers.offer_hours[slots] = hours.astype(np.int8)
        wait = rng.exponential(1.0, count) * _DAYS_TO_NEXT_OFFER * careers.distance[slots]
        wait *= careers.effort.offer_interval[careers.municipality[slots]]
        careers.next_offer[slots] = start + length + np.clip(wait, 3, 8_000).astype(np.int32)

    # --- paid work ----------------------------------------------------------------------------------------------

    def work(self, month: date) -> Work:
        """Paid hours: small jobs beside a benefit, and work of those who have left."""
        careers = self.careers
        first, last = month_ends(month)
        rng = self._rng(_STREAM_WORK, month)
        beside = (careers.benefit >= 0) & (careers.small_job > 0)
        after = (careers.benefit == -1) & (careers.work > 0)
        slots = np.flatnonzero(beside | after)
        away = np.clip((last - np.maximum(careers.left_day[slots], first) + 1) / (last - first + 1), 0, 1)
        hours = np.where(after[slots], careers.work[slots] * away, careers.small_job[slots])
        hours = hours * np.exp(0.18 * rng.standard_normal(len(slots)))
        # Not everybody with a small job has hours every month.
        kept = after[slots] | (rng.random(len(slots)) < 0.8)
        hundredths = np.clip(np.rint(hours * 4) * 25, 25, 74_400).astype(np.int64)
        return Work(slot=slots[kept], hundredths=hundredths[kept])

    def _rng(self, stream: int, month: date) -> np.random.Generator:
        return np.random.default_rng([self.careers.seed, stream, month.year * 12 + month.month])


def _make(
    rng: np.random.Generator, month: date, careers: Careers, slots: Ints, day: Days, benefit: Small
) -> Conversations:
    count = len(slots)
    draw = rng.random(count)
    status = np.where(draw < 0.85, HELD, np.where(draw < 0.93, CANCELLED, NO_SHOW)).astype(np.int8)
    draw = rng.random(count)
    insured = np.where(draw < 0.72, _JOB, np.where(draw < 0.9, _JOB_WITH_FUND, _JOINT))
    type_code = np.where(
        benefit == DAGPENGE, insured, np.where((benefit >= KONTANTHJAELP) & (draw < 0.7), _JOB, _FOLLOW_UP)
    ).astype(np.int8)
    closed = _CLOSED[0] <= month <= _CLOSED[1]
    chances = np.array([0.02, 0.9, 0.97, 0.99] if closed else [0.66, 0.86, 0.96, 0.98])
    contact_form = np.searchsorted(chances, rng.random(count), side="right").astype(np.int8)
    asked = rng.random(count) < 0.035
    wait = rng.exponential(5.5, count) * careers.effort.conversation_interval[careers.municipality[slots]]
    requested = np.where(asked, day - wait.astype(np.int32), NEVER).astype(np.int32)
    # Most are registered the same week, some weeks later.
    lag = np.where(rng.random(count) < 0.9, rng.integers(0, 4, count), rng.integers(4, 45, count))
    second = lag * 86_400 + rng.integers(9 * 3600, 17 * 3600, count)
    return Conversations(
        slots, careers.municipality[slots], type_code, contact_form, status, day, requested, second.astype(np.int64)
    )


def _to_weekday(day: Days, first: int, last: int) -> Days:
    """Nobody meets on a Saturday or Sunday: the Friday before, or the Monday after where the month begins."""
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday; Monday = 0
    moved = day - np.maximum(weekday - 4, 0)
    moved = np.where(moved < first, day + 7 - weekday, moved)
    return np.clip(moved, first, last).astype(np.int32)
