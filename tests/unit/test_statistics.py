"""The statistics against hand-worked figures, published formulas, SciPy and statsmodels."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from orchestration.lib.statistics import (
    FunnelRules,
    RankDeficientError,
    binomial_half_width,
    competition_ranks,
    fifths,
    fit_weighted_least_squares,
    funnel_limits,
    mean_ranks,
    normal_cdf,
    pearson,
    simulate_ranks,
    spearman,
    wilson_interval,
    winsorised_overdispersion,
)

Z_95 = 1.959964
FUNNEL = FunnelRules(z_95=Z_95, z_998=3.090232, winsorised_share=0.1)

Municipalities = tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]


@pytest.fixture(scope="module")
def municipalities() -> Municipalities:
    """98 municipalities, 22 covariates of very different size, weights from 2,000 to 400,000 persons."""
    generator = np.random.default_rng(20240630)
    covariates = generator.normal(size=(98, 22)) * np.linspace(0.1, 50, 22) + np.linspace(0, 100, 22)
    weights = generator.integers(2_000, 400_000, 98).astype(float)
    outcome = 8 + covariates @ generator.normal(size=22) * 0.05 + generator.normal(size=98) * 0.3
    return outcome, covariates, weights, [f"covariate_{number}" for number in range(22)]


def test_a_fit_of_three_points_has_the_values_worked_out_by_hand() -> None:
    """Weights 1, 1, 2 on x = 0, 1, 2 and y = 0, 1, 3.

    Weighted means: x = (0 + 1 + 4)/4 = 1.25, y = (0 + 1 + 6)/4 = 1.75. Sxx = 1.5625 + 0.0625 + 2·0.5625 = 2.75,
    Sxy = 1.25·1.75 + 0.25·0.75 + 2·0.75·1.25 = 4.25. Slope 4.25/2.75 = 17/11, intercept 1.75 − 1.25·17/11 = −2/11.
    Fitted −2/11, 15/11, 32/11; residuals 2/11, −4/11, 1/11. σ² = (4 + 16 + 2·1)/121 ÷ 1 = 2/11.
    Leverage of the first: 1·(1/4 + 1.5625/2.75) = 0.25 + 25/44 = 36/44 = 9/11.
    """
    fit = fit_weighted_least_squares(
        np.array([0.0, 1.0, 3.0]), np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 1.0, 2.0]), ["x"]
    )
    assert fit.coefficients == pytest.approx([-2 / 11, 17 / 11], abs=1e-12)
    assert fit.residuals == pytest.approx([2 / 11, -4 / 11, 1 / 11], abs=1e-12)
    assert fit.sigma_squared == pytest.approx(2 / 11, abs=1e-12)
    assert fit.leverage[0] == pytest.approx(9 / 11, abs=1e-12)
    assert fit.residual_standard_errors[0] == pytest.approx(math.sqrt(2 / 11 * (1 - 9 / 11)), abs=1e-12)


def test_the_fit_agrees_with_statsmodels_and_with_the_formula_of_the_specification(
    municipalities: Municipalities,
) -> None:
    outcome, covariates, weights, names = municipalities
    fit = fit_weighted_least_squares(outcome, covariates, weights, names)
    design = sm.add_constant(covariates)
    reference = sm.WLS(outcome, design, weights=weights).fit()
    assert np.abs(fit.fitted - reference.fittedvalues).max() < 1e-8
    assert fit.coefficients == pytest.approx(reference.params, rel=1e-8, abs=1e-10)
    assert fit.coefficient_standard_errors == pytest.approx(reference.bse, rel=1e-8)
    assert fit.r_squared == pytest.approx(reference.rsquared, abs=1e-10)
    assert fit.sigma_squared == pytest.approx(reference.scale, rel=1e-10)
    inverse = np.linalg.inv(design.T @ np.diag(weights) @ design)
    brackets = 1 / weights - np.einsum("ij,jk,ik->i", design, inverse, design)
    assert fit.residual_standard_errors == pytest.approx(np.sqrt(reference.scale * brackets), rel=1e-7)
    others = sm.add_constant(np.delete(covariates, 4, axis=1))
    explained = sm.WLS(covariates[:, 4], others, weights=weights).fit().rsquared
    assert fit.variance_inflation[5] == pytest.approx(1 / (1 - explained), rel=1e-8)


def test_the_country_is_as_expected_and_leverage_adds_up_to_the_columns(municipalities: Municipalities) -> None:
    outcome, covariates, weights, names = municipalities
    fit = fit_weighted_least_squares(outcome, covariates, weights, names)
    assert abs((weights * fit.residuals).sum()) / weights.sum() < 1e-12
    assert fit.leverage.sum() == pytest.approx(23, abs=1e-9)


def test_a_constant_column_is_named(municipalities: Municipalities) -> None:
    outcome, covariates, weights, names = municipalities
    broken = covariates.copy()
    broken[:, 7] = 33.3
    with pytest.raises(RankDeficientError, match="covariate_7 is the same for every observation"):
        fit_weighted_least_squares(outcome, broken, weights, names)


def test_columns_that_depend_on_each_other_are_named(municipalities: Municipalities) -> None:
    outcome, covariates, weights, names = municipalities
    broken = covariates.copy()
    broken[:, 3] = 100 - broken[:, 1] - broken[:, 2]
    with pytest.raises(RankDeficientError, match=r"22 of 23 columns.*covariate_1, covariate_2, covariate_3 depend"):
        fit_weighted_least_squares(outcome, broken, weights, names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y, x, w, n: (y[:20], x[:20], w[:20], n), "no degree of freedom"),
        (lambda y, x, w, n: (np.where(np.arange(98) == 3, np.nan, y), x, w, n), "finite"),
        (lambda y, x, w, n: (y, x, np.where(np.arange(98) == 3, 0.0, w), n), "above 0"),
        (lambda y, x, w, n: (y, x[:, :5], w, n), "98 observations × 22 covariates"),
        (lambda y, x, w, n: (y, x, w[:5], n), "5 weights for 98"),
    ],
)
def test_input_that_can_not_be_fitted_is_refused(
    municipalities: Municipalities, change: Callable[..., tuple[object, ...]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit_weighted_least_squares(*change(*municipalities))  # type: ignore[arg-type]


def test_simulated_ranks_follow_the_covariance_of_the_specification(municipalities: Municipalities) -> None:
    """Against another way to the same distribution: NumPy's multivariate normal with the covariance written out."""
    outcome, covariates, weights, names = municipalities
    fit = fit_weighted_least_squares(outcome, covariates, weights, names)
    result = simulate_ranks(fit, draw_count=10_000, seed=1, tail_count=10)
    design = sm.add_constant(covariates)
    inverse = np.linalg.inv(design.T @ np.diag(weights) @ design)
    covariance = fit.sigma_squared * (np.diag(1 / weights) - design @ inverse @ design.T)
    draws = np.random.default_rng(99).multivariate_normal(fit.residuals, covariance, size=10_000, method="eigh")
    ranks = draws.argsort(axis=1).argsort(axis=1) + 1
    lower, upper = np.percentile(ranks, [2.5, 97.5], axis=0)
    assert np.abs(result.rank_lower_95 - lower).max() <= 2
    assert np.abs(result.rank_upper_95 - upper).max() <= 2
    assert np.abs(result.best_ten_probability - (ranks <= 10).mean(axis=0)).max() < 0.03
    assert np.abs(result.worst_ten_probability - (ranks > 88).mean(axis=0)).max() < 0.03
    assert result.best_ten_probability.sum() == pytest.approx(10)
    assert result.worst_ten_probability.sum() == pytest.approx(10)


