"""Hand-worked tiny cases for every measure of the oracle; the arithmetic stands beside them."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.oracle import rules
from tests.oracle.building import HOME, benefit, day, empty_world, hours, offer, talk
from tests.oracle.measures import (
    benefit_levels,
    benefit_recipients,
    category_assignments,
    conversation_coverage,
    conversation_requests,
    conversation_timeliness,
    early_effort,
    focus_goals,
    follow_up,
    measure_results,
    offer_effort,
    passive_by_duration,
    results,
    similar_municipalities,
    supervision,
    timeliness_and_results,
)
from tests.oracle.municipalities import CODES
from tests.oracle.random_worlds import limit_world, published_rows
from tests.oracle.world import PublishedRow, QualitativeReview, World


def values(row: dict[str, object], *columns: str) -> list[object]:
    return [row[column] for column in columns]


# --- §4 ---------------------------------------------------------------------------------------------------------


def test_coverage_counts_one_conversation_per_type_and_day_within_the_spell() -> None:
    world = empty_world("2024-01", 9)
    benefit(world, "p", "dagpenge", "2024-02-01", "2024-09-30")
    benefit(world, "q", "dagpenge", "2024-02-02", "2024-09-30")  # five completed months in July: not yet
    talk(world, "p", "2024-01-31", "2024-08-01")  # before the spell; after July
    talk(world, "p", "2024-02-01", "2024-02-01", "2024-07-31")  # the first day (twice the same) and the as_of_date
    talk(world, "p", "2024-02-01", type_code=4)  # another type on the same day counts too
    talk(world, "p", "2024-03-01", status="cancelled")
    talk(world, "p", "2024-03-02", type_code=15)  # does not count
    rows = conversation_coverage.compute(world)
    july = rows[day("2024-07"), HOME, rules.DAGPENGE]
    assert values(july, "person_count", "sufficient_count", "sufficient_share", "average_conversation_count") == [
        1,
        0,
        0,
        3,
    ]
    assert values(july, "required_count", "from_months", "to_months", "rule_id") == [
        6,
        6,
        9,
        "conversation_window:dagpengemodtagere:2024-01-01",
    ]
    assert rows[day("2024-08"), "0000", rules.DAGPENGE]["person_count"] == 2
    empty = rows[day("2024-01"), HOME, rules.SYGEDAGPENGE]
    assert values(empty, "person_count", "sufficient_share", "average_conversation_count") == [0, None, None]
    assert len(rows) == 9 * 2 * 6


def test_coverage_windows_end_before_to_months() -> None:
    world = empty_world("2019-01", 8)
    benefit(world, "p", "sygedagpenge", "2019-02-01", "2019-08-31")
    rows = conversation_coverage.compute(world)
    counts = {month: rows[day(month), HOME, rules.SYGEDAGPENGE]["person_count"] for month in ("2019-03", "2019-04")}
    assert counts == {"2019-03": 0, "2019-04": 1}  # 2 and 3 completed months
    assert rows[day("2019-06"), HOME, rules.SYGEDAGPENGE]["person_count"] == 1  # 5
    assert rows[day("2019-07"), HOME, rules.SYGEDAGPENGE]["person_count"] == 0  # 6


# --- §5 ---------------------------------------------------------------------------------------------------------


def timeliness_row(world: World, month: str, group: str, sequence: int, municipality: str = HOME) -> list[object]:
    row = conversation_timeliness.compute(world)[day(month), municipality, group, sequence]
    return values(
        row, "on_time_count", "late_count", "missing_count", "not_yet_due_count", "excluded_count", "obligation_count"
    )


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ("2024-02-15", [1, 0, 0, 0, 0, 1]),  # on the due date
        ("2024-02-01", [1, 0, 0, 0, 0, 1]),  # on the first day
        ("2024-02-16", [0, 1, 0, 0, 0, 1]),  # the day after
        ("2024-01-31", [0, 0, 1, 0, 0, 1]),  # the day before the spell
        ("2024-04-01", [0, 0, 1, 0, 0, 1]),  # the day after the spell
        ("2024-03-31", [0, 1, 0, 0, 0, 1]),  # on its last day
    ],
)
def test_timeliness_around_the_due_date(held: str, expected: list[int]) -> None:
    world = empty_world("2024-01", 5)
    benefit(world, "p", "dagpenge", "2024-02-01", "2024-03-31")  # 1 by 14 days: due on 15 February
    talk(world, "p", held)
    assert timeliness_row(world, "2024-02", rules.DAGPENGE, 1) == expected
    assert timeliness_row(world, "2024-02", rules.DAGPENGE, 1, "0000") == expected
    # 3 by 3 months is due on 1 May: the spell has ended.
    assert timeliness_row(world, "2024-05", rules.DAGPENGE, 2) == [0, 0, 0, 0, 1, 0]


def test_timeliness_left_censored_is_excluded_and_no_group_gives_nothing() -> None:
    world = empty_world("2024-01", 3)
    benefit(world, "p", "dagpenge", "2024-01-01", "2024-03-31")
    benefit(world, "q", "kontanthjaelp", "2024-01-02", "2024-03-31")  # no match group
    assert timeliness_row(world, "2024-01", rules.DAGPENGE, 1) == [0, 0, 0, 0, 1, 0]
    assert {o.person_id for o in conversation_timeliness.obligations(world)} == {"p"}
    # A left-censored spell is not counted as not yet due either (3 by 3 months = 1 April).
    assert max(key[0] for key in conversation_timeliness.compute(world)) == day("2024-03")


def test_timeliness_group_and_municipality_are_those_of_the_due_date_or_the_last_day() -> None:
    world = empty_world("2024-01", 2, municipalities=(HOME, "0147"))
    benefit(world, "p", "kontanthjaelp", "2024-01-02", "2024-01-08", "jobparat")
    benefit(world, "p", "kontanthjaelp", "2024-01-09", "2024-02-29", "aktivitetsparat", "0147")  # due on the 9th
    benefit(world, "q", "kontanthjaelp", "2024-01-02", "2024-01-05", "jobparat")
    benefit(world, "q", "kontanthjaelp", "2024-01-06", "2024-01-08", "aktivitetsparat", "0147")  # left before due
    assert timeliness_row(world, "2024-01", rules.AKTIVITETSPARATE_KH, 1, "0147") == [0, 0, 1, 0, 1, 1]
    assert timeliness_row(world, "2024-01", rules.JOBPARATE, 1) == [0, 0, 0, 0, 0, 0]


def test_timeliness_not_yet_due_stands_in_the_month_of_the_due_date() -> None:
    world = empty_world("2024-01", 2)
    benefit(world, "p", "dagpenge", "2024-02-20", "2024-02-29")  # due on 5 March
    benefit(world, "q", "dagpenge", "2024-02-20", "2024-02-28")  # does not run on the newest day: not counted
    rows = conversation_timeliness.compute(world)
    assert timeliness_row(world, "2024-03", rules.DAGPENGE, 1) == [0, 0, 0, 1, 0, 0]
    assert rows[day("2024-03"), HOME, rules.DAGPENGE, 1]["on_time_share"] is None
    assert (day("2024-04"), HOME, rules.DAGPENGE, 1) not in rows
    assert timeliness_row(world, "2024-05", rules.DAGPENGE, 2) == [0, 0, 0, 1, 0, 0]


def test_timeliness_month_offsets_and_the_gap_between_rule_sets() -> None:
    world = empty_world("2023-08", 8)
    benefit(world, "p", "sygedagpenge", "2023-08-31", "2024-03-31")  # 4 by 6 months: 29 February 2024
    benefit(world, "q", "dagpenge", "2023-11-20", "2024-03-31")  # 42 days = 1 January 2024, 14 days = 4 December
    assert timeliness_row(world, "2024-02", rules.SYGEDAGPENGE, 2) == [0, 0, 1, 0, 0, 1]
    first_talks = [o for o in conversation_timeliness.obligations(world) if o.person_id == "q"]
    assert {(o.deadline.sequence_number, o.due_date) for o in first_talks} == {
        (2, day("2024-02-20")),
        (3, day("2024-05-20")),
    }


def test_timeliness_rows_of_each_rule_set() -> None:
    numbers = {"2019-01": 12 + 2 * 4 + 2 * 3 + 12, "2020-01": 12, "2024-01": 13, "2026-07": 8}
    for month, expected in numbers.items():
        assert len(conversation_timeliness.compute(empty_world(month, 1))) == 2 * expected


def test_requests() -> None:
    world = empty_world("2024-01", 2)
    talk(world, "p", "2024-01-20", requested="2024-01-10")  # the tenth day
    talk(world, "p", "2024-01-21", requested="2024-01-10", type_code=15)  # a day late, any type
    talk(world, "p", "2024-01-10", requested="2024-01-10", status="no_show")
    talk(world, "p", "2024-02-29", requested="2024-02-19")  # 29 February = the newest day: due
    talk(world, "p", "2024-02-20", requested="2024-02-20")  # 1 March: left out
    rows = conversation_requests.compute(world)
    assert list(rows[day("2024-01"), HOME].values()) == [3, 1, Fraction(1, 3)]
    assert list(rows[day("2024-02"), "0000"].values()) == [1, 1, 1]


def early_world(offers: int) -> World:
    """Each month from November 2023 ten persons have exactly six completed months; eight have the four talks."""
    world = empty_world("2023-04", 14)
    for number, month in enumerate(["05", "06", "07", "08", "09", "10", "11", "12"]):
        for person in range(10):
            name = f"{number}-{person}"
            start = f"2023-{month}-01"
            benefit(world, name, "dagpenge", start, "2024-05-31")
            if person < 8:
                talk(world, name, start, *(f"2023-{month}-{d}" for d in ("02", "03", "04")))
            if person < offers:
                offer(world, name, start, start)
    return world


def test_early_effort_flags_after_six_months_below() -> None:
    rows = early_effort.compute(early_world(offers=7))
    runs = {key[0]: value["consecutive_months_below"] for key, value in rows.items() if key[1] == HOME}
    # Those who started on 1 June … 1 December 2023 have six completed months in November 2023 … May 2024.
    assert list(runs.values()) == [1, 2, 3, 4, 5, 6, 7]
    assert min(runs) == day("2023-11")
    assert rows[day("2024-03"), HOME]["is_flagged"] is False
    assert rows[day("2024-04"), HOME]["is_flagged"] is True
    assert values(rows[day("2024-04"), HOME], "person_count", "conversations_met_share", "offer_met_share") == [
        10,
        Fraction(8, 10),
        Fraction(7, 10),
    ]


def test_early_effort_exactly_80_per_cent_is_not_below_and_few_persons_break_the_run() -> None:
    rows = early_effort.compute(early_world(offers=8))
    assert {value["consecutive_months_below"] for value in rows.values()} == {0}
    world = early_world(offers=7)
    world.benefit_rows = [row for row in world.benefit_rows if row.person_id != "3-9"]  # nine persons in January
    runs = [v["consecutive_months_below"] for key, v in early_effort.compute(world).items() if key[1] == HOME]
    assert runs == [1, 2, 0, 1, 2, 3, 4]


# --- §6 ---------------------------------------------------------------------------------------------------------


def focus_row(world: World, month: str, group: str = "all") -> list[object]:
    row = focus_goals.compute(world)[day(month), HOME, group]
    return values(row, "person_count", "passive_count", "few_conversations_count", "uncontacted_count")


@pytest.mark.parametrize(
    ("last_month", "paid", "passive"),
    [
        ("2020-12", "224.999999", 1),
        ("2020-12", "225", 0),
        ("2021-01", "99.999999", 1),
        ("2021-01", "100", 0),
    ],
)
def test_passive_hours_at_the_limit_of_the_day(last_month: str, paid: str, passive: int) -> None:
    world = empty_world("2019-12", 14)
    benefit(world, "p", "kontanthjaelp", "2019-12-01", "2021-01-31")
    hours(world, "p", "2020-06", "40")
    hours(world, "p", last_month, str(Decimal(paid) - 40))
    hours(world, "p", "2019-12" if last_month == "2020-12" else "2020-01", "300")  # before the window
    assert focus_row(world, last_month) == [1, passive, 1, passive]


@pytest.mark.parametrize(
    ("offered", "passive"), [("2022-01-31", 1), ("2022-02-01", 0), ("2023-01-31", 0), ("2023-02-01", 1)]
)
def test_passive_offer_at_the_edges_of_the_twelve_months(offered: str, passive: int) -> None:
    world = empty_world("2021-12", 15)
    benefit(world, "p", "sho", "2022-01-02", "2023-02-28")
    world.benefit_rows = [replace(row, from_date=row.from_date.replace(day=1)) for row in world.benefit_rows]
    offer(world, "p", offered, offered)
    assert focus_row(world, "2023-01") == [1, passive, 1, passive]


def test_focus_counts_conversations_of_any_spell_and_needs_twelve_months() -> None:
    world = empty_world("2021-12", 14)
    benefit(world, "p", "sygedagpenge", "2022-01-01", "2022-11-30")
    benefit(world, "p", "dagpenge", "2022-12-01", "2023-01-31")  # the support spell goes on
    benefit(world, "q", "dagpenge", "2022-01-02", "2023-01-31")  # eleven completed months in December
    talk(world, "p", "2021-12-31", "2022-01-01", "2022-03-01", "2022-06-01")
    assert focus_row(world, "2022-11") == [0, 0, 0, 0]
    assert focus_row(world, "2022-12", "dagpenge") == [1, 1, 1, 0]
    assert focus_row(world, "2022-12", "sygedagpenge") == [0, 0, 0, 0]
    talk(world, "p", "2022-12-31")
    world.memo.clear()
    assert focus_row(world, "2022-12") == [1, 1, 0, 0]
    assert focus_goals.compute(world)[day("2022-11"), HOME, "all"]["passive_share"] is None


def test_a_hole_makes_the_windows_over_it_null() -> None:
    world = empty_world("2020-01", 26, holes=("2020-12",))
    benefit(world, "p", "dagpenge", "2020-01-01", "2022-02-28")
    rows = focus_goals.compute(world)
    assert rows[day("2020-11"), HOME, "all"]["person_count"] == 0
    assert rows[day("2021-01"), HOME, "all"]["person_count"] is None
    assert rows[day("2021-11"), HOME, "all"]["passive_share"] is None
    assert rows[day("2021-12"), HOME, "all"]["passive_share"] == 1
    effort = offer_effort.compute(world)[day("2021-06"), HOME, "all"]
    assert values(effort, "four_weeks_share", "reached_six_months_count") == [None, 1]
    assert results.compute(world)[day("2021-11"), HOME, "all"]["average_weeks_on_support"] is None


def test_a_data_set_never_delivered_is_empty_and_a_month_not_loaded_is_unknown() -> None:
    def world_of(*holes: str) -> World:
        world = empty_world("2023-01", 16, holes=holes)
        benefit(world, "p", "dagpenge", "2023-01-01", "2023-12-31")
        hours(world, "p", "2024-02", "10")
        return world

    full, lacking, hole = world_of(), world_of(), world_of("2024-03")
    lacking.conversation_months = tuple(month for month in lacking.loaded_months if month != day("2023-05"))
    lacking.offer_months = tuple(month for month in lacking.loaded_months if month != day("2023-06"))
    lacking.hours_months = tuple(month for month in lacking.loaded_months if month != day("2024-03"))
    december = day("2023-12"), HOME, "all"
    # No offers, no conversations, no hours: 0 of 1 in the third month after, not "unknown".
    for world in (full, lacking):
        shares = values(focus_goals.compute(world)[december], "person_count", "passive_count", "uncontacted_count")
        assert shares == [1, 1, 1]
        effort = values(offer_effort.compute(world)[december], "person_count", "four_weeks_count", "four_weeks_share")
        assert effort == [1, 0, 0]
        assert values(results.compute(world)[december], "retained_count", "retained_share") == [0, 0]
    assert values(results.compute(hole)[december], "ended_spell_count", "retained_count", "retained_share") == [
        1,
        None,
        None,
    ]


def test_duration_bands() -> None:
    as_of = day("2023-03-31")
    assert passive_by_duration.band(day("2023-02-16"), as_of, 1) == "0_to_1_5"  # 44 days
    assert passive_by_duration.band(day("2023-02-15"), as_of, 1) == "1_5_to_3"  # 45 days
    bands = [passive_by_duration.band(day("2000-01-01"), as_of, completed) for completed in (2, 3, 6, 9, 11, 12)]
    assert bands == ["1_5_to_3", "3_to_6", "6_to_9", "9_to_12", "9_to_12", "12_or_more"]


def test_passive_by_duration_looks_back_to_the_benefit_spell() -> None:
    world = empty_world("2023-01", 6)
    benefit(world, "p", "sygedagpenge", "2023-01-10", "2023-02-28")
    benefit(world, "p", "dagpenge", "2023-03-01", "2023-06-30")
    benefit(world, "q", "foertidspension", "2023-01-10", "2023-06-30")  # out of scope
    offer(world, "p", "2023-02-20", "2023-02-28")  # before the spell on dagpenge
    rows = passive_by_duration.compute(world)
    assert list(rows[day("2023-02"), HOME, "sygedagpenge", "1_5_to_3"].values()) == [1, 0, 0]
    assert list(rows[day("2023-06"), HOME, "all", "3_to_6"].values()) == [1, 1, 1]
    assert len(rows) == 6 * 2 * 10 * 6


@pytest.mark.parametrize(("last", "four_weeks"), [("2023-06-27", 0), ("2023-06-28", 1)])
def test_offer_effort_counts_distinct_days(last: str, four_weeks: int) -> None:
    world = empty_world("2022-12", 13)
    benefit(world, "p", "sho", "2023-01-01", "2023-12-31")
    offer(world, "p", "2023-06-01", last)
    offer(world, "p", "2023-06-05", "2023-06-20")  # overlaps: no new day
    offer(world, "p", "2022-12-05", "2022-12-20")  # before the window and before the spell
    rows = offer_effort.compute(world)
    assert rows[day("2023-12"), HOME, "sho"]["four_weeks_count"] == four_weeks
    june = rows[day("2023-06"), HOME, "all"]
    assert values(june, "person_count", "reached_six_months_count", "first_offer_in_time_share") == [0, 1, 1]
    assert rows[day("2023-05"), HOME, "all"]["first_offer_in_time_share"] is None


# --- §7, §9 -----------------------------------------------------------------------------------------------------


def test_recipients_move_and_fraction() -> None:
    world = empty_world("2024-04", 1, municipalities=(HOME, "0147"))
    benefit(world, "p", "dagpenge", "2024-04-01", "2024-04-15", fraction="0.5")  # 7.5 days
    benefit(world, "p", "sho", "2024-04-16", "2024-04-30", municipality="0147")  # 15 days
    benefit(world, "q", "foertidspension", "2024-04-01", "2024-04-30")
    world.population = {(day("2024-03"), HOME): 200, (day("2024-06"), HOME): 999}
    rows = benefit_recipients.compute(world)
    month = day("2024-04")
    assert list(rows[month, HOME, "dagpenge"].values()) == [1, Fraction(1, 4), 200, Fraction(1, 8)]
    assert list(rows[month, "0147", "all"].values()) == [1, Fraction(1, 2), None, None]
    assert list(rows[month, "0000", "all"].values()) == [1, Fraction(3, 4), None, None]  # one person, once
    assert rows[month, HOME, "all_with_foertidspension"]["person_count"] == 2
    assert rows[month, HOME, "all"]["person_count"] == 1
    assert len(rows) == 3 * 12


def test_population_of_the_newest_quarter() -> None:
    world = empty_world("2024-02", 6)
    world.population = {(day("2024-03"), code): 10 for code in CODES}
    world.population[day("2024-06"), "0147"] = 5  # a quarter that 0101 lacks
    rows = benefit_recipients.compute(world)
    found = [rows[day(m), HOME, "all"]["population_16_66"] for m in ("2024-02", "2024-03", "2024-05", "2024-06")]
    assert found == [None, 10, 10, None]
    assert rows[day("2024-05"), "0000", "all"]["population_16_66"] == 980
    assert rows[day("2024-07"), "0000", "all"]["population_16_66"] is None


def test_results_of_ended_spells() -> None:
    world = empty_world("2024-01", 6)
    benefit(world, "p", "dagpenge", "2024-01-11", "2024-02-10")  # 31 days
    benefit(world, "q", "dagpenge", "2024-02-01", "2024-02-29")  # 29 days, ends on the month's last day
    benefit(world, "r", "sho", "2024-02-01", "2024-02-20")  # followed by førtidspension: ended
    benefit(world, "r", "foertidspension", "2024-02-21", "2024-06-30")
    benefit(world, "s", "dagpenge", "2024-06-01", "2024-06-30")  # nobody knows: not ended
    hours(world, "p", "2024-05", "1")
    hours(world, "q", "2024-05", "1")
    benefit(world, "q", "sho", "2024-05-31", "2024-05-31")  # back on the last day: not retained
    hours(world, "r", "2024-04", "1")  # the wrong month
    rows = results.compute(world)
    february = rows[day("2024-02"), HOME, "all"]
    assert values(february, "ended_spell_count", "average_spell_days", "retained_count", "retained_share") == [
        3,
        Fraction(80, 3),
        1,
        Fraction(1, 3),
    ]
    assert rows[day("2024-02"), HOME, "dagpenge"]["average_spell_days"] == 30
    may = rows[day("2024-05"), HOME, "all"]
    assert values(may, "ended_spell_count", "retained_count", "retained_share") == [1, None, None]
    june = rows[day("2024-06"), HOME, "all"]
    assert values(june, "ended_spell_count", "average_spell_days", "full_time_persons_change") == [0, None, None]


def test_results_over_a_year() -> None:
    world = empty_world("2022-12", 13)
    benefit(world, "p", "dagpenge", "2022-12-01", "2022-12-31")
    benefit(world, "p", "dagpenge", "2023-12-01", "2023-12-31", fraction="0.5")
    benefit(world, "q", "dagpenge", "2023-01-01", "2023-01-31")
    rows = results.compute(world)
    december = rows[day("2023-12"), HOME, "dagpenge"]
    # 15.5 + 31 days of 365, two persons; the month: 0.5 against 1 a year before.
    assert december["average_weeks_on_support"] == Fraction(93, 2) / 365 / 2 * 52
    assert december["full_time_persons_change"] == Fraction(-1, 2)
    assert rows[day("2023-10"), HOME, "dagpenge"]["average_weeks_on_support"] is None


# --- §8, §10-§13 ------------------------------------------------------------------------------------------------


def test_exact_inverse() -> None:
    adjugate, determinant = benefit_levels.inverse([[0, 2, 1], [1, 3, 1], [2, 0, 5]])
    assert determinant != 0
    product = [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*adjugate, strict=True)]
        for row in ([0, 2, 1], [1, 3, 1], [2, 0, 5])
    ]
    assert product == [[determinant if i == j else 0 for j in range(3)] for i in range(3)]
    with pytest.raises(ValueError, match="full rank"):
        benefit_levels.inverse([[1, 2], [2, 4]])


def published_world(first: str = "2019-07", months: int = 12, period_code: str = "2020QMAT02") -> World:
    world = empty_world(first, months, municipalities=CODES)
    world.published_rows = published_rows(random.Random(1), period_code)
    return world


def test_published_rows_and_similar_municipalities() -> None:
    world = published_world()
    rows = benefit_levels.compute(world)
    assert len(rows) == 4 * 98
    ranks = sorted(row["benchmark_rank"] for key, row in rows.items() if key[2] == "all")
    assert ranks == list(range(1, 99))
    for row in rows.values():
        assert row["benchmark_rank"] == row["published_benchmark_rank"]
        assert row["difference_standard_error"] is None
    similar = similar_municipalities.compute(world)
    assert len(similar) == 98 * 5
    gaps = [similar["2020QMAT02", HOME, rank]["expected_percentage_difference"] for rank in range(1, 6)]
    assert gaps == sorted(gaps)


def set_published(world: World, period_code: str, difference: str) -> None:
    row = PublishedRow(
        period_code, HOME, "all", Decimal(1), Decimal(1), Decimal(0), Decimal(1), Decimal(1), Decimal(difference), 1
    )
    world.published_rows.append(row)


def limit(passive: int, few: int, difference: str | None = "0", first: str = "2023-01") -> World:
    """Ten persons, 24 months; the second calendar year's twelve months all have passive/10 and few/10."""
    world = limit_world(day(first), 24, HOME, passive, few)
    world.population = {(day("2024-12"), HOME): 1000}
    if difference is not None:
        set_published(world, f"{day(first).year + 1}QMAT04", difference)
    return world


