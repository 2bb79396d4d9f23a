"""Columns that DuckDB's `fetchnumpy` hands over, as plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def floats(values: Any) -> NDArray[np.float64]:
    """Return a column as floating-point numbers, with NaN where the database has null."""
    masked: Any = np.ma.asarray(values)
    filled: NDArray[np.float64] = np.ma.filled(masked.astype(np.float64), np.nan)
    return filled
