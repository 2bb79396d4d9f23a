"""A new, corrected or late month: only the months that it can touch are built again, as a full rebuild would.

One warehouse lives through the deliveries of ``STEPS``; after each of them a copy is rebuilt from nothing, in batches
of another size, and compared with it row by row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import pytest

from tests.oracle.calendar import add_months, month_of, month_range
from tests.oracle.comparison import compare_warehouse
from tests.oracle.landing import write_world
from tests.oracle.random_worlds import cohort_world, pack, random_world
from tests.oracle.world import World
from tests.support.warehouse import Workshop, built_months, monthly_tables, table_differences

pytestmark = pytest.mark.slow

MARTS = (
    "conversation_coverage",
    "conversation_timeliness",
    "conversation_requests",
    "early_effort",
    "focus_goals",
    "passive_by_duration",
    "offer_effort",
    "benefit_recipients",
    "results",
)

FIRST, MONTHS = date(2022, 7, 1), 22
NEWEST = add_months(FIRST, MONTHS - 1)
LATE = date(2023, 3, 1)
YEAR_BACK = add_months(NEWEST, -12)
MONTHS_PER_BATCH = 4

HISTORY = -1000
Window = tuple[int, int]  # months back and ahead that a month of the table depends on

# What each monthly table may read, by the specification (and no more): the months of a window that a batch lies in.
BENEFITS, OWN_MONTH, YEAR = (HISTORY, 0), (0, 0), (-11, 0)
REACH: dict[str, dict[str, Window]] = {
    "int_benefit_segments": {"benefit_periods": BENEFITS},
    "int_benefit_segments__left": {"benefit_periods": BENEFITS},
    "int_counted_conversations": {"conversations": OWN_MONTH},
    "int_offer_days": {"active_offers": OWN_MONTH},
    "int_conversation_coverage__population": {"benefit_periods": BENEFITS, "conversations": (-24, 0)},
    "int_conversation_coverage__counts": {"benefit_periods": BENEFITS, "conversations": (-24, 0)},
    "int_benefit_spells__ended": {"benefit_periods": BENEFITS},
    "int_conversation_obligations__due": {"benefit_periods": BENEFITS},
    "int_conversation_obligations__evidence": {"benefit_periods": BENEFITS, "conversations": (-25, 0)},
    "int_conversation_obligations__overdue": {"benefit_periods": BENEFITS, "conversations": (HISTORY, 0)},
    "int_conversation_obligations__late": {"benefit_periods": BENEFITS, "conversations": (HISTORY, 0)},
    "int_conversation_timeliness__counts": {"benefit_periods": BENEFITS, "conversations": (-25, 0)},
    "int_conversation_timeliness__late_counts": {"benefit_periods": BENEFITS, "conversations": (HISTORY, 0)},
    "int_conversation_requests__counts": {"conversations": OWN_MONTH},
    "int_early_effort__population": {
        "benefit_periods": BENEFITS, "conversations": (-12, 0), "active_offers": (-12, 0),
    },
    "int_early_effort__counts": {"benefit_periods": BENEFITS, "conversations": (-12, 0), "active_offers": (-12, 0)},
    "int_focus_goals__population": {
        "benefit_periods": BENEFITS, "conversations": YEAR, "active_offers": YEAR, "ordinary_hours": YEAR,
    },
    "int_focus_goals__counts": {
        "benefit_periods": BENEFITS, "conversations": YEAR, "active_offers": YEAR, "ordinary_hours": YEAR,
    },
    "int_passive_by_duration__offered": {"benefit_periods": BENEFITS, "active_offers": (HISTORY, 0)},
    "int_passive_by_duration__counts": {"benefit_periods": BENEFITS, "active_offers": (HISTORY, 0)},
    "int_offer_effort__six_months_population": {"benefit_periods": BENEFITS, "active_offers": (-12, 0)},
    "int_offer_effort__counts": {
        "benefit_periods": BENEFITS, "conversations": YEAR, "active_offers": (-12, 0), "ordinary_hours": YEAR,
    },
    "int_benefit_recipients__counts": {"benefit_periods": BENEFITS},
    "int_benefit_recipients__full_time_days": {"benefit_periods": BENEFITS},
    "int_results__ended_spells": {"benefit_periods": (HISTORY, 3), "ordinary_hours": (0, 3)},
    "int_results__ended_counts": {"benefit_periods": (HISTORY, 3), "ordinary_hours": (0, 3)},
    "int_results__presence_counts": {"benefit_periods": BENEFITS},
}  # fmt: skip

Kind = Literal["benefit_periods", "conversations", "active_offers", "ordinary_hours"]
ALL: tuple[Kind, ...] = ("benefit_periods", "conversations", "active_offers", "ordinary_hours")


@dataclass(frozen=True)
class Step:
    """One delivery: the month and the data sets that it holds."""

    name: str
    month: date
    datasets: tuple[Kind, ...]
    number: int = 1


STEPS = (
    Step("new month", NEWEST, ALL),
    Step("activities corrected a year back", YEAR_BACK, ("conversations", "active_offers"), 2),
    Step("late month", LATE, ALL),
    Step("benefits corrected a year back", YEAR_BACK, ("benefit_periods",), 3),
)


@dataclass(frozen=True)
class Outcome:
    """What a step did: months that each table built again, and where the result differs from a full rebuild's."""

    loaded: frozenset[date]
    rebuilt: dict[str, set[date]]
    differences: dict[str, tuple[int, int]]


