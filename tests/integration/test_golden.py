"""The warehouse against results worked out by hand: the arithmetic stands in tests/fixtures/golden/README.md."""

from __future__ import annotations

import csv
import math
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.oracle.calendar import month_range
from tests.oracle.world import (
    BenefitRow,
    ConversationRow,
    HoursRow,
    OfferRow,
    PublishedRow,
    World,
    split_by_month,
)
from tests.support.warehouse import Workshop

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden"
# Replacement numbers (day of birth + 60), as nobody has.
PERSONS = {f"P{number}": f"61018{number:05d}" for number in range(1, 25)}
RELEASED_ONLY = ("area_measure_results",)
MEMBER = "62018{:05d}"  # of a cohort
MONTHS = month_range(date(2023, 1, 1), 28)
# Data sets that were never delivered for a loaded month: they count as empty.
NO_CONVERSATIONS, NO_OFFERS, NO_HOURS = date(2023, 3, 1), date(2023, 9, 1), date(2024, 8, 1)


def read(name: str) -> list[dict[str, str]]:
    with (GOLDEN / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def golden_world() -> World:
    world = World(
        loaded_months=tuple(MONTHS),
        conversation_months=tuple(month for month in MONTHS if month != NO_CONVERSATIONS),
        offer_months=tuple(month for month in MONTHS if month != NO_OFFERS),
        hours_months=tuple(month for month in MONTHS if month != NO_HOURS),
    )
    for row in read("benefit_spells.csv"):
        for first, last in split_by_month(date.fromisoformat(row["from_date"]), date.fromisoformat(row["to_date"])):
            world.benefit_rows.append(
                BenefitRow(
                    PERSONS[row["person"]],
                    row["benefit"],
                    row["match_group"] or None,
                    row["municipality"],
                    first,
                    last,
                    Decimal(row["fraction"]),
                )
            )
    for number, row in enumerate(read("conversations.csv")):
        world.conversation_rows.append(
            ConversationRow(
                f"c{number}",
                PERSONS[row["person"]],
                row["municipality"],
                int(row["type"]),
                date.fromisoformat(row["date"]),
                row["status"],
                date.fromisoformat(row["requested"]) if row["requested"] else None,
            )
        )
    for number, row in enumerate(read("offers.csv")):
        for first, last in split_by_month(date.fromisoformat(row["from_date"]), date.fromisoformat(row["to_date"])):
            world.offer_rows.append(OfferRow(f"o{number}", PERSONS[row["person"]], row["municipality"], first, last))
    for row in read("ordinary_hours.csv"):
        world.hours_rows.append(
            HoursRow(PERSONS[row["person"]], date.fromisoformat(row["month"]), Decimal(row["hours"]))
        )
    for row in read("published.csv"):
        figures = [Decimal(value) for value in list(row.values())[3:-1]]
        world.published_rows.append(
            PublishedRow(row["period_code"], row["municipality"], row["area"], *figures, rank=int(row["rank"]))
        )
    add_cohorts(world)
    return world


def add_cohorts(world: World) -> None:
    """The members of each cohort of ``cohorts.csv``: the README says what each of them does."""
    member = 0
    for row in read("cohorts.csv"):
        first, last = date.fromisoformat(row["from_date"]), date.fromisoformat(row["to_date"])
        day_before = first - timedelta(days=1)
        for number in range(int(row["persons"])):
            member += 1
            person_id = MEMBER.format(member)
            for start, end in split_by_month(first, last):
                world.benefit_rows.append(BenefitRow(person_id, row["benefit"], None, row["municipality"], start, end))
            fourth_talk = last if number < int(row["talked"]) else day_before
            talks = [fourth_talk, *(first + timedelta(days=days) for days in (10, 20, 30))]
            for day in talks:
                talk = ConversationRow(f"m{member}-{day}", person_id, row["municipality"], 7, day)
                world.conversation_rows.append(talk)
            offered = first if number < int(row["offered"]) else day_before
            world.offer_rows.append(OfferRow(f"m{member}", person_id, row["municipality"], offered, offered))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def warehouse(workshop: Workshop) -> duckdb.DuckDBPyConnection:
    workshop.load("golden", golden_world())
    workshop.build("golden")
    return workshop.connect("golden")


def matches(expected: str, found: Any) -> bool:
    """Whether a cell is what the file says: nothing = null, ``3/7`` = that fraction; counts exactly."""
    if expected == "" or found is None:
        return expected == "" and found is None
    if isinstance(found, bool):
        return expected == str(found).lower()
    if isinstance(found, int):
        return found == Fraction(expected)
    if isinstance(found, (float, Decimal)):
        return math.isclose(found, Fraction(expected), rel_tol=1e-9, abs_tol=1e-9)
    return str(found) == expected


@pytest.mark.parametrize(
    ("mart", "keys", "derived"),
    [
        ("focus_goals", 3, {}),
        ("benefit_recipients", 3, {"full_time_days": "full_time_persons * 31"}),
        (
            "conversation_coverage",
            3,
            {"conversation_count": "round(coalesce(average_conversation_count, 0) * person_count, 9)"},
        ),
        ("conversation_timeliness", 4, {}),
        ("conversation_requests", 2, {}),
        ("early_effort", 2, {}),
        ("passive_by_duration", 4, {}),
        ("offer_effort", 3, {}),
        ("results", 3, {}),
        ("benefit_levels", 4, {}),
        ("similar_municipalities", 3, {}),
        ("category_assignments", 3, {}),
        ("supervision", 3, {}),
        ("timeliness_and_results", 2, {}),
        ("timeliness_and_results_correlation", 1, {}),
        ("measure_results", 5, {}),
        ("area_measure_results", 5, {}),
    ],
)
def test_mart_agrees_with_the_hand(
    warehouse: duckdb.DuckDBPyConnection, mart: str, keys: int, derived: dict[str, str]
) -> None:
    rows = read(f"expected_{mart}.csv")
    columns = list(rows[0])
    selected = ", ".join(f"{derived.get(column, column)} as {column}" for column in columns)
    table = f"marts.{'rpt' if mart in RELEASED_ONLY else 'fct'}_{mart}"
    wrong = []
    for row in rows:
        where = " and ".join(f"{column} = '{row[column]}'" for column in columns[:keys])
        found = warehouse.execute(f"select {selected} from {table} where {where}").fetchall()
        if len(found) != 1:
            wrong.append(f"{where}: {len(found)} rows")
            continue
        for column, value in zip(columns[keys:], found[0][keys:], strict=True):
            # An empty rule_id in the file is one that was not written down.
            if not (column == "rule_id" and row[column] == "") and not matches(row[column], value):
                wrong.append(f"{where}: {column} should be {row[column] or 'null'}, is {value}")
    assert not wrong, f"{table}:\n" + "\n".join(wrong)


def test_every_obligation_is_in_one_count_and_no_other_is_there(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select sum(obligation_count), sum(on_time_count), sum(late_count), sum(missing_count), "
        "sum(not_yet_due_count), sum(excluded_count) from marts.fct_conversation_timeliness "
        "where municipality_code = '0000'"
    ).fetchall()
    assert found == [(31, 9, 9, 13, 5, 17)]


def test_later_months_have_rows_only_where_something_falls_due(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select month, municipality_code, target_group_code, sequence_number from marts.fct_conversation_timeliness "
        "where month > $newest and municipality_code != '0000' order by all",
        {"newest": MONTHS[-1]},
    ).fetchall()
    assert found == [
        (date(2025, 5, 1), "0155", "dagpengemodtagere", 1),
        (date(2025, 7, 1), "0155", "dagpengemodtagere", 2),
        (date(2025, 7, 1), "0155", "sygedagpengemodtagere", 2),
        (date(2025, 10, 1), "0155", "dagpengemodtagere", 3),
        (date(2025, 10, 1), "0155", "uddannelsesparate_uddannelseshjaelpsmodtagere", 2),
    ]


def test_deadlines_of_a_month_are_those_of_its_law(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select month, count(*) from marts.fct_conversation_timeliness "
        "where municipality_code = '0450' and target_group_code = 'dagpengemodtagere' "
        "and month in ('2023-12-01', '2024-01-01') group by month order by month"
    ).fetchall()
    assert found == [(date(2023, 12, 1), 2), (date(2024, 1, 1), 3)]


def test_every_request_that_is_due_is_counted_once(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select sum(requested_count), sum(within_10_days_count) from marts.fct_conversation_requests "
        "where municipality_code = '0000'"
    ).fetchall()
    assert found == [(6, 4)]


def test_early_effort_begins_in_november_2023(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute("select min(month), count(*) from marts.fct_early_effort").fetchall()
    # November 2023 to April 2025 are 18 months; 98 municipalities and the country.
    assert found == [(date(2023, 11, 1), 18 * 99)]


def test_an_empty_group_has_a_row_and_no_share(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select person_count, passive_share from marts.fct_focus_goals "
        "where month = '2024-01-01' and municipality_code = '0306' and benefit_group_code = 'all'"
    ).fetchall()
    assert found == [(0, None)]


def test_population_that_was_not_delivered_is_unknown(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "select count(*), count(population_16_66), count(share_of_population_percentage) "
        "from marts.fct_benefit_recipients"
    ).fetchall()
    assert found[0][0] > 0
    assert found[0][1:] == (0, 0)


def test_units_of_dbt_pass(warehouse: duckdb.DuckDBPyConnection, workshop: Workshop) -> None:
    warehouse.close()
    # Parsed anew: dbt keeps the seeds that unit tests were given when only a seed has changed.
    told = workshop.dbt("golden", "test", "--no-partial-parse", "--select", "test_type:unit")
    assert "ERROR=0" in told
    assert "PASS=0" not in told
