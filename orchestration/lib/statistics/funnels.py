"""Funnel limits of a share: how far from the country a municipality of its size may lie by chance alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FunnelRules:
    """What the limits are drawn by."""

    z_95: float
    """Standard errors of the 95 per cent limits."""
    z_998: float
    """Standard errors of the 99.8 per cent limits."""
    winsorised_share: float
    """Share of the z-scores at each end that are drawn in before the over-dispersion is worked out."""


@dataclass(frozen=True)
class FunnelLimits:
    """Limits per observation, in the input's order; NaN where the observation has no persons."""

    lower_95: FloatArray
    upper_95: FloatArray
    lower_998: FloatArray
    upper_998: FloatArray
    z_scores: FloatArray
    """(share − target) ÷ its binomial standard error, before over-dispersion."""
    overdispersion: float
    """φ, at least 1: the factor on the binomial variance."""


def winsorised_overdispersion(z_scores: FloatArray, winsorised_share: float) -> float:
    """Return φ̂ = mean of z² after winsorising (Spiegelhalter 2005, multiplicative over-dispersion).

    The z-scores below the ``winsorised_share`` quantile are set to it, those above the 1 − ``winsorised_share``
    quantile likewise (quantiles with linear interpolation), so that a few true outliers do not widen the funnel for
    everybody. Never below 1: less spread than chance alone narrows no limit. No z-score at all gives 1.
    """
    finite = z_scores[np.isfinite(z_scores)]
    if finite.size == 0:
        return 1.0
    low, high = np.quantile(finite, [winsorised_share, 1 - winsorised_share])
    return max(1.0, float(np.mean(np.clip(finite, low, high) ** 2)))


def funnel_limits(shares: FloatArray, sizes: FloatArray, target: float, rules: FunnelRules) -> FunnelLimits:
    """Return the 95 and 99.8 per cent limits of binomial shares around ``target``.

    limit = target ± z · sqrt(φ · target · (1 − target) ÷ size), cut off at 0 and 1, with the two z of `rules`.
    ``shares`` and ``target`` lie in 0–1; ``sizes`` are numbers of persons or obligations (a mean of months may have
    decimals). A share that is NaN or a size of 0 gives NaN for that observation. A target of 0 or 1 leaves no spread:
    the limits are the target and φ is 1. Raises ValueError for a target outside 0–1 or arrays of different length.
    """
    shares = np.asarray(shares, dtype=np.float64)
    sizes = np.asarray(sizes, dtype=np.float64)
    if shares.shape != sizes.shape:
        raise ValueError(f"There are {len(shares)} shares and {len(sizes)} sizes.")
    if not 0 <= target <= 1:
        raise ValueError(f"The target {target} is not a share between 0 and 1.")
    usable = np.isfinite(shares) & (sizes > 0)
    variance = np.full(shares.shape, np.nan)
    variance[usable] = target * (1 - target) / sizes[usable]
    z_scores = np.full(shares.shape, np.nan)
    spread = usable & (variance > 0)
    z_scores[spread] = (shares[spread] - target) / np.sqrt(variance[spread])
    overdispersion = winsorised_overdispersion(z_scores, rules.winsorised_share)
    half = np.sqrt(overdispersion * variance)
    return FunnelLimits(
        lower_95=np.clip(target - rules.z_95 * half, 0, 1),
        upper_95=np.clip(target + rules.z_95 * half, 0, 1),
        lower_998=np.clip(target - rules.z_998 * half, 0, 1),
        upper_998=np.clip(target + rules.z_998 * half, 0, 1),
        z_scores=z_scores,
        overdispersion=overdispersion,
    )