def test_the_simulation_uses_pcg64_with_seed_1() -> None:
    """Golden: three points of the hand-worked fit have one degree of freedom, so all residuals move together.

    (I − QQ')z is a single number times (2, −4, √2)/√22, and the order of the residuals depends on its sign alone:
    drawn residual = residual · (1 + g) with g = σ·(z·u)·√22/… − positive factor keeps the order 2, 3, 1, a negative
    one turns it. P(factor > 0) = Φ(|e|/σ) in W-length: Σ w e² = 22/121 = σ², so Φ(1) = 0.8413.
    """
    fit = fit_weighted_least_squares(
        np.array([0.0, 1.0, 3.0]), np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 1.0, 2.0]), ["x"]
    )
    result = simulate_ranks(fit, draw_count=10_000, seed=1, tail_count=1)
    direction = np.array([2, -4, math.sqrt(2)]) / math.sqrt(22)
    draws = np.random.Generator(np.random.PCG64(1)).standard_normal((10_000, 3)) @ direction
    # W^½ e = σ · direction, so the factor of the residuals is 1 + z·direction
    expected = float((1 + draws > 0).mean())
    assert result.best_ten_probability[1] == pytest.approx(expected, abs=1e-12)
    assert expected == pytest.approx(stats.norm.cdf(1), abs=0.01)