@pytest.mark.parametrize(
    ("passive", "few", "difference", "category"),
    [
        (2, 1, "0", 1),
        (2, 1, "0.000000001", 2),
        (3, 1, "0", 3),  # exactly 30 per cent is not met
        (2, 2, "0", 3),  # exactly 20 per cent is not met
        (3, 2, "0.1", 4),
        (2, 1, None, 0),
    ],
)
def test_categories_on_the_line(passive: int, few: int, difference: str | None, category: int) -> None:
    rows = category_assignments.compute(limit(passive, few, difference))
    row = rows["official", "2024QMAT04", HOME]
    assert row["municipality_category"] == category
    assert row["passive_percentage"] == 10 * passive
    assert row["few_conversations_percentage"] == 10 * few
    assert row["is_annual_statement"] is True


def test_category_distances_flips_and_scenarios() -> None:
    rows = category_assignments.compute(limit(2, 1, "0.1"))
    official = rows["official", "2024QMAT04", HOME]
    assert values(official, "result_distance", "passive_distance", "few_conversations_distance") == [
        Fraction(-1, 10),
        10,
        10,
    ]
    # 0.1 per cent of 1,000 persons = 1; 10 per cent of a mean of ten persons = 1.
    flips = ("result_persons_to_flip", "passive_persons_to_flip", "few_conversations_persons_to_flip")
    assert values(official, *flips, "persons_to_flip") == [1, 1, 1, 1]
    assert rows["draft_2019", "2024QMAT04", HOME]["is_offers_met"] is False  # 20 is not below 20
    assert rows["kl_results_first_2020", "2024QMAT04", HOME]["category_order"] == 3  # category 2 comes third
    with_pension = rows["kl_all", "2024QMAT04", HOME]
    assert values(with_pension, "municipality_category", "expected_source", "category_probability") == [
        0,
        "model",
        None,
    ]
    assert with_pension["persons_to_flip"] is None


