"""statsmodels.stats.proportion: the interval with method="beta", which is Clopper and Pearson's."""

from typing import Any

from statsmodels.stats.proportion import proportion_confint

from proofs_check.implementation import Unsupported
from refimpl.confidence import Interval


def clopper_pearson(counts: Any, n: int, alpha: float, *, side: str = "both") -> Interval:
    """``proportion_confint(counts, n, alpha, method="beta")``; one end is that of the interval of risk 2 alpha."""
    if side == "both":
        return Interval(*proportion_confint(counts, n, alpha, method="beta"))
    if 2 * alpha >= 1:
        raise Unsupported("one end of risk alpha is taken from an interval of risk 2 alpha, below 1")
    low, high = proportion_confint(counts, n, 2 * alpha, method="beta")
    return Interval(low, high * 0 + 1) if side == "lower" else Interval(low * 0, high)
