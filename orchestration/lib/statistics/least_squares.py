"""Weighted least squares with an intercept: fitted values, standard errors of the residuals, diagnostics."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

RANK_TOLERANCE = 1e-10
"""Singular values below this share of the largest count as zero. Columns are centred and scaled first, so a design that
falls below it could not give fitted values that two solvers agree on to eight decimals anyway."""


class RankDeficientError(ValueError):
    """The design matrix has linearly dependent columns, so the expected level is not determined."""


@dataclass(frozen=True)
class WeightedFit:
    """One weighted fit. Arrays of observations follow the input's order; arrays of terms begin with the intercept."""

    coefficients: FloatArray
    coefficient_standard_errors: FloatArray
    variance_inflation: FloatArray
    """1 / (1 - R²) of each covariate on the others, weighted alike; NaN for the intercept."""
    fitted: FloatArray
    residuals: FloatArray
    """Actual minus fitted."""
    residual_standard_errors: FloatArray
    """sqrt(σ² (1/w - x'(X'WX)⁻¹x)), 0 where the bracket is below 0."""
    leverage: FloatArray
    """Weight in its own fitted value, w x'(X'WX)⁻¹x; sums to the number of columns."""
    weights: FloatArray
    orthonormal: FloatArray
    """Q of sqrt(W) X = QR: the residual covariance is σ² W^-½ (I - QQ') W^-½."""
    sigma_squared: float
    r_squared: float
    observation_count: int
    column_count: int


def fit_weighted_least_squares(
    outcome: FloatArray, covariates: FloatArray, weights: FloatArray, covariate_names: Sequence[str]
) -> WeightedFit:
    """Fit ``outcome`` on an intercept and ``covariates`` with ``weights``, by a QR decomposition.

    ``covariates`` has one row per observation and one column per name, without the intercept. σ² = Σ w·e² ÷ (n − k).
    Covariates are centred and scaled before solving, for the numbers' sake only: coefficients are given in the
    covariates' own units. The caller limits BLAS to one thread when results must be identical bit by bit.

    Raises ValueError for arrays that do not fit together, non-finite numbers, weights not above 0 or no degree of
    freedom left, and RankDeficientError, naming the columns that depend on each other, when the design lacks full rank.
    """
    outcome = np.asarray(outcome, dtype=np.float64)
    covariates = np.asarray(covariates, dtype=np.float64)
    weights = np.asarray(weights, dtype=np.float64)
    _require_usable(outcome, covariates, weights, covariate_names)

    observation_count, covariate_count = covariates.shape
    column_count = covariate_count + 1
    root_weights = np.sqrt(weights)
    means = weights @ covariates / weights.sum()
    centred = covariates - means
    scales = np.sqrt((weights[:, None] * centred**2).sum(axis=0))
    magnitudes = root_weights @ np.abs(covariates) / root_weights.sum()
    constant = scales <= RANK_TOLERANCE * np.maximum(magnitudes, 1e-300) * np.sqrt(weights.sum())
    if constant.any():
        names = ", ".join(name for name, is_constant in zip(covariate_names, constant, strict=True) if is_constant)
        raise RankDeficientError(f"The design lacks full rank: {names} is the same for every observation.")

    scaled = centred / scales
    design = root_weights[:, None] * np.column_stack([np.full(observation_count, 1 / np.sqrt(weights.sum())), scaled])
    _require_full_rank(design, covariate_names)

    orthonormal, triangular = np.linalg.qr(design)
    projections = orthonormal.T @ (root_weights * outcome)
    scaled_coefficients = np.linalg.solve(triangular, projections)
    fitted = (orthonormal @ projections) / root_weights
    residuals = outcome - fitted
    sigma_squared = float((weights * residuals**2).sum() / (observation_count - column_count))
    leverage = (orthonormal**2).sum(axis=1)

    inverse_triangular = np.linalg.inv(triangular)
    scaled_inverse = inverse_triangular @ inverse_triangular.T
    to_own_units = _own_units(means, scales, weights)
    own_inverse = to_own_units @ scaled_inverse @ to_own_units.T
    total = float((weights * (outcome - weights @ outcome / weights.sum()) ** 2).sum())
    return WeightedFit(
        coefficients=to_own_units @ scaled_coefficients,
        coefficient_standard_errors=np.sqrt(sigma_squared * np.diag(own_inverse)),
        # Scaled columns have weighted length 1 and are orthogonal to the intercept: the inverse's diagonal is the VIF.
        variance_inflation=np.concatenate([[np.nan], np.diag(scaled_inverse)[1:]]),
        fitted=fitted,
        residuals=residuals,
        residual_standard_errors=np.sqrt(sigma_squared * np.maximum((1 - leverage) / weights, 0.0)),
        leverage=leverage,
        weights=weights,
        orthonormal=orthonormal,
        sigma_squared=sigma_squared,
        r_squared=1 - float((weights * residuals**2).sum()) / total if total > 0 else float("nan"),
        observation_count=observation_count,
        column_count=column_count,
    )


def _own_units(means: FloatArray, scales: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the matrix that turns coefficients of the scaled columns into coefficients of the covariates as given."""
    matrix = np.zeros((len(scales) + 1, len(scales) + 1))
    matrix[0, 0] = 1 / np.sqrt(weights.sum())
    matrix[0, 1:] = -means / scales
    matrix[1:, 1:] = np.diag(1 / scales)
    return matrix


def _require_usable(
    outcome: FloatArray, covariates: FloatArray, weights: FloatArray, covariate_names: Sequence[str]
) -> None:
    if covariates.ndim != 2 or covariates.shape != (len(outcome), len(covariate_names)):
        raise ValueError(
            f"The covariates have the shape {covariates.shape}, expected "
            f"{len(outcome)} observations × {len(covariate_names)} covariates."
        )
    if weights.shape != outcome.shape:
        raise ValueError(f"There are {len(weights)} weights for {len(outcome)} observations.")
    if not (np.isfinite(outcome).all() and np.isfinite(covariates).all() and np.isfinite(weights).all()):
        raise ValueError("Outcome, covariates and weights must be finite numbers.")
    if (weights <= 0).any():
        raise ValueError("Every weight must be above 0.")
    if len(outcome) <= len(covariate_names) + 1:
        raise ValueError(
            f"{len(outcome)} observations leave no degree of freedom for {len(covariate_names) + 1} columns."
        )


def _require_full_rank(design: FloatArray, covariate_names: Sequence[str]) -> None:
    _, singular_values, right = np.linalg.svd(design, full_matrices=False)
    is_null = singular_values <= RANK_TOLERANCE * singular_values[0]
    if not is_null.any():
        return
    # columns with weight in a null direction are those that depend on each other
    shares = np.abs(right[is_null]).max(axis=0)
    names = [name for name, share in zip(["intercept", *covariate_names], shares, strict=True) if share > 1e-6]
    raise RankDeficientError(
        f"The design lacks full rank ({int((~is_null).sum())} of {design.shape[1]} columns): "
        f"{', '.join(names)} depend on each other."
    )