def test_offers_goal_is_suspended_in_2021_in_the_official_scenario_only() -> None:
    rows = category_assignments.compute(limit(9, 1, "0", first="2020-01"))
    official = rows["official", "2021QMAT04", HOME]
    assert values(official, "municipality_category", "passive_limit_percentage", "is_offers_met") == [1, None, None]
    assert values(official, "passive_percentage", "passive_distance", "passive_persons_to_flip") == [90, None, None]
    assert rows["kl_results_first_2020", "2021QMAT04", HOME]["municipality_category"] == 3


def test_excluded_months_leave_the_mean() -> None:
    world = limit_world(day("2019-01"), 24, HOME, 3, 2)
    offer(world, world.benefit_rows[0].person_id, "2020-03-01", "2020-03-31")  # from March on only two are passive
    share = focus_goals.period_percentage(world, "2020QMAT04", HOME, "passive_share")
    # January and February 30, July to December 20; March to June do not count.
    assert share == Fraction(2 * 30 + 6 * 20, 8)


def statuses(world: World, scenario: str) -> list[object]:
    rows = supervision.compute(world)
    years = sorted({key[1] for key in rows})
    return [(rows[scenario, year, HOME]["status"], rows[scenario, year, HOME]["entered_year"]) for year in years]


def test_supervision_by_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    world = empty_world("2015-01", 1)
    world.qualitative_reviews = [QualitativeReview(HOME, "2022QMAT04")]

    def row(category: int, offers: bool, talks: bool, result: bool) -> dict[str, object]:
        return {
            "municipality_category": category,
            "passive_limit_percentage": 30,
            "is_offers_met": offers,
            "is_conversations_met": talks,
            "is_result_met": result,
        }

    story = {
        2016: row(4, False, True, False),
        2017: row(0, False, False, False),
        2018: row(3, True, False, True),
        2019: row(2, True, True, False),
        2020: row(4, False, False, False),
        2021: row(1, True, True, True),
        2022: row(4, False, False, False),
        2023: row(4, False, False, False),
    }
    rows = {(s.code, f"{year}QMAT04", HOME): value for s in rules.SCENARIOS for year, value in story.items()}
    monkeypatch.setattr(supervision, "category_assignments", lambda _: rows)
    assert statuses(world, "official") == [
        ("selected", 2016),
        ("selected", 2016),
        ("in_recovery", 2016),
        ("ended", 2016),
        ("selected", 2020),
        ("ended", 2020),
        ("none", 2020),  # held back
        ("selected", 2023),
    ]
    # KL: the first assessed statement is a run-in; the result alone ends it.
    assert statuses(world, "kl_all")[:5] == [
        ("none", None),
        ("none", None),
        ("none", None),
        ("none", None),
        ("selected", 2020),
    ]