def whole_world() -> World:
    """All months as they were delivered first."""
    parts = [random_world(7_000 + number, FIRST, MONTHS, 20, ("0101", "0147"), ()) for number in range(8)]
    return pack([*parts, cohort_world(7_900, FIRST, MONTHS, "0101")])


def part(world: World, months: Iterable[date], datasets: Iterable[Kind] = ALL) -> World:
    """The rows of some months and data sets; population goes with its month, or with the first month before any."""
    months, datasets = set(months), set(datasets)
    loaded = months if "benefit_periods" in datasets else set()

    def delivered(kind: Kind) -> tuple[date, ...]:
        return tuple(sorted(months)) if kind in datasets else ()

    return World(
        loaded_months=tuple(sorted(loaded)),
        benefit_rows=[row for row in world.benefit_rows if month_of(row.from_date) in loaded],
        conversation_rows=[
            row for row in world.conversation_rows if month_of(row.conversation_date) in delivered("conversations")
        ],
        offer_rows=[row for row in world.offer_rows if month_of(row.from_date) in delivered("active_offers")],
        hours_rows=[row for row in world.hours_rows if row.month in delivered("ordinary_hours")],
        population={
            (quarter, code): persons
            for (quarter, code), persons in world.population.items()
            if datasets == set(ALL) and (quarter in months or (quarter < FIRST and FIRST in months))
        },
        conversation_months=delivered("conversations"),
        offer_months=delivered("active_offers"),
        hours_months=delivered("ordinary_hours"),
        municipalities=world.municipalities,
    )


def corrected(world: World, month: date, datasets: Iterable[Kind]) -> World:
    """Every third row of the month's data sets is gone, every third other one changed."""
    benefits, talks, offers = world.benefit_rows, world.conversation_rows, world.offer_rows
    if "benefit_periods" in datasets:
        own = [row for row in benefits if month_of(row.from_date) == month]
        changed = [
            replace(row, benefit="sygedagpenge" if row.benefit != "sygedagpenge" else "foertidspension")
            for row in own[1::3]
        ]
        benefits = [row for row in benefits if month_of(row.from_date) != month]
        benefits = list(dict.fromkeys([*benefits, *own[2::3], *changed]))
    if "conversations" in datasets:
        own_talks = [row for row in talks if month_of(row.conversation_date) == month]
        cancelled = [replace(row, status="cancelled") for row in own_talks[1::3]]
        talks = [row for row in talks if month_of(row.conversation_date) != month] + cancelled + own_talks[2::3]
    if "active_offers" in datasets:
        own_offers = [row for row in offers if month_of(row.from_date) == month]
        shorter = [replace(row, to_date=row.from_date) for row in own_offers[1::3]]
        offers = [row for row in offers if month_of(row.from_date) != month]
        offers = list(dict.fromkeys([*offers, *own_offers[2::3], *shorter]))
    return replace(world, benefit_rows=benefits, conversation_rows=talks, offer_rows=offers, memo={})


