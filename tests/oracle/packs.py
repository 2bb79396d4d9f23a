"""The packed worlds that the warehouse is compared with: one build per era, 53 small worlds in each (265 in all).

Together the eras meet every rule set, the changes from one to the next, the letters' rounds, the excluded months, the
suspended goal, holes between the months, and periods with published, modelled, both and no expected levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

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


ERAS: dict[str, Era] = {
    "letters": Era(1_000, date(2017, 6, 1), 32, has_letters=True, published_periods=("2019QMAT02", "2019QMAT04")),
    "law_2020": Era(
        2_000,
        date(2019, 1, 1),
        30,
        published_periods=("2020QMAT04", "2021QMAT02"),
        missing_quarters=(date(2019, 3, 1), date(2020, 9, 1)),
    ),
    "law_2024": Era(
        3_000,
        date(2023, 1, 1),
        26,
        published_periods=("2020QMAT02", "2023QMAT04"),
        missing_population=((date(2024, 6, 1), "0147"),),
    ),
    "law_2026": Era(4_000, date(2025, 7, 1), 21),
    "holes": Era(5_000, date(2021, 3, 1), 24, holes=(9, 21), framework=False, published_periods=("2022QMAT04",)),
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
        pack(parts),
        era.first_seed,
        framework=era.framework,
        published_periods=era.published_periods,
        missing_quarters=era.missing_quarters,
        missing_population=era.missing_population,
    )
