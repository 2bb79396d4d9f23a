"""Statistics behind the measures: weighted least squares, rank simulation, funnel limits, correlations,
intervals of shares, ranks.

Pure functions on NumPy arrays, or on plain numbers where a page of the site needs a few. They read no table, no clock
and no file; dbt's Python models hand them sorted arrays and write what they return. SciPy and statsmodels are left out
on purpose (importing them takes longer than all the sums together); the tests compare every function with them.
"""

from orchestration.lib.statistics.correlations import Correlation, mean_ranks, pearson, spearman
from orchestration.lib.statistics.funnels import FunnelLimits, FunnelRules, funnel_limits, winsorised_overdispersion
from orchestration.lib.statistics.least_squares import RankDeficientError, WeightedFit, fit_weighted_least_squares
from orchestration.lib.statistics.normal import normal_cdf
from orchestration.lib.statistics.order import competition_ranks, fifths
from orchestration.lib.statistics.ranks import RankUncertainty, simulate_ranks
from orchestration.lib.statistics.shares import binomial_half_width, wilson_interval

__all__ = [
    "Correlation",
    "FunnelLimits",
    "FunnelRules",
    "RankDeficientError",
    "RankUncertainty",
    "WeightedFit",
    "binomial_half_width",
    "competition_ranks",
    "fifths",
    "fit_weighted_least_squares",
    "funnel_limits",
    "mean_ranks",
    "normal_cdf",
    "pearson",
    "simulate_ranks",
    "spearman",
    "wilson_interval",
    "winsorised_overdispersion",
]
