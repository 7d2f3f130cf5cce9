"""Coverage of procedures that see counts, for writing claims about risks."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison

ALPHAS = st.sampled_from([0.5, 0.3, 0.125, 0.05, 0.01])
# Floats enclose an exact sum; a risk is a float.
ROOM = 2.0**-40


def missed(impl: Any, covers: Any, p: Any, n: int, alpha: float) -> Comparison:
    """The probability of not covering, against the risk."""
    return Comparison(1 - impl.confidence.exact_coverage(covers, p, n).low, "<=", alpha + ROOM)


def shares_of(p: Any) -> list[float]:
    return [v / sum(p) for v in p]


def table(impl: Any, n: int, risk: float, side: str) -> Any:
    """Of every count."""
    return np.atleast_1d(getattr(impl.confidence.clopper_pearson(np.arange(n + 1), n, risk, side=side), side))
