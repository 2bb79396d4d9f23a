"""Dates as the specification reads them (measures.md §1). A month is the date of its first day."""

from __future__ import annotations

import calendar as _calendar
from datetime import date, timedelta

DAY = timedelta(days=1)


def month_of(day: date) -> date:
    """The month that holds the day."""
    return day.replace(day=1)


def add_months(day: date, count: int) -> date:
    """The same day of a later month, or that month's last day when it has no such day."""
    index = day.year * 12 + day.month - 1 + count
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, _calendar.monthrange(year, month)[1]))


def last_day(month: date) -> date:
    """The last day of a month: its ``as_of_date``."""
    return add_months(month, 1) - DAY


def days_in(month: date) -> int:
    """How many days the month has."""
    return (add_months(month, 1) - month).days


def month_range(first: date, count: int) -> tuple[date, ...]:
    """``count`` months from ``first``."""
    return tuple(add_months(first, offset) for offset in range(count))


def completed_months(start: date, month: date) -> int:
    """Whole calendar months from ``start`` through the end of ``month`` (measures.md §1)."""
    d = add_months(month, 1)
    return 12 * (d.year - start.year) + d.month - start.month - (1 if start.day > 1 else 0)


def last_twelve(month: date) -> tuple[date, ...]:
    """The calendar months M-11 … M."""
    return month_range(add_months(month, -11), 12)


def period_months(period_code: str) -> tuple[date, ...]:
    """The twelve months of a rolling year such as ``2024QMAT02`` (July 2023 … June 2024)."""
    year, quarter = int(period_code[:4]), int(period_code[-2:])
    return last_twelve(date(year, 3 * quarter, 1))


def period_code_of(month: date) -> str:
    """The rolling year that ends with a month of June or December."""
    return f"{month.year}QMAT{month.month // 3:02d}"
