"""Pearson's and Spearman's coefficients with Fisher's 95 per cent interval."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SMALLEST_COUNT = 4
"""With fewer pairs Fisher's interval does not exist (n − 3): no rule may ask for less."""


@dataclass(frozen=True)
class Correlation:
    """A coefficient and its interval; all None with too few pairs or when one side does not vary."""

    coefficient: float | None
    lower_95: float | None
    upper_95: float | None


def pearson(first: FloatArray, second: FloatArray, z: float, minimum_count: int) -> Correlation:
    """Return Pearson's coefficient of two arrays without missing values, unweighted, with Fisher's interval.

    The interval is tanh(atanh r ± z ÷ √(n − 3)). With fewer than `minimum_count` pairs there is neither. Raises
    ValueError for sides of different length, and for a `minimum_count` with which the interval need not exist.
    """
    if minimum_count < SMALLEST_COUNT:
        raise ValueError(f"The smallest number of pairs is {minimum_count}; the interval needs {SMALLEST_COUNT}.")
    first = np.asarray(first, dtype=np.float64)
    second = np.asarray(second, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"The two sides have {len(first)} and {len(second)} values.")
    if len(first) < minimum_count:
        return Correlation(None, None, None)
    first_centred = first - first.mean()
    second_centred = second - second.mean()
    scale = math.sqrt(float((first_centred**2).sum()) * float((second_centred**2).sum()))
    if np.ptp(first) == 0 or np.ptp(second) == 0 or scale == 0:
        return Correlation(None, None, None)
    coefficient = min(1.0, max(-1.0, float((first_centred * second_centred).sum()) / scale))
    if abs(coefficient) == 1.0:
        return Correlation(coefficient, coefficient, coefficient)
    half = z / math.sqrt(len(first) - 3)
    centre = math.atanh(coefficient)
    return Correlation(coefficient, math.tanh(centre - half), math.tanh(centre + half))


def mean_ranks(values: FloatArray) -> FloatArray:
    """Return ranks from 1, smallest first; equal values share the mean of their ranks."""
    values = np.asarray(values, dtype=np.float64)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def spearman(first: FloatArray, second: FloatArray, z: float, minimum_count: int) -> Correlation:
    """Return Spearman's coefficient: Pearson's of the mean ranks, with the same interval."""
    return pearson(mean_ranks(first), mean_ranks(second), z, minimum_count)
