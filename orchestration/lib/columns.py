"""Columns that DuckDB's `fetchnumpy` hands over, as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def floats(values: Any) -> NDArray[np.float64]:
    """Return a column as floating-point numbers, with NaN where the database has null."""
    masked: Any = np.ma.asarray(values)
    filled: NDArray[np.float64] = np.ma.filled(masked.astype(np.float64), np.nan)
    return filled


def by_period(periods: Mapping[str, Any], *names: str) -> dict[str, tuple[Any, ...]]:
    """Return the values of the columns `names` by period_code, of which each stands once."""
    values = zip(*(periods[name] for name in names), strict=True)
    return {str(code): row for code, row in zip(periods["period_code"], values, strict=True)}
