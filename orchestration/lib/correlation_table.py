"""Correlation of timeliness and results per period: from one table to another, a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from orchestration.lib.columns import by_period, floats
from orchestration.lib.statistics import pearson, spearman


def correlation_table(municipalities: Mapping[str, Any], periods: Mapping[str, Any]) -> pa.Table:
    """Return one row per period_code with both coefficients of on_time_share and difference_percentage_points.

    Only municipalities with both values count (`municipality_count`); nobody is weighted. Rows are sorted by
    municipality, so that the order of the input changes nothing. Coefficients are null with too few or without
    variation. `periods` gives the rules per period_code: confidence_z (standard errors on each side of the intervals)
    and correlation_minimum_municipalities.
    """
    rules = by_period(periods, "confidence_z", "correlation_minimum_municipalities")
    period_codes = np.asarray(municipalities["period_code"]).astype(str)
    codes = np.asarray(municipalities["municipality_code"]).astype(str)
    on_time = floats(municipalities["on_time_share"])
    difference = floats(municipalities["difference_percentage_points"])
    rows: list[dict[str, Any]] = []
    for period in sorted(set(period_codes.tolist())):
        z, minimum = float(rules[period][0]), int(rules[period][1])
        places = np.flatnonzero((period_codes == period) & np.isfinite(on_time) & np.isfinite(difference))
        places = places[np.argsort(codes[places], kind="stable")]
        linear = pearson(on_time[places], difference[places], z, minimum)
        ranked = spearman(on_time[places], difference[places], z, minimum)
        rows.append(
            {
                "period_code": period,
                "municipality_count": len(places),
                "pearson": linear.coefficient,
                "pearson_lower_95": linear.lower_95,
                "pearson_upper_95": linear.upper_95,
                "spearman": ranked.coefficient,
                "spearman_lower_95": ranked.lower_95,
                "spearman_upper_95": ranked.upper_95,
            }
        )
    coefficients = [f"{name}{part}" for name in ("pearson", "spearman") for part in ("", "_lower_95", "_upper_95")]
    schema = pa.schema(
        [
            ("period_code", pa.string()),
            ("municipality_count", pa.int32()),
            *((name, pa.float64()) for name in coefficients),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)