def test_follow_up() -> None:
    world = empty_world("2017-10", 16, municipalities=(HOME, "0147"))
    for number in range(10):
        # Three completed months in June 2018 (sygedagpenge: 3-6 months, two talks).
        benefit(world, f"a{number}", "sygedagpenge", "2018-03-02", "2018-07-31")
        benefit(world, f"b{number}", "sygedagpenge", "2018-04-01", "2018-07-31", municipality="0147")
        talk(world, f"a{number}", "2018-04-02", *(["2018-04-03"] if number < 4 else []))
        talk(world, f"b{number}", "2018-04-02", *(["2018-04-03"] if number < 8 else []))
    rows = follow_up.compute(world)
    own = rows["2018-06", HOME, rules.SYGEDAGPENGE]
    # 4 of 10 against 12 of 20 in the country: more than ten points under.
    shares = ("baseline_share", "follow_up_share", "national_follow_up_share", "change_percentage_points")
    assert values(own, *shares) == [None, Fraction(4, 10), Fraction(6, 10), None]
    assert values(own, "status", "is_improved", "is_on_list") == ["well_below", None, False]
    assert rows["2018-06", "0147", rules.SYGEDAGPENGE]["status"] == "at_or_above"
    assert rows["2018-06", HOME, rules.DAGPENGE]["status"] is None
    assert {key[0] for key in rows} == {"2018-06", "2019-01"}
    assert follow_up.compute(empty_world("2018-01", 12)) == {}


