"""How sure a rank is: simulation of the residuals of a weighted fit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestration.lib.statistics.least_squares import WeightedFit

BLOCK_DRAWS = 2_500


@dataclass(frozen=True)
class RankUncertainty:
    """Per observation, in the fit's order: where its rank lies when the noise of the model is drawn anew."""

    rank_lower_95: NDArray[np.float64]
    rank_upper_95: NDArray[np.float64]
    best_ten_probability: NDArray[np.float64]
    worst_ten_probability: NDArray[np.float64]


def simulate_ranks(fit: WeightedFit, draw_count: int, seed: int, tail_count: int) -> RankUncertainty:
    """Draw residual vectors from N(d, σ²(W⁻¹ − X(X'WX)⁻¹X')) and rank each, smallest first (rank 1 is best).

    With sqrt(W) X = QR the covariance is σ² W^-½ (I − QQ') W^-½, and I − QQ' is a projection: standard normal numbers
    are projected and scaled, so no square root of a singular matrix is taken. Generator: PCG64 with ``seed``, one
    generator per fit, so that adding a period does not change the others. Bounds are the 2.5 and 97.5 percentiles of
    the drawn ranks (linear interpolation); the first and the last ``tail_count`` ranks are the best and the worst. It
    is the model's noise only: errors in the covariates or in the data are not in it.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    observation_count = fit.observation_count
    noise = generator.standard_normal((draw_count, observation_count))
    ranks = np.empty((draw_count, observation_count), dtype=np.int16)
    places = np.arange(1, observation_count + 1, dtype=np.int16)
    for start in range(0, draw_count, BLOCK_DRAWS):
        block = noise[start : start + BLOCK_DRAWS]
        projected = block - (block @ fit.orthonormal) @ fit.orthonormal.T
        drawn = fit.residuals + np.sqrt(fit.sigma_squared / fit.weights) * projected
        order = np.argsort(drawn, axis=1, kind="stable")
        np.put_along_axis(ranks[start : start + BLOCK_DRAWS], order, places[None, :], axis=1)
    lower, upper = np.percentile(ranks, [2.5, 97.5], axis=0)
    return RankUncertainty(
        rank_lower_95=lower,
        rank_upper_95=upper,
        best_ten_probability=(ranks <= tail_count).mean(axis=0),
        worst_ten_probability=(ranks > observation_count - tail_count).mean(axis=0),
    )
