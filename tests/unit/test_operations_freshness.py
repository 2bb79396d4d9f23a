"""Which months are here, complete, by their day; and what arrives after k months."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import duckdb
import pytest

from orchestration.lib.contracts import load_contracts
from orchestration.lib.ledger import Decision
from orchestration.lib.operations.completeness import write_completeness
from orchestration.lib.operations.freshness import MonthStatus, describe, due_date, month_statuses
from orchestration.lib.settings import PROJECT_ROOT

MONTHLY = ("benefit_periods", "conversations", "active_offers", "ordinary_hours")


def decision(period: str, seen: str, datasets: Sequence[str] = MONTHLY, status: str = "accepted") -> Decision:
    return Decision(
        path=f"{period}/delivery-001",
        manifest_hash=f"{period}{seen}",
        period=period,
        delivery=1,
        status=status,
        reasons=(),
        files=tuple((name, f"{name}.parquet", "0" * 64) for name in datasets),
        rows=1,
        supplier="STAR",
        delivered_at=None,
        first_seen_at=datetime.fromisoformat(seen).replace(tzinfo=UTC),
    )


def statuses(decisions: list[Decision], today: str, accepted: set[tuple[str, date]] | None = None) -> list[MonthStatus]:
    return month_statuses(decisions, load_contracts(), accepted or set(), PROJECT_ROOT, date.fromisoformat(today))


def test_the_day_of_a_month_lies_two_months_later() -> None:
    assert due_date(PROJECT_ROOT, date(2024, 3, 1)) == date(2024, 5, 15)
    assert due_date(PROJECT_ROOT, date(2024, 12, 1)) == date(2025, 2, 15)


def test_complete_late_and_overdue_months() -> None:
    found = statuses(
        [
            decision("2024-01", "2024-03-02"),
            decision("2024-02", "2024-04-20"),
            decision("2024-04", "2024-06-01", ("benefit_periods", "conversations")),
        ],
        "2024-06-16",
    )
    assert [status.month.month for status in found] == [1, 2, 3, 4]
    january, february, march, april = found
    assert january.complete_date == date(2024, 3, 2) and not january.is_late and not january.is_overdue
    assert february.is_late and not february.is_overdue
    assert march.is_overdue and set(march.missing) == {*MONTHLY, "population"}
    assert april.is_overdue and april.missing == ("active_offers", "ordinary_hours")
    assert describe(april) == "2024-04 was due on 2024-06-15: missing active_offers, ordinary_hours"


def test_on_its_day_a_month_is_not_overdue_yet() -> None:
    first = [decision("2024-01", "2024-03-02")]
    assert [status.is_overdue for status in statuses(first, "2024-04-15")] == [False, False]
    assert [status.is_overdue for status in statuses(first, "2024-04-16")] == [False, True]


def test_quarters_and_half_years_need_more() -> None:
    june = statuses([decision("2024-06", "2024-08-01")], "2024-08-01")[0]
    assert set(june.missing) == {"population", "framework_conditions"}
    assert statuses([decision("2024-05", "2024-07-01")], "2024-07-01")[0].missing == ()


def test_a_rejected_delivery_brings_nothing_and_a_decided_gap_is_no_gap() -> None:
    first = decision("2024-01", "2024-03-02")
    gap = decision("2024-02", "2024-04-02", MONTHLY[:3])
    refused = decision("2024-02", "2024-04-03", status="rejected")
    assert statuses([first, gap, refused], "2024-04-30")[1].missing == ("ordinary_hours",)
    done_without = {("ordinary_hours", date(2024, 2, 1))}
    assert statuses([first, gap], "2024-04-30", done_without)[1].missing == ()


def test_before_the_first_delivery_nothing_is_expected() -> None:
    assert statuses([], "2024-04-30") == []


@pytest.mark.parametrize(
    ("months_after", "expected"),
    [(1, (3, 170, 230)), (2, (2, 180, 200)), (4, (1, 120, 120))],
)
def test_completeness_curve(months_after: int, expected: tuple[int, int, int]) -> None:
    """Rows at first, and after a correction; the newest delivery of all came on 20 May.

    | month   | delivery 1       | delivery 2       | k = 1 | k = 2 | k = 4 | final |
    | 2024-01 | 80, in month 1   | 120, in month 2  | 80    | 120   | 120   | 120   |
    | 2024-02 | 60, in month 1   | 80, in month 3   | 60    | 60    |       | 80    |
    | 2024-04 | 30, in month 1   | rejected         | 30    |       |       | 30    |
    """
    con = duckdb.connect()
    con.execute("attach ':memory:' as release")
    con.execute("attach ':memory:' as warehouse")
    con.execute("create schema release.meta")
    con.execute("create schema warehouse.quality")
    con.execute(
        "create table warehouse.quality.deliveries (period varchar, delivery integer, status varchar, "
        "delivered_at timestamptz)"
    )
    con.execute(
        "create table warehouse.quality.delivery_datasets (period varchar, delivery integer, dataset varchar, "
        "accepted bigint)"
    )
    for period, number, status, at, rows in [
        ("2024-01", 1, "superseded", "2024-02-10", 80),
        ("2024-01", 2, "accepted", "2024-03-05", 120),
        ("2024-02", 1, "superseded", "2024-03-05", 60),
        ("2024-02", 2, "accepted", "2024-05-20", 80),
        ("2024-04", 1, "accepted", "2024-05-20", 30),
        ("2024-04", 2, "rejected", "2024-05-21", 900),
    ]:
        con.execute("insert into warehouse.quality.deliveries values (?, ?, ?, ?)", [period, number, status, at])
        con.execute(
            "insert into warehouse.quality.delivery_datasets values (?, ?, 'benefit_periods', ?)",
            [period, number, rows],
        )
    write_completeness(con, '"warehouse"')
    found = con.execute(
        "select month_count, arrived_row_count, final_row_count from release.meta.completeness where months_after = ?",
        [months_after],
    ).fetchone()
    assert found == expected