def test_timeliness_and_results_and_its_coefficients() -> None:
    world = published_world("2019-07", 12)
    for number, code in enumerate(CODES[:6]):
        for person in range(number + 1):
            # Due on 8 August 2019 (7 days); every person but the first of each municipality is in time.
            benefit(world, f"{code}-{person}", "sho", "2019-08-01", "2019-08-31", "jobparat", code)
            if person:
                talk(world, f"{code}-{person}", "2019-08-08", municipality=code)
    rows = timeliness_and_results.compute(world)
    shares = [rows["2020QMAT02", code]["on_time_share"] for code in CODES[:7]]
    assert shares == [Fraction(number, number + 1) for number in range(6)] + [None]
    assert rows["2020QMAT02", CODES[6]]["quadrant_code"] is None
    assert str(rows["2020QMAT02", CODES[0]]["quadrant_code"]).startswith("low_on_time")
    correlation = timeliness_and_results.compute_correlation(world)["2020QMAT02",]
    assert correlation["municipality_count"] == 6


def test_coefficients_by_hand() -> None:
    points = [(Fraction(x), Fraction(y)) for x, y in ((1, 2), (2, 1), (3, 4), (4, 3), (5, 5))]
    # Means 3 and 3; Σxy = 8, Σxx = Σyy = 10.
    assert timeliness_and_results.pearson(points) == pytest.approx(0.8, abs=1e-15)
    low, high = timeliness_and_results.interval(0.8, 5)
    assert low == pytest.approx(math.tanh(math.atanh(0.8) - 1.959964 / math.sqrt(2)))
    assert high is not None and low is not None and low < 0.8 < high
    assert timeliness_and_results.mean_ranks([Fraction(v) for v in (5, 1, 5, 7)]) == [
        Fraction(5, 2),
        1,
        Fraction(5, 2),
        4,
    ]
    assert timeliness_and_results.pearson([(Fraction(1), Fraction(2)), (Fraction(1), Fraction(3))]) is None


