"""How far chance alone may move a single share."""

import math


def wilson_interval(count: float, total: float, z: float) -> tuple[float, float]:
    """Return Wilson's interval of the share ``count`` ÷ ``total``, lower and upper bound.

    ``z`` is the normal quantile of the confidence wanted. Raises ValueError for a total not above 0 or a count outside
    0–total.
    """
    if total <= 0 or not 0 <= count <= total:
        raise ValueError(f"{count} of {total} is no share.")
    share, z2 = count / total, z * z
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = z / (1 + z2 / total) * math.sqrt(max(0.0, share * (1 - share) / total + z2 / (4 * total * total)))
    return centre - half, centre + half


def binomial_half_width(share: float, size: float, z: float) -> float:
    """Return how far from ``share`` one of ``size`` persons may lie by chance: z · sqrt(share · (1 − share) ÷ size)."""
    return z * math.sqrt(share * (1 - share) / size)
