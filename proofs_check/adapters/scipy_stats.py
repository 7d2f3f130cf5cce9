"""scipy.stats: exact confidence intervals of a probability."""

import functools
from typing import Any

import numpy as np
from scipy.stats import binomtest

from refimpl.confidence import Interval

# scipy names the hypothesis that the interval does not reject.
_ALTERNATIVE = {"both": "two-sided", "lower": "greater", "upper": "less"}


def clopper_pearson(counts: Any, n: int, alpha: float, *, side: str = "both") -> Interval:
    """``binomtest(k, n).proportion_ci(1 - alpha, "exact")`` for each count."""
    ks = np.asarray(counts)
    found = [_interval(k, n, float(alpha), side) for k in ks.ravel().tolist()]
    low, high = (np.array([getattr(ci, end) for ci in found]).reshape(ks.shape)[()] for end in ("low", "high"))
    return Interval(low, high)


@functools.lru_cache(100_000)    # a root is sought for every end, and claims ask for the same counts again
def _interval(k: Any, n: Any, alpha: float, side: str) -> Any:
    return binomtest(k, n, alternative=_ALTERNATIVE[side]).proportion_ci(1 - alpha, "exact")
