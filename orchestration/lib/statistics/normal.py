"""The standard normal distribution, as far as the measures need it."""

import math


def normal_cdf(value: float) -> float:
    """Return Φ(value), the probability that a standard normal number is at most ``value``."""
    return 0.5 * math.erfc(-value / math.sqrt(2.0))
