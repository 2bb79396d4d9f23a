"""The months that a delivery can be about. Their ends are fixed.

Dagster lists those alone that have ended by now; what lies in the landing zone for a later one is loaded all the same,
as the folders without a partition are (`load_deliveries`).
"""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg

from orchestration.lib.deliveries import FIRST_PERIOD, LAST_PERIOD

# Dagster's end is the first month that has no partition.
_END = (date.fromisoformat(f"{LAST_PERIOD}-01") + timedelta(days=31)).replace(day=1)
MONTHS = dg.MonthlyPartitionsDefinition(start_date=f"{FIRST_PERIOD}-01", end_date=_END.isoformat(), fmt="%Y-%m-%d")


def partition_key(period: str) -> str:
    """The partition of a period `YYYY-MM`."""
    return f"{period}-01"


def partition_periods() -> frozenset[str]:
    """Every period `YYYY-MM` that has a partition by now."""
    return frozenset(key[:7] for key in MONTHS.get_partition_keys())
