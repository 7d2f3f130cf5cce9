"""Thesis D.2.4: the expansion of the smoothed cross entropy, its error, and a bound of the same order."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Step, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._curvature import LOGITS, NOISY, STRATA, TWO, flat, noise
from proofs_check.strategies import vectors

PLAIN = vectors(st.integers(1, 3), LOGITS).map(lambda logits: {"logits": logits})


def _trace(H: Any) -> Any:
    return sum((H[i, i] for i in range(1, len(H))), H[0, 0])


@claim(
    "thesis.app-D.2.4-hessian.half",
    at="Appendix D.2.4, the norm of the Hessian (not stated)",
    tex=r"\lVert \operatorname{diag}(\hat y) - \hat y \hat y^\top \rVert_2 \le \tfrac12",
    given=PLAIN,
    verdict=Verdict.SURVIVED,
    note="The H of corollary 7.2.2 for the logits. Equality for two equal logits far above the others.",
    strata={"two": lambda logits: len(logits) == 2, "three": lambda logits: len(logits) == 3},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"logits": np.zeros(2)}, {"logits": np.array([4.0, 4.0, -8.0])}],
)
def at_most_half(impl: Any, logits: Any) -> Comparison:
    """The Hessian of the cross entropy in the logits has a norm of at most one half."""
    return Comparison(impl.spectral.spectral_norm(impl.curvature.cross_entropy_hessian(logits)), "<=", 0.5, scale=1.0)


@claim(
    "thesis.app-D.2.4-trace",
    at="Appendix D.2.4, 'as the trace of y y^T is 1'",
    tex=r"\operatorname{tr}(\hat y \hat y^\top) = 1",
    given=PLAIN,
    verdict=Verdict.REFUTED,
    kind=Kind.MISPRINT,
    reading="A softmax vector with at least two positive entries.",
    right_at="the display just before, the sum of y_i (1 - y_i)",
    note="It is the sum of squares; with 1 the trace of the Hessian would be 0. (1/2, 1/2): 1/2. The formula that it explains is right.",
    counterexample={"logits": np.zeros(2)},
    control={"logits": np.zeros(1)},
    amended_by="thesis.app-D.2.4-trace.squares",
)
def trace_of_outer_product(impl: Any, logits: Any) -> Comparison:
    """The outer product of a softmax with itself has trace 1."""
    p = impl.simplex.softmax(logits)
    return Comparison((p * p).sum(), "==", 1.0, scale=1.0)


def _derived_trace(factor: Any) -> Any:
    import sympy

    p = sympy.Matrix(sympy.symbols("p1:4", positive=True))
    trace = (sympy.diag(*p) - p * p.T).trace()
    yield Step("the trace, for three classes", trace - factor * sum(v * (1 - v) for v in p))


@claim(
    "thesis.app-D.2.4-trace.squares",
    at="Appendix D.2.4, amended",
    tex=r"\operatorname{tr}(\operatorname{diag}(\hat y) - \hat y \hat y^\top) = 1 - \lVert \hat y \rVert^2 = \sum_i \hat y_i (1 - \hat y_i)",
    given=PLAIN,
    verdict=Verdict.SURVIVED,
    strata={"two classes at least": lambda logits: len(logits) >= 2},
    mutants={"one-percent": scale_right(1.01)},
    witnesses=[{"logits": np.array([0.0, 1.0, 0.0])}],
    derivation=_derived_trace,
)
def trace_of_hessian(impl: Any, logits: Any) -> Comparison:
    """The trace of the Hessian is one less the sum of squares."""
    p, trace = impl.simplex.softmax(logits), _trace(impl.curvature.cross_entropy_hessian(logits))
    return Comparison([trace, trace], "==", [1 - (p * p).sum(), (p * (1 - p)).sum()], scale=1.0)


def _error(impl: Any, **case: Any) -> Any:
    """Of the expansion: the smoothed loss less the estimate."""
    return impl.curvature.smoothed_cross_entropy(**case) - impl.curvature.taylor_smoothed_cross_entropy(**case)


def _derived_order(factor: Any) -> Any:
    """The mean solves the heat equation in the variance s^2: u' = Lap u / 2, u'' = E[Lap^2] / 4."""
    import sympy

    e = sympy.symbols("e1:4", positive=True)  # powers of the logits: d/da_i = e_i d/de_i
    total = sum(e)
    p = [v / total for v in e]

    def laplacian(f: Any) -> Any:
        return sum(v * sympy.diff(v * sympy.diff(f, v), v) for v in e)

    q, cubes = sum(v**2 for v in p), sum(v**3 for v in p)
    yield Step("the Laplacian of the cross entropy, three classes", laplacian(sympy.log(total)) - (1 - q))
    yield Step("and its Laplacian, with the sums of squares q and of cubes m", sympy.together(laplacian(1 - q) + 2 * (q + 3 * q**2 - 4 * cubes)))
    yield Step("m is at least q^2", sympy.together(cubes - q**2 - sum(p[i] * p[j] * (p[i] - p[j]) ** 2 for i, j in ((0, 1), (0, 2), (1, 2)))))
    x, s, r = sympy.symbols("x s r", positive=True)
    yield Step("so that q + 3 q^2 - 4 m is at most q - q^2, at most 1/4", factor / 4 - (x - x**2) - (x - sympy.Rational(1, 2)) ** 2)
    below = sympy.Poly(sympy.Rational(1, 4) + x**2 + 3 * x**4 - 4 * x**3, x)
    yield Step("m is at most q^(3/2), and 1/4 + q + 3 q^2 - 4 q^(3/2) > 0: no zero, 1/4 at 0", sympy.true if below.count_roots(0, 1) == 0 else sympy.false)
    yield Step("half of it, integrated twice over the variance", sympy.integrate((s**2 - r) / 4 * sympy.Rational(1, 2), (r, 0, s**2)) - s**4 / 16)