def test_funnel_limits_without_overdispersion_are_the_published_formula() -> None:
    """Target 0.3 and 100 persons: standard error sqrt(0.3·0.7/100) = 0.0458258.

    95 per cent: 0.3 ± 1.959964·0.0458258 = 0.2101832 … 0.3898168. 99.8: 0.3 ± 3.090232·0.0458258 = 0.1583878 …
    0.4416122.
    """
    limits = funnel_limits(np.array([0.31, 0.29]), np.array([100.0, 400.0]), 0.3, FUNNEL)
    assert limits.overdispersion == 1
    assert limits.lower_95[0] == pytest.approx(0.2101832, abs=1e-7)
    assert limits.upper_95[0] == pytest.approx(0.3898168, abs=1e-7)
    assert limits.lower_998[0] == pytest.approx(0.1583878, abs=1e-7)
    assert limits.upper_998[0] == pytest.approx(0.4416122, abs=1e-7)
    assert limits.upper_95[1] - 0.3 == pytest.approx((limits.upper_95[0] - 0.3) / 2)


def test_overdispersion_is_the_mean_square_of_the_winsorised_scores() -> None:
    """Scores −5 … 5 (eleven): the 10 and 90 per cent quantiles are −4 and 4, so −5 and 5 count as −4 and 4.

    φ = (2·(16 + 16 + 9 + 4 + 1) + 0)/11 = 92/11. Unwinsorised it would be 110/11.
    """
    scores = np.arange(-5.0, 6.0)
    assert winsorised_overdispersion(scores, 0.1) == pytest.approx(92 / 11)
    assert winsorised_overdispersion(scores, winsorised_share=0.0) == pytest.approx(10)
    assert winsorised_overdispersion(scores / 100, 0.1) == 1
    assert winsorised_overdispersion(np.array([np.nan]), 0.1) == 1
    reference = np.asarray(stats.mstats.winsorize(scores, limits=(0.1, 0.1)))
    assert winsorised_overdispersion(scores, 0.1) == pytest.approx(float((reference**2).mean()))


def test_overdispersion_widens_the_funnel_by_its_root() -> None:
    """Eleven municipalities of 100 persons around 0.5: standard error 0.05, shares at z = −5 … 5, φ = 92/11.

    0.5 ± 1.959964·0.05·sqrt(92/11) = 0.5 ± 0.2834103, cut off nowhere.
    """
    limits = funnel_limits(0.5 + 0.05 * np.arange(-5.0, 6.0), np.full(11, 100.0), 0.5, FUNNEL)
    assert limits.overdispersion == pytest.approx(92 / 11)
    assert limits.upper_95[0] == pytest.approx(0.5 + 0.2834103, abs=1e-7)
    rules = FunnelRules(z_95=1.0, z_998=2.0, winsorised_share=0.0)
    others = funnel_limits(0.5 + 0.05 * np.arange(-5.0, 6.0), np.full(11, 100.0), 0.5, rules)
    assert others.overdispersion == pytest.approx(10)
    assert others.upper_95[0] == pytest.approx(0.5 + 0.05 * math.sqrt(10))
    assert others.lower_998[0] == pytest.approx(0.5 - 2 * 0.05 * math.sqrt(10))


def test_funnel_limits_stay_within_0_and_1_and_leave_the_empty_out() -> None:
    limits = funnel_limits(np.array([0.02, np.nan, 0.5]), np.array([3.0, 10.0, 0.0]), 0.02, FUNNEL)
    assert limits.lower_95[0] == 0
    assert np.isnan(limits.lower_95[1:]).all()
    assert funnel_limits(np.array([1.0]), np.array([5.0]), 1.0, FUNNEL).lower_95[0] == 1
    with pytest.raises(ValueError, match="not a share"):
        funnel_limits(np.array([0.1]), np.array([5.0]), 12.0, FUNNEL)
    with pytest.raises(ValueError, match="1 shares and 2 sizes"):
        funnel_limits(np.array([0.1]), np.array([5.0, 6.0]), 0.1, FUNNEL)


def test_correlations_agree_with_scipy() -> None:
    generator = np.random.default_rng(5)
    first = generator.normal(size=98).round(1)
    second = (0.3 * first + generator.normal(size=98)).round(1)
    reference = stats.pearsonr(first, second)
    interval = reference.confidence_interval()
    mine = pearson(first, second, Z_95, 4)
    assert mine.coefficient == pytest.approx(reference.statistic, abs=1e-12)
    assert (mine.lower_95, mine.upper_95) == pytest.approx((interval.low, interval.high), abs=1e-7)
    assert spearman(first, second, Z_95, 4).coefficient == pytest.approx(
        stats.spearmanr(first, second).statistic, abs=1e-12
    )
    assert np.array_equal(mean_ranks(first), stats.rankdata(first))


