"""The packed worlds that the warehouse is compared with: one build per era, 53 small worlds in each (265 in all).

Together the eras meet every rule set, the changes from one to the next, the letters' rounds, the excluded months, the
suspended goal, holes between the months, data sets that were never delivered for a loaded month or are all that was
delivered for a month, and periods with published, modelled, both and no expected levels.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

from .calendar import add_months, month_of
from .random_worlds import add_national_inputs, cohort_world, letters_world, limit_world, pack, random_world
from .world import World

PAIRS = 45  # worlds of two municipalities
COHORTS = 4
LIMITS = ((3, 2), (2, 1), (2, 2), (0, 0))  # persons of ten who are passive, who have few conversations


@dataclass(frozen=True)
class Era:
    """What one packed world is made of."""

    first_seed: int
    start: date
    months: int
    holes: tuple[int, ...] = ()
    framework: bool = True
    has_letters: bool = False
    published_periods: tuple[str, ...] = ()
    missing_quarters: tuple[date, ...] = ()
    missing_population: tuple[tuple[date, str], ...] = ()
    no_conversations: tuple[date, ...] = ()  # loaded months for which the data set was never delivered
    no_offers: tuple[date, ...] = ()
    no_hours: tuple[date, ...] = ()
    activities_only: tuple[date, ...] = ()  # months that are not loaded, for which the other three were delivered


ERAS: dict[str, Era] = {
    "letters": Era(1_000, date(2017, 6, 1), 32, has_letters=True, published_periods=("2019QMAT02", "2019QMAT04")),
    "law_2020": Era(
        2_000,
        date(2019, 1, 1),
        30,
        published_periods=("2020QMAT04", "2021QMAT02"),
        missing_quarters=(date(2019, 3, 1), date(2020, 9, 1)),
        no_conversations=(date(2020, 9, 1),),
        no_offers=(date(2020, 10, 1),),
        no_hours=(date(2020, 11, 1),),
    ),
    "law_2024": Era(
        3_000,
        date(2023, 1, 1),
        26,
        published_periods=("2020QMAT02", "2023QMAT04"),
        missing_population=((date(2024, 6, 1), "0147"),),
    ),
    "law_2026": Era(4_000, date(2025, 7, 1), 21),
    "holes": Era(
        5_000,
        date(2021, 3, 1),
        24,
        holes=(9, 21),
        framework=False,
        published_periods=("2022QMAT04",),
        no_conversations=(date(2022, 4, 1),),
        no_offers=(date(2022, 5, 1),),
        no_hours=(date(2022, 6, 1),),
        activities_only=(date(2021, 12, 1), date(2023, 3, 1)),
    ),
}


def packed(name: str, persons: int = 25) -> World:
    """The packed world of an era; ``persons`` in each of its small random worlds."""
    era = ERAS[name]
    parts = [
        random_world(era.first_seed + number, era.start, era.months, persons, ("0101", "0147"), era.holes)
        for number in range(PAIRS - era.has_letters)
    ]
    parts += [
        cohort_world(era.first_seed + PAIRS + number, era.start, era.months, "0101", era.holes)
        for number in range(COHORTS)
    ]
    if era.has_letters:
        parts.append(letters_world(era.start, era.months, ("0101", "0147")))
    parts += [limit_world(era.start, era.months, "0101", passive, few, era.holes) for passive, few in LIMITS]
    return add_national_inputs(
        deliver_otherwise(pack(parts), era),
        era.first_seed,
        framework=era.framework,
        published_periods=era.published_periods,
        missing_quarters=era.missing_quarters,
        missing_population=era.missing_population,
    )


def deliver_otherwise(world: World, era: Era) -> World:
    """The world without the data sets that the era lacks, and with the activities of months that are not loaded.

    Those are the activities of the month before, moved a month ahead (the wishes for a talk stay where they were).
    """

    def months_without(missing: Collection[date]) -> tuple[date, ...]:
        return tuple(sorted({*world.loaded_months, *era.activities_only} - set(missing)))

    def ahead(day: date) -> date:
        return add_months(month_of(day), 1).replace(day=min(day.day, 28))

    talks, offers, hours = world.conversation_rows, world.offer_rows, world.hours_rows
    before = {add_months(month, -1) for month in era.activities_only}
    talks = talks + [
        replace(row, conversation_id=f"{row.conversation_id}-ahead", conversation_date=ahead(row.conversation_date))
        for row in talks
        if month_of(row.conversation_date) in before
    ]
    offers = offers + [
        replace(row, from_date=ahead(row.from_date), to_date=ahead(row.to_date))
        for row in offers
        if month_of(row.from_date) in before
    ]
    hours = hours + [replace(row, month=add_months(row.month, 1)) for row in hours if row.month in before]
    return replace(
        world,
        conversation_rows=[row for row in talks if month_of(row.conversation_date) not in era.no_conversations],
        offer_rows=list(dict.fromkeys(row for row in offers if month_of(row.from_date) not in era.no_offers)),
        hours_rows=[row for row in hours if row.month not in era.no_hours],
        conversation_months=months_without(era.no_conversations),
        offer_months=months_without(era.no_offers),
        hours_months=months_without(era.no_hours),
        memo={},
    )
