"""Is month P here, complete, by its day? Judged from the ledger of decisions, so that no lock is needed.

A month's day is a dated rule: day `extract_deadline_day` of the month `extract_deadline_months` after it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from orchestration.lib.contracts import DatasetContract
from orchestration.lib.ledger import Decision
from orchestration.lib.rules import read_parameter

_MONTHS_BETWEEN = {"every_month": 1, "quarter_end": 3, "half_year_end": 6}


@dataclass(frozen=True)
class MonthStatus:
    """What is known about one month: `missing` are data sets due for it that no accepted delivery has brought.

    `complete_date` is the day on which the last of them was first seen, None while one is missing. A month is overdue
    when it is not complete on the day of the question and its own day has passed; late when it came after its day.
    """

    month: date
    due_date: date
    missing: tuple[str, ...]
    complete_date: date | None
    is_overdue: bool

    @property
    def is_late(self) -> bool:
        """Whether it was complete after its day."""
        return self.complete_date is not None and self.complete_date > self.due_date


def month_statuses(
    decisions: Iterable[Decision],
    contracts: Mapping[str, DatasetContract],
    accepted_missing: Iterable[tuple[str, date]],
    project: Path,
    today: date,
) -> list[MonthStatus]:
    """One status per month from the first month delivered to the last whose day has come, or that is here already.

    `accepted_missing` are (data set, month) that the project has decided to do without. Raises RuleMissing.
    """
    seen: dict[tuple[date, str], date] = {}
    for decision in decisions:
        if decision.status != "accepted":
            continue
        month, day = date.fromisoformat(f"{decision.period}-01"), decision.first_seen_at.date()
        for dataset, _, _ in decision.files:
            seen[month, dataset] = min(day, seen.get((month, dataset), day))
    months = sorted(month for month, dataset in seen if dataset == "benefit_periods")
    if not months:
        return []
    done_without = set(accepted_missing)
    statuses = []
    month, newest = months[0], months[-1]
    while month <= newest or due_date(project, month) <= today:
        expected = [name for name, contract in contracts.items() if _is_due(contract, month)]
        missing = tuple(name for name in expected if (month, name) not in seen and (name, month) not in done_without)
        days = [seen[month, name] for name in expected if (month, name) in seen]
        due = due_date(project, month)
        statuses.append(
            MonthStatus(
                month=month,
                due_date=due,
                missing=missing,
                complete_date=max(days) if days and not missing else None,
                is_overdue=bool(missing) and today > due,
            )
        )
        month = _months_later(month, 1)
    return statuses


def due_date(project: Path, month: date) -> date:
    """The day by which a month's extract must be here, by the rule in force on the month's last day."""
    last_day = _months_later(month, 1) - timedelta(days=1)
    months = int(read_parameter(project, "extract_deadline_months", last_day))
    day = int(read_parameter(project, "extract_deadline_day", last_day))
    first = _months_later(month, months)
    return min(first + timedelta(days=day - 1), _months_later(first, 1) - timedelta(days=1))


def read_accepted_missing(project: Path) -> set[tuple[str, date]]:
    """(data set, month) of the seed `accepted_missing_inputs`."""
    with (project / "seeds/decisions/accepted_missing_inputs.csv").open(encoding="utf-8", newline="") as lines:
        return {(row["dataset"], date.fromisoformat(row["month"])) for row in csv.DictReader(lines)}


def describe(status: MonthStatus) -> str:
    """One line for a person: no figures, no names of persons."""
    return f"{status.month:%Y-%m} was due on {status.due_date}: missing {', '.join(status.missing)}"


def _is_due(contract: DatasetContract, month: date) -> bool:
    every = _MONTHS_BETWEEN.get(contract.delivered_when)
    return every is not None and month.month % every == 0


def _months_later(month: date, count: int) -> date:
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)