def test_measure_results_take_the_rows_of_their_tables() -> None:
    world = empty_world("2024-01", 2)
    benefit(world, "p", "dagpenge", "2024-01-05", "2024-01-14")
    rows = measure_results.compute(world)
    month = (day("2024-01"), day("2024-01-31"))
    assert rows["average_spell_days", *month, HOME, "all"] == {
        "numerator_count": 10,
        "denominator_count": 1,
        "measure_value": 10,
    }
    assert rows["conversation_timeliness", *month, HOME, f"{rules.DAGPENGE}:1"]["denominator_count"] == 0
    assert rows["passive_share_by_duration", *month, HOME, "sho:3_to_6"]["measure_value"] is None
    assert rows["conversation_within_10_days", *month, HOME, "all"]["numerator_count"] == 0
    assert rows["full_time_persons", *month, HOME, "dagpenge"]["measure_value"] == Fraction(10, 31)


def test_a_world_without_months_is_empty_but_for_the_published_rows() -> None:
    world = World(loaded_months=(), published_rows=published_world().published_rows)
    assert len(benefit_levels.compute(world)) == 4 * 98
    assert conversation_coverage.compute(world) == {}
    assert conversation_timeliness.compute(world) == {}
    assert category_assignments.compute(world) == {}
    assert supervision.compute(world) == {}
