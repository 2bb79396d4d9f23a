"""The warehouse against results worked out by hand: the arithmetic stands in tests/fixtures/golden/README.md."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
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
PERSONS = {f"P{number}": f"61018{number:05d}" for number in range(1, 11)}


def read(name: str) -> list[dict[str, str]]:
    with (GOLDEN / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def golden_world() -> World:
    world = World(loaded_months=tuple(month_range(date(2023, 1, 1), 14)))
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
            )
        )
    for number, row in enumerate(read("offers.csv")):
        first, last = date.fromisoformat(row["from_date"]), date.fromisoformat(row["to_date"])
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
    return world


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def warehouse(workshop: Workshop) -> duckdb.DuckDBPyConnection:
    workshop.load("golden", golden_world())
    workshop.build("golden")
    return workshop.connect("golden")


def matches(expected: str, found: Any) -> bool:
    if expected == "":
        return found is None
    if isinstance(found, (int, float, Decimal)):
        return abs(float(found) - float(expected)) < 1e-9
    return str(found) == expected


@pytest.mark.parametrize(
    ("mart", "keys", "derived"),
    [
        ("focus_goals", 3, {}),
        ("benefit_recipients", 3, {"full_time_days": "full_time_persons * 31"}),
        (
            "conversation_coverage",
            3,
            {"conversation_count": "coalesce(average_conversation_count, 0) * person_count"},
        ),
        ("category_assignments", 3, {}),
    ],
)
def test_mart_agrees_with_the_hand(
    warehouse: duckdb.DuckDBPyConnection, mart: str, keys: int, derived: dict[str, str]
) -> None:
    rows = read(f"expected_{mart}.csv")
    columns = list(rows[0])
    selected = ", ".join(f"{derived.get(column, column)} as {column}" for column in columns)
    wrong = []
    for row in rows:
        where = " and ".join(f"{column} = '{row[column]}'" for column in columns[:keys])
        found = warehouse.execute(f"select {selected} from marts.fct_{mart} where {where}").fetchall()
        assert len(found) == 1, f"{mart}: {len(found)} rows where {where}"
        for column, value in zip(columns[keys:], found[0][keys:], strict=True):
            # An empty rule_id in the file is one that was not written down.
            if not (column == "rule_id" and row[column] == "") and not matches(row[column], value):
                wrong.append(f"{where}: {column} should be {row[column]!r}, is {value!r}")
    assert not wrong, "\n".join(wrong)


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