@claim(
    "thesis.thm-D.2.1",
    at="Theorem D.2.1",
    tex=r"\Bigl| \mathcal{L}^\sigma - \mathcal{L} - \frac{\sigma^2}{2} \lVert h \rVert^2 \sum_i \hat y_i (1 - \hat y_i) \Bigr| \le \frac{\sigma^4 \lVert h \rVert^4}{16}",
    given=NOISY,
    verdict=Verdict.SURVIVED,
    note="The printed 'approximately' made precise: fourth order, the same constant for every number of classes and every logit, the best one (equal logits, little noise). Where it stops being close: two "
    "equal logits, sigma ||h|| = 1, 2, 4: 4, 27 and 98 % too high, as the smoothed loss grows like sigma and not like its square.",
    strata={"little noise": lambda logits, label, h, sigma: 0 < noise(h, sigma) < 0.1},
    mutants={"one-percent-tighter": tighten(0.01),
             "printed-without-the-half": instead(lambda impl, **case: Comparison(abs(_error(impl, **case) - (impl.curvature.taylor_smoothed_cross_entropy(**case) - impl.curvature.cross_entropy(case["logits"], case["label"]))), "<=", noise(case["h"], case["sigma"]) ** 4 / 16))},
    witnesses=[flat(2, 0.03125), flat(2, 1.0)],
    derivation=_derived_order,
)
def fourth_order(impl: Any, **case: Any) -> Comparison:
    """The expansion is off by at most a sixteenth of the fourth power of the noise of a logit."""
    s = noise(case["h"], case["sigma"])
    return Comparison(abs(_error(impl, **case)), "<=", s * s * s * s / 16, scale=64.0 * (1.0 + float(s) ** 4))


