"""Samples by class, distributions, and intervals for a probability."""

from __future__ import annotations

import numpy as np

from proofs_check.claim import Case
from proofs_check.implementation import Implementation
from proofs_check.report.site.pictures.figure import Figure
from proofs_check.report.site.pictures.matrices import bars
from proofs_check.report.site.svg import Plot, short

MOST_BARS = 40
MOST_SAMPLES = 100


def counts(case: Case) -> Figure | None:
    """How many samples each class or cell has, or how probable each is."""
    found, p = case.get("counts"), case.get("p")
    if isinstance(found, (list, tuple)) and 1 < len(found) <= MOST_BARS:
        return bars("The samples", "class or cell", "samples", [float(count) for count in found])
    if isinstance(p, (list, tuple)) and 2 < len(p) <= MOST_BARS and np.sum(p) > 0:
        return bars("The distribution", "class or cell", "probability", [float(v / sum(p)) for v in p])
    return None


def intervals(impl: Implementation, case: Case) -> Figure | None:
    """The two-sided Clopper-Pearson interval of every count."""
    n, alpha = case.get("n"), case.get("alpha")
    if not isinstance(n, int) or not isinstance(alpha, float) or not 1 < n <= MOST_SAMPLES:
        return None
    if "confidence.clopper_pearson" not in impl.used:
        return None
    found = impl.confidence.clopper_pearson(np.arange(n + 1), n, alpha, side="both")
    low, high = ([(float(k), float(v)) for k, v in enumerate(side)] for side in (found.lower, found.upper))
    plot = Plot.around([low, high], "count k", "probability", zero=True)
    plot.line([(0.0, 0.0), (float(n), 1.0)], "c", "k/n")
    for series, name in ((low, "a"), (high, "b")):
        plot.line(series, name, dots=n <= 20)
    k = case.get("k")
    if isinstance(k, int):
        plot.upright(float(k), "this instance")
    says = f"The Clopper-Pearson interval of every count of {n} samples, risk {short(alpha)}, around the share k/n."
    marks = [float(k) for k in range(0, n + 1, -(-n // 8))]
    return Figure("The interval by count", plot.svg(says, marks), says,
                  (("b", "upper end"), ("c", "k/n"), ("a", "lower end")))
