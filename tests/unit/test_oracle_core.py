"""The oracle's own ground: time, the winning row, spells, the comparison. Every expected value is worked by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.oracle import rules
from tests.oracle.building import HOME, benefit, day, empty_world
from tests.oracle.calendar import add_months, completed_months, period_code_of, period_months
from tests.oracle.comparison import compare
from tests.oracle.rows import MartRows, rounded
from tests.oracle.world import BenefitRow, Spell, World, precedence


@pytest.mark.parametrize(
    ("start", "month", "expected"),
    [
        ("2024-01-01", "2024-06", 6),
        ("2024-01-02", "2024-06", 5),
        ("2024-01-31", "2024-02", 1),
        ("2024-02-29", "2025-02", 12),
        ("2024-03-01", "2024-03", 1),
        ("2024-03-02", "2024-03", 0),
    ],
)
def test_completed_months(start: str, month: str, expected: int) -> None:
    assert completed_months(day(start), day(month)) == expected


def test_months_and_periods() -> None:
    assert add_months(day("2024-08-31"), 6) == day("2025-02-28")
    assert add_months(day("2023-08-31"), 6) == day("2024-02-29")
    months = period_months("2024QMAT02")
    assert (months[0], months[-1], len(months)) == (day("2023-07"), day("2024-06"), 12)
    assert period_code_of(day("2024-12")) == "2024QMAT04"


def test_every_day_has_one_window_and_no_doubled_deadline() -> None:
    checked = day("2015-01-01")
    while checked < day("2030-01-01"):
        for group in rules.TARGET_GROUPS:
            assert rules.window(group, checked).required_count >= 1
        keys = [(row.target_group, row.sequence_number) for row in rules.deadlines_in_force(checked)]
        assert len(keys) == len(set(keys))
        assert {group for group, _ in keys} == set(rules.TARGET_GROUPS)
        checked += timedelta(days=13)


def test_hours_limit_changes_with_2021() -> None:
    assert rules.hours_limit(day("2020-12-31")) == (Decimal(225), "ordinary_hours_limit:all:1900-01-01")
    assert rules.hours_limit(day("2021-01-31")) == (Decimal(100), "ordinary_hours_limit:all:2021-01-01")


def test_which_row_counts() -> None:
    first, last = day("2024-01-05"), day("2024-01-20")

    def row(
        kind: str = "kontanthjaelp",
        fraction: str = "0.5",
        start: date = first,
        municipality: str = "0147",
        match: str | None = "jobparat",
    ) -> BenefitRow:
        return BenefitRow("p", kind, match, municipality, start, last, Decimal(fraction))

    # From the weakest to the strongest: each beats the one before it in one column of §2.
    ordered = [
        row("foertidspension", "1"),
        row("sho", "1"),
        row(match=None),
        row(match="uddannelsesparat"),
        row(),
        row(municipality="0101", match=None),
        row(start=day("2024-01-06")),
        row(fraction="0.500001"),
        row("dagpenge", "0.000001"),
        row("sygedagpenge", "0.000001"),
    ]
    assert sorted(ordered, key=precedence) == ordered[::-1]


def spells(world: World) -> tuple[list[Spell], list[Spell]]:
    person = world.persons["p"]
    return person.benefit_spells, person.support_spells


def test_one_day_gap_ends_both_spells_and_a_switch_only_the_benefit_spell() -> None:
    world = empty_world("2024-01", 4)
    benefit(world, "p", "dagpenge", "2024-01-10", "2024-02-29")
    benefit(world, "p", "dagpenge", "2024-03-01", "2024-03-10", municipality="0147")  # a move: the spell goes on
    benefit(world, "p", "sho", "2024-03-11", "2024-03-20", "jobparat")  # another benefit
    benefit(world, "p", "sho", "2024-03-22", "2024-03-31")  # a day's gap
    benefit_spells, support_spells = spells(world)
    assert [(s.first, s.last) for s in benefit_spells] == [
        (day("2024-01-10"), day("2024-03-10")),
        (day("2024-03-11"), day("2024-03-20")),
        (day("2024-03-22"), day("2024-03-31")),
    ]
    assert [(s.first, s.last) for s in support_spells] == [
        (day("2024-01-10"), day("2024-03-20")),
        (day("2024-03-22"), day("2024-03-31")),
    ]


def test_foertidspension_ends_support_but_not_beneath_another_benefit() -> None:
    world = empty_world("2024-01", 2)
    benefit(world, "p", "kontanthjaelp", "2024-01-02", "2024-01-10")
    benefit(world, "p", "foertidspension", "2024-01-08", "2024-01-11")  # wins on the 11th only
    benefit(world, "p", "kontanthjaelp", "2024-01-12", "2024-01-31")
    benefit_spells, support_spells = spells(world)
    assert [s.first.day for s in benefit_spells] == [2, 11, 12]
    assert [(s.first.day, s.last.day) for s in support_spells] == [(2, 10), (12, 31)]


def test_holes_end_spells_and_the_next_month_is_left_censored() -> None:
    world = empty_world("2024-01", 4, holes=("2024-03",))
    benefit(world, "p", "dagpenge", "2024-01-01", "2024-04-30")
    benefit_spells, _ = spells(world)
    assert [(s.first, s.last, s.is_left_censored) for s in benefit_spells] == [
        (day("2024-01-01"), day("2024-02-29"), True),
        (day("2024-04-01"), day("2024-04-30"), True),
    ]
    assert not world.has_hole_in_window(day("2024-02"))
    assert world.has_hole_in_window(day("2024-04"))


def test_a_spell_from_the_first_of_a_later_month_is_not_censored() -> None:
    world = empty_world("2024-01", 2)
    benefit(world, "p", "dagpenge", "2024-02-01", "2024-02-29")
    assert [s.is_left_censored for s in spells(world)[0]] == [False]


def test_target_groups() -> None:
    assert rules.target_group("sho", "jobparat") == rules.JOBPARATE
    assert rules.target_group("kontanthjaelp", "uddannelsesparat") is None
    assert rules.target_group("kontanthjaelp", None) is None
    assert rules.target_group("uddannelseshjaelp", "aabenlyst_uddannelsesparat") == rules.UDDANNELSESPARATE
    assert rules.target_group("uddannelseshjaelp", "jobparat") is None
    assert rules.target_group("jobafklaring", "jobparat") is None
    assert rules.target_group("dagpenge", None) == rules.DAGPENGE


def test_rows_across_a_month_end_are_refused() -> None:
    row = BenefitRow("p", "dagpenge", None, HOME, day("2024-01-31"), day("2024-02-01"))
    with pytest.raises(ValueError, match="within one month"):
        World(loaded_months=(day("2024-01"), day("2024-02")), benefit_rows=[row])


def expected_rows() -> MartRows:
    rows = MartRows("conversation_requests", {"0000", HOME})
    rows.put(
        (day("2024-01"), HOME),
        {"requested_count": 3, "within_10_days_count": 1, "within_10_days_share": Fraction(1, 3)},
    )
    rows.put(
        (day("2024-02"), HOME),
        {"requested_count": 0, "within_10_days_count": 0, "within_10_days_share": None},
    )
    return rows


def actual_rows() -> list[dict[str, object]]:
    return [
        {
            "month": day("2024-01"),
            "municipality_code": HOME,
            "requested_count": 3,
            "within_10_days_count": 1,
            "within_10_days_share": 1 / 3,
            "is_provisional": True,
        },
        {
            "month": day("2024-02"),
            "municipality_code": HOME,
            "requested_count": 0,
            "within_10_days_count": 0,
            "within_10_days_share": None,
        },
    ]


def test_compare_finds_nothing_where_nothing_is() -> None:
    elsewhere = actual_rows()[0] | {"municipality_code": "0147"}  # not covered by this world
    assert compare(expected_rows(), [*actual_rows(), elsewhere]) == []


@pytest.mark.parametrize(
    ("row", "change", "sentence"),
    [
        (0, {"requested_count": 2}, "requested_count: expected 3, got 2"),
        (0, {"within_10_days_share": 0.3333}, "within_10_days_share: expected 0.333333333333, got 0.3333"),
        (0, {"within_10_days_share": None}, "within_10_days_share: expected 0.333333333333, got null"),
        (0, {"within_10_days_share": float("nan")}, "within_10_days_share: expected 0.333333333333, got nan"),
        (1, {"within_10_days_share": 0.0}, "within_10_days_share: expected null, got 0.0"),
        (1, {"month": day("2024-03")}, "row missing"),
        (1, {"month": day("2024-03")}, "row not expected"),
        (1, {"month": day("2024-01")}, "two actual rows with this key"),
    ],
)
def test_compare_names_each_difference(row: int, change: dict[str, object], sentence: str) -> None:
    rows = actual_rows()
    rows[row] |= change
    assert any(sentence in difference for difference in compare(expected_rows(), rows))


def test_compare_asks_for_key_columns_and_columns() -> None:
    rows = actual_rows()
    del rows[0]["requested_count"]
    assert "no such column" in compare(expected_rows(), rows)[0]
    del rows[0]["month"]
    assert "lack the key columns month" in compare(expected_rows(), rows)[0]


def test_rounding_before_a_threshold() -> None:
    assert rounded(Fraction("29.9999999996")) == 30
    assert rounded(Fraction("29.9999999994")) < 30
