"""The codes of periods: what months a rolling year has."""

from __future__ import annotations

from datetime import date


def period_months(period_code: str) -> range:
    """Month numbers (year x 12 + month - 1) of the four quarters that a QMAT code names."""
    last = int(period_code[:4]) * 12 + 3 * int(period_code[-2:]) - 1
    return range(last - 11, last + 1)


def first_day(month_number: int) -> date:
    """The first day of a month of `period_months`."""
    return date(month_number // 12, month_number % 12 + 1, 1)