def numbers(workshop: Workshop) -> dict[str, dict[date, int]]:
    """Per monthly table each month's build number."""
    with workshop.connect("living") as connection:
        return {table: built_months(connection, table) for table in monthly_tables(connection)}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """The life of the warehouse: each step loaded and built, and compared with a rebuild."""
    workshop = Workshop(tmp_path_factory.mktemp("incremental"))
    selected = [f"+fct_{mart}" for mart in MARTS]
    first, final = whole_world(), whole_world()
    early = [month for month in month_range(FIRST, MONTHS) if month not in (LATE, NEWEST)]
    workshop.load("living", part(first, early))
    workshop.build("living", *selected)
    result = {}
    for step in STEPS:
        before = numbers(workshop)
        if step.number > 1:
            final = corrected(final, step.month, step.datasets)
        delivery = part(final, [step.month], step.datasets)
        write_world(delivery, workshop.settings("living").landing, delivery=step.number)
        workshop.load("living")
        workshop.build("living", *selected)
        after = numbers(workshop)
        rebuilt = {
            table: {month for month, number in months.items() if before[table].get(month) != number}
            for table, months in after.items()
        }
        copy = f"rebuilt {step.name}".replace(" ", "_")
        workshop.copy("living", copy)
        # Small batches for the rebuild: the result must not depend on how the months are bundled either.
        workshop.set_months_per_batch(copy, MONTHS_PER_BATCH)
        workshop.build(copy, *selected, full_refresh=True)
        with workshop.connect("living") as connection:
            connection.execute(f"attach '{workshop.settings(copy).warehouse}' as other (read_only)")
            differences = table_differences(connection, "other", [*after, *(f"marts.fct_{mart}" for mart in MARTS)])
            if step is STEPS[-1]:
                differences |= {f"oracle: {mart}": (len(found), 0) for mart, found in
                                compare_warehouse(final, connection, MARTS).items()}  # fmt: skip
            loaded = connection.execute("select month from intermediate.int_months").fetchall()
        result[step.name] = Outcome(frozenset(row[0] for row in loaded), rebuilt, differences)
    return result


def reached(step: Step, table: str, loaded: Iterable[date]) -> set[date]:
    """The loaded months of a table that the step's delivery can touch."""
    windows = REACH[table.removeprefix("intermediate.")]
    return {
        month
        for month in loaded
        for dataset, (back, ahead) in windows.items()
        if dataset in step.datasets
        and step.month <= add_months(month, ahead)
        and (back == HISTORY or step.month >= add_months(month, back))
    }


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_result_equals_a_full_rebuild_row_by_row(outcomes: dict[str, Outcome], step: Step) -> None:
    assert outcomes[step.name].differences == {}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_only_months_that_the_delivery_can_touch_are_built(outcomes: dict[str, Outcome], step: Step) -> None:
    outcome = outcomes[step.name]
    expected = {table: reached(step, table, outcome.loaded) for table in outcome.rebuilt}
    assert outcome.rebuilt == expected


def test_every_monthly_table_has_a_stated_reach(outcomes: dict[str, Outcome]) -> None:
    tables = {table.removeprefix("intermediate.") for table in outcomes[STEPS[0].name].rebuilt}
    assert tables == set(REACH)


def test_a_correction_of_activities_leaves_benefit_tables_alone(outcomes: dict[str, Outcome]) -> None:
    rebuilt = outcomes["activities corrected a year back"].rebuilt
    assert rebuilt["intermediate.int_benefit_segments"] == set()
    # A window of twelve months reaches eleven months ahead, and not one more.
    assert rebuilt["intermediate.int_focus_goals__counts"] == set(month_range(YEAR_BACK, 12)) - {LATE}


def test_a_new_month_reaches_back_to_the_spells_that_await_it(outcomes: dict[str, Outcome]) -> None:
    """Whether a spell ended, and whether the person stayed in work, is known one and three months later."""
    rebuilt = outcomes["new month"].rebuilt["intermediate.int_results__ended_counts"]
    assert rebuilt == set(month_range(add_months(NEWEST, -3), 4))