def test_a_correlation_of_five_pairs_has_the_values_worked_out_by_hand() -> None:
    """x = 1 … 5, y = 2, 1, 4, 3, 5: Sxy = 8, Sxx = Syy = 10, r = 0.8.

    atanh 0.8 = 1.0986123; 1.959964/√2 = 1.3859038; tanh(−0.2872915) = −0.2796466; tanh(2.4845161) = 0.9861962.
    """
    result = pearson(np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 4, 3, 5]), Z_95, 4)
    assert result.coefficient == pytest.approx(0.8, abs=1e-12)
    assert result.lower_95 == pytest.approx(math.tanh(1.0986123 - 1.3859038), abs=1e-6)
    assert result.upper_95 == pytest.approx(0.9861962, abs=1e-6)
    narrower = pearson(np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 4, 3, 5]), 1.0, 4)
    assert narrower.upper_95 == pytest.approx(math.tanh(1.0986123 + 1 / math.sqrt(2)), abs=1e-6)


def test_no_correlation_is_given_with_too_few_pairs_or_without_variation() -> None:
    assert pearson(np.array([1.0, 2, 3]), np.array([1.0, 2, 4]), Z_95, 4).coefficient is None
    five = np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 4, 3, 5])
    assert pearson(*five, Z_95, 6).coefficient is None
    assert spearman(*five, Z_95, 6).coefficient is None
    assert pearson(*five, Z_95, 5).coefficient is not None
    assert pearson(np.full(9, 0.1), np.arange(9.0), Z_95, 4).coefficient is None
    perfect = pearson(np.arange(4.0), np.arange(4.0), Z_95, 4)
    assert (perfect.coefficient, perfect.lower_95, perfect.upper_95) == (1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="3 and 4 values"):
        pearson(np.arange(3.0), np.arange(4.0), Z_95, 4)
    with pytest.raises(ValueError, match="smallest number of pairs is 3; the interval needs 4"):
        pearson(*five, Z_95, 3)


@pytest.mark.parametrize("value", [-8.5, -1.959964, 0.0, 0.3, 3.0])
def test_the_normal_distribution_agrees_with_scipy(value: float) -> None:
    assert normal_cdf(value) == pytest.approx(stats.norm.cdf(value), rel=1e-12)


@pytest.mark.parametrize(("count", "total"), [(8, 10), (0, 7), (7, 7), (28.4, 97.5)])
def test_wilsons_interval_agrees_with_statsmodels(count: float, total: float) -> None:
    z = float(stats.norm.ppf(0.975))
    assert wilson_interval(count, total, z) == pytest.approx(
        proportion_confint(count, total, 0.05, method="wilson"), abs=1e-12
    )


def test_wilsons_interval_by_hand() -> None:
    # 8 of 10: centre (0.8 + 0.19207) / 1.38415 = 0.71673, half 1.959964 / 1.38415 * sqrt(0.016 + 0.009604) = 0.22658.
    assert wilson_interval(8, 10, 1.959964) == pytest.approx((0.49016, 0.94331), abs=1e-4)
    for count, total in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="is no share"):
            wilson_interval(count, total, 1.96)


def test_chance_moves_a_share_of_100_persons_by_a_tenth() -> None:
    assert binomial_half_width(0.5, 100, 2.0) == pytest.approx(0.1)
    assert binomial_half_width(1.0, 100, 2.0) == 0.0


def test_equal_values_share_a_rank_and_the_next_is_left_out() -> None:
    values = {"a": 0.2, "b": 0.1, "c": 0.2000000001, "d": None}
    assert competition_ranks(values, highest_first=False, decimals=9) == {"b": 1, "a": 2, "c": 2}
    assert competition_ranks(values, highest_first=True, decimals=9) == {"a": 1, "c": 1, "b": 3}
    assert competition_ranks(values, highest_first=True, decimals=10) == {"c": 1, "a": 2, "b": 3}


def test_fifths_hold_equal_values_together() -> None:
    assert fifths({str(i): float(i) for i in range(10)}) == {str(i): 1 + i // 2 for i in range(10)}
    assert fifths({"a": 1.0, "b": 1.0}) == {"a": 3, "b": 3} and fifths({}) == {}
    # Of 13, nine at the maximum take the places 5 to 13; their middle, 9, lies in the fourth fifth, not in the second.
    classes = fifths({str(i): min(i, 4) / 4 for i in range(13)})
    assert [classes[str(i)] for i in range(13)] == [1, 1, 1, 2, *[4] * 9]
