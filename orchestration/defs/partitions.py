"""The months that a delivery can be about: fixed ends, so that nothing depends on the day it runs."""

from __future__ import annotations

import dagster as dg

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2015-01-01", end_date="2036-01-01", fmt="%Y-%m-%d")


def partition_key(period: str) -> str:
    """The partition of a period `YYYY-MM`."""
    return f"{period}-01"


def partition_periods() -> frozenset[str]:
    """Every period `YYYY-MM` that has a partition."""
    return frozenset(key[:7] for key in MONTHS.get_partition_keys())