@claim(
    "thesis.thm-D.2.1-tighter",
    at="Theorem D.2.1, its title 'Tighter approximation', for two and three classes",
    tex=r"|\mathcal{L}^\sigma - \text{expansion}| \le \tilde{\mathcal{L}} - \mathcal{L}^\sigma",
    given=NOISY,
    verdict=Verdict.SURVIVED,
    note="For two classes it follows from thesis.thm-7.2.3.classes. Not so for many classes: one logit 8 above 999 equal ones, sigma ||h|| = 4, smoothed 6.149, activation decay 8.289, the expansion 3.801 "
    "(in floating point; balls do at most three classes).",
    strata={"two classes": STRATA["two classes"]},
    mutants={"30-percent-of-the-gap": scale_right(0.3), "the-loss-itself": instead(lambda impl, **case: Comparison(impl.curvature.smoothed_cross_entropy(**case) - impl.curvature.cross_entropy(case["logits"], case["label"]), "<=", impl.curvature.activation_decay(**case) - impl.curvature.smoothed_cross_entropy(**case) - noise(case["h"], case["sigma"]) ** 4 / 8))},
    witnesses=[flat(2, 8.0), flat(3, 0.25)],
)
def nearer_than_the_bound(impl: Any, **case: Any) -> Comparison:
    """The expansion is nearer to the smoothed loss than activation decay is."""
    gap = impl.curvature.activation_decay(**case) - impl.curvature.smoothed_cross_entropy(**case)
    return Comparison(abs(_error(impl, **case)), "<=", gap, scale=64.0 * (1.0 + float(noise(case["h"], case["sigma"])) ** 2))


@claim(
    "thesis.thm-D.2.1-not-a-bound",
    at="Theorem D.2.1, 'the obtained approximation of the smoothed loss is not an upper bound'",
    tex=r"|a_1 - a_2| \ge 3,\ \sigma \lVert h \rVert \le 4 \implies \mathcal{L}^\sigma \ge \text{expansion}",
    given=TWO,
    where=lambda logits, label, h, sigma: abs(logits[0] - logits[1]) >= 3 and noise(h, sigma) <= 4,
    verdict=Verdict.SURVIVED,
    note="It is below the smoothed loss wherever the network is sure, and above it at equal logits.",
    strata={"sure": lambda logits, label, h, sigma: noise(h, sigma) > 0.4 and abs(logits[0] - logits[1]) <= 6},
    mutants={"at-most": instead(lambda impl, **case: Comparison(_error(impl, **case), "<=", 0.0))},
    witnesses=[{"logits": np.array([3.0, 0.0]), "label": 0, "h": np.array([1.0]), "sigma": 0.03125}],
)
def expansion_is_below(impl: Any, **case: Any) -> Comparison:
    """For two logits at least three apart the expansion is a lower bound."""
    return Comparison(_error(impl, **case), ">=", 0.0, scale=64.0)


def _bound(impl: Any, factor: float, **case: Any) -> Comparison:
    c, found = impl.curvature, impl.curvature.smoothed_cross_entropy(**case)
    loss, bound = c.cross_entropy(case["logits"], case["label"]), c.smoothed_cross_entropy_bound(**case)
    less = loss + (bound - loss) * factor
    s = noise(case["h"], case["sigma"])
    return Comparison([found, bound, bound], "<=", [less, c.activation_decay(**case), c.taylor_smoothed_cross_entropy(**case) + s * s * s * s / 8], scale=64.0 * (1 + float(s) ** 4))


@claim(
    "thesis.thm-D.2.1-not-a-bound.upper",
    at="Theorem D.2.1, an upper bound of the same order",
    tex=r"\mathcal{L}^\sigma \le \mathcal{L} + \ln \sum_j \hat y_j e^{\sigma^2 \lVert h \rVert^2 \lVert e_j - v \rVert^2 / 2} \le \tilde{\mathcal{L}}, \qquad v \in \{\hat y, (\tfrac1c, \dots, \tfrac1c)\}",
    given=NOISY,
    verdict=Verdict.SURVIVED,
    note="Jensen's inequality after taking off the mean of the noise with the weights v. The smaller of the two is below activation decay and above the expansion by at most sigma^4 ||h||^4 / 8 (Hoeffding's "
    "lemma): a bound and right to second order at once.",
    strata=STRATA,
    mutants={"one-percent-off-the-penalty": instead(lambda impl, **case: _bound(impl, 0.99, **case))},
    witnesses=[flat(2, 0.03125), flat(3, 0.03125), {"logits": np.array([3.0, 0.0]), "label": 0, "h": np.array([1.0]), "sigma": 0.03125}],
)
def bound_of_second_order(impl: Any, **case: Any) -> Comparison:
    """Jensen's inequality with the right centre bounds the smoothed loss, lies below activation decay and close to the expansion."""
    return _bound(impl, 1.0, **case)
