"""Funnel limits per period and measure: from one table to another, a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from orchestration.lib.columns import by_period, floats
from orchestration.lib.statistics import FunnelRules, funnel_limits

_LIMITS = ("lower_95", "upper_95", "lower_998", "upper_998")


def funnel_table(shares: Mapping[str, Any], periods: Mapping[str, Any]) -> pa.Table:
    """Return the funnel of every period_code and measure_id, one row per municipality with a share and persons.

    `shares`: period_code, measure_id, municipality_code, measure_value (0–1), measured_count (the funnel's size) and
    national_value (its target, the same within a funnel). A funnel without national value has no rows.
    `periods` gives the rules per period_code: confidence_z, funnel_wide_z, funnel_winsorised_share.
    """
    rules = by_period(periods, "confidence_z", "funnel_wide_z", "funnel_winsorised_share")
    period_codes = np.asarray(shares["period_code"]).astype(str)
    measures = np.asarray(shares["measure_id"]).astype(str)
    codes = np.asarray(shares["municipality_code"]).astype(str)
    values, sizes, targets = (floats(shares[name]) for name in ("measure_value", "measured_count", "national_value"))
    rows: list[dict[str, Any]] = []
    for period, measure in sorted(set(zip(period_codes.tolist(), measures.tolist(), strict=True))):
        usable = np.isfinite(values) & (sizes > 0) & np.isfinite(targets)
        places = np.flatnonzero((period_codes == period) & (measures == measure) & usable)
        if places.size == 0:
            continue
        places = places[np.argsort(codes[places], kind="stable")]
        target = float(targets[places[0]])
        limits = funnel_limits(values[places], sizes[places], target, FunnelRules(*map(float, rules[period])))
        rows.extend(
            {
                "period_code": period,
                "measure_id": measure,
                "municipality_code": str(codes[place]),
                "funnel_target": target,
                **{f"funnel_{name}": float(getattr(limits, name)[number]) for name in _LIMITS},
                "funnel_overdispersion": limits.overdispersion,
            }
            for number, place in enumerate(places)
        )
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("period_code", "measure_id", "municipality_code")),
            ("funnel_target", pa.float64()),
            *((f"funnel_{name}", pa.float64()) for name in _LIMITS),
            ("funnel_overdispersion", pa.float64()),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)
