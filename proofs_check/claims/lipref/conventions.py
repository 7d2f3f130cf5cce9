"""What refimpl promises beyond the sources: which orthogonal matrix, which groups, which ends, and to the last tail."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead, scale_right
from proofs_check.claims._sides import adjoint, largest
from proofs_check.strategies import image_sizes, kernels, square_matrices

SHAPES = ((1, 1), (1, 2), (1, 3), (2, 2))


def _solves(Q: Any, A: Any) -> Comparison:
    return Comparison(Q - A @ Q, "==", np.eye(len(Q)) + A, scale=1.0 + np.abs(np.asarray(A, dtype=complex)).max())


@claim(
    "lipref.cayley-equation",
    at="refimpl.layers.cayley",
    tex=r"(\mathbf{I} - \mathbf{A}) \, \mathbf{Q} = \mathbf{I} + \mathbf{A}, \qquad \mathbf{A} = \mathbf{W} - \mathbf{W}^*",
    given={"W": square_matrices(3, complex_entries=True)},
    where=lambda W: bool(np.abs(W).max() <= 4),
    verdict=Verdict.SURVIVED,
    note="That Q is orthogonal does not tell it from its transpose, nor from the transform of another multiple of A.",
    strata={"skew part not zero": lambda W: len(W) >= 2 and bool(np.any(W != W.conj().T))},
    mutants={"transposed": instead(lambda impl, W: _solves(adjoint(impl.layers.cayley(W)), W - adjoint(W))),
             "half-the-skew-part": instead(lambda impl, W: _solves(impl.layers.cayley(W * 0.5), W - adjoint(W)))},
    witnesses=[{"W": np.array([[0.0, 1.0], [0.0, 0.0]])}],
    adversarial=["W"],
)
def cayley_equation(impl: Any, W: Any) -> Comparison:
    """Which orthogonal matrix the Cayley transform is: the one that solves its equation."""
    return _solves(impl.layers.cayley(W), W - adjoint(W))


def _grouped() -> Any:
    """Kernels of two groups, of one size or of two."""
    def case(parts: Any) -> Any:
        K = np.concatenate([parts[0], parts[0] * parts[1]])
        return st.fixed_dictionaries({
            "K": st.just(K), "n": image_sizes(K, 1, 2), "padding": st.sampled_from(["circular", "zero"])})

    return st.tuples(kernels(1, SHAPES), st.sampled_from([0.0, 1.0, 2.0, -3.0, 0.5])).flatmap(case)


def _of_groups(impl: Any, K: Any, n: Any, padding: str, together: Any) -> Comparison:
    norms = [impl.convolution.conv_spectral_norm(part, n, padding=padding).norm for part in np.split(K, 2)]
    whole = impl.convolution.conv_spectral_norm(K, n, padding=padding, groups=2).norm
    return Comparison(whole, "==", together(norms))


@claim(
    "lipref.grouped-norm",
    at="refimpl.convolution.conv_spectral_norm",
    tex=r"\lVert K_1 \oplus K_2 \rVert = \max(\lVert K_1 \rVert, \lVert K_2 \rVert)",
    given=_grouped(),
    verdict=Verdict.SURVIVED,
    note="The matrix of a grouped convolution is block diagonal. Depthwise layers are the case of one channel a group.",
    strata={"groups that differ": lambda K, **_: bool(K.any()) and not np.array_equal(*np.split(np.abs(K), 2)),
            "groups alike": lambda K, **_: bool(K.any()) and np.array_equal(*np.split(np.abs(K), 2))},
    mutants={"multiplied": instead(lambda impl, K, n, padding: _of_groups(impl, K, n, padding, lambda a: a[0] * a[1])),
             "added": instead(lambda impl, K, n, padding: _of_groups(impl, K * (1 + (np.arange(len(K)) >= len(K) / 2)[:, None, None, None]), n, padding, sum)),
             "one-percent": scale_right(1.01)},
    witnesses=[{"K": np.array([[[[3.0]]], [[[2.0]]]]), "n": (1, 1), "padding": "zero"}],
)
def grouped_norm(impl: Any, K: Any, n: Any, padding: str) -> Comparison:
    """The norm of a grouped convolution is the largest norm of a group, neither a product nor a sum."""
    return _of_groups(impl, K, n, padding, largest)


@claim(
    "lipref.radius-mono-tail",
    at="refimpl.certificates.radius_mono",
    tex=r"R_{\mathrm{mono}}(p) = \sigma \, \Phi^{-1}(p) = R_{\mathrm{mult}}(p, 1 - p), \qquad p = 1 - 2^{-k}",
    given={"k": st.sampled_from([2, 5, 10, 20, 30, 45, 52]), "sigma": st.sampled_from([1.0, 0.25])},
    verdict=Verdict.SURVIVED,
    note="A clipped probability gives a smaller radius, which no inequality of the sources refutes.",
    strata={"within a thousandth of 1": lambda k, sigma: k >= 10, "usual": lambda k, sigma: k < 10},
    mutants={"one-percent": scale_right(1.01),
             "clipped": instead(lambda impl, k, sigma: Comparison(
                 impl.certificates.radius_mono(min(1 - 2.0**-k, 0.7), sigma), "==", impl.certificates.radius_multi(1 - 2.0**-k, 2.0**-k, sigma)))},
    witnesses=[{"k": 52, "sigma": 1.0}],
)
def radius_mono_tail(impl: Any, k: int, sigma: float) -> Comparison:
    """The radius of one class is the quantile itself, however near the probability is to 1."""
    p = 1 - 2.0**-k
    return Comparison(impl.certificates.radius_mono(p, sigma), "==", impl.certificates.radius_multi(p, 2.0**-k, sigma))


def _binomial_tail(p: Any, k: int, n: int) -> Any:
    """P(X >= k), in balls."""
    return sum((p**j * (1 - p) ** (n - j) * math.comb(n, j) for j in range(k, n + 1)), arb(0))


def _ends(impl: Any, counts: Any, alpha: float, used: float) -> Comparison:
    found = impl.certificates.certify_multi(counts, 1.0, used)
    n, (second, first) = sum(counts), sorted(counts)[-2:]
    # The ends are right to eleven digits (lipref.clopper-pearson), a tail of at most 60 samples to nine.
    each = arb(alpha) / (2 * len(counts)) * (1 + 1e-9)
    above = _binomial_tail(arb(float(found.lower)), first, n) if first else arb(0)
    below = _binomial_tail(1 - arb(float(found.upper)), n - second, n) if found.upper < 1 else arb(0)
    return Comparison([above, below], "<=", [each, each])


@claim(
    "lipref.certify-multi-ends",
    at="refimpl.certificates.certify_multi",
    tex=r"\mathbb{P}_{\underline p}(X \ge k_{I_1}) \le \frac{\alpha}{2c}, \qquad \mathbb{P}_{\overline p}(X \le k_{I_2}) \le \frac{\alpha}{2c}",
    given={"counts": st.lists(st.integers(0, 12), min_size=2, max_size=5).filter(any), "alpha": st.sampled_from([0.3, 0.05, 1e-3])},
    verdict=Verdict.SURVIVED,
    note="Without the union bound over c classes the risk of the radius still stays below alpha for few classes and samples, as thesis.sec-6.1.2-multi says: two classes have room to spare. So the ends themselves are checked.",
    strata={"several classes": lambda counts, alpha: len(counts) >= 3 and max(counts) > 1, "two classes": lambda counts, alpha: len(counts) == 2 and min(counts) > 0},
    mutants={"no union bound": instead(lambda impl, counts, alpha: _ends(impl, counts, alpha, min(alpha * len(counts), 0.99))),
             "one percent more risk": instead(lambda impl, counts, alpha: _ends(impl, counts, alpha, 1.01 * alpha))},
    witnesses=[{"counts": [9, 1], "alpha": 0.05}, {"counts": [7, 2, 1], "alpha": 0.05}],
    promise=True,
)
def certify_multi_ends(impl: Any, counts: Any, alpha: float) -> Comparison:
    """Each of the two ends that the radius rests on has its share of the risk, the union bound over classes included."""
    return _ends(impl, counts, alpha, alpha)


MEANS = st.sampled_from([0.25, 0.5, 0.625])
RISKS = st.sampled_from([0.3, 0.05, 1e-3, 1e-10])
INTERVALS = {"mean": MEANS, "n": st.sampled_from([50, 400, 10000]), "alpha": RISKS, "mass": st.sampled_from([1.0, 4.0])}
ROUNDING = 1e-12


def _about(value: float, exact: Any) -> Comparison:
    """A float within ROUNDING of a ball, both ways."""
    return Comparison([arb(value) * (1 - ROUNDING), exact], "<=", [exact, arb(value) * (1 + ROUNDING)])


def _hoeffding(impl: Any, mean: float, n: int, alpha: float, mass: float, used: float) -> Comparison:
    found = impl.confidence.hoeffding(mean * mass, n, used, mass=mass)
    room = mass * ((2 / arb(alpha)).log() / (2 * n)).sqrt()
    return _ends_about(found, mean, mass, room)


def _ends_about(found: Any, mean: float, mass: float, room: Any) -> Comparison:
    low, high = (arb(mean) * mass - room).max(arb(0)), (arb(mean) * mass + room).min(arb(mass))
    # Measured from the far end of the range, so that neither is next to 0.
    one, two = _about(mass - float(found.lower), mass - low), _about(float(found.upper), high)
    return Comparison([*one.lhs, *two.lhs], "<=", [*one.rhs, *two.rhs])


def _inside(mean: float, n: int, alpha: float, mass: float) -> bool:
    return n >= 400 and alpha >= 1e-3


@claim(
    "lipref.hoeffding-ends",
    at="refimpl.confidence.hoeffding",
    tex=r"\hat p \pm r \sqrt{\frac{\ln(2 / \alpha)}{2 n}}",
    given=INTERVALS,
    verdict=Verdict.SURVIVED,
    note="That the interval covers does not say how wide it is; nor would it show a bound off by a permille.",
    strata={"within the range": _inside},
    mutants={"one percent more risk": instead(lambda impl, **case: _hoeffding(impl, used=1.01 * case["alpha"], **case)),
             "one-sided": instead(lambda impl, **case: _hoeffding(impl, used=min(2 * case["alpha"], 0.99), **case))},
    promise=True,
)
def hoeffding_ends(impl: Any, mean: float, n: int, alpha: float, mass: float) -> Comparison:
    """Hoeffding's interval has the printed ends, cut to the range."""
    return _hoeffding(impl, mean, n, alpha, mass, alpha)


def _bernstein(impl: Any, mean: float, n: int, alpha: float, mass: float, used: float) -> Comparison:
    variance = mean * (1 - mean) * mass**2 / 2
    found = impl.confidence.empirical_bernstein(mean * mass, variance, n, used, mass=mass)
    log = (4 / arb(alpha)).log()
    return _ends_about(found, mean, mass, (2 * arb(variance) * log / n).sqrt() + 7 * mass * log / (3 * (n - 1)))


@claim(
    "lipref.empirical-bernstein-ends",
    at="refimpl.confidence.empirical_bernstein",
    tex=r"\hat p \pm \Bigl( \sqrt{\frac{2 V \ln(4/\alpha)}{n}} + \frac{7 r \ln(4/\alpha)}{3 (n - 1)} \Bigr)",
    given=INTERVALS,
    verdict=Verdict.SURVIVED,
    note="As for Hoeffding's: coverage has room for a bound that is off.",
    strata={"within the range": _inside},
    mutants={"one percent more risk": instead(lambda impl, **case: _bernstein(impl, used=1.01 * case["alpha"], **case)),
             "one-sided": instead(lambda impl, **case: _bernstein(impl, used=min(2 * case["alpha"], 0.99), **case))},
    promise=True,
)
def empirical_bernstein_ends(impl: Any, mean: float, n: int, alpha: float, mass: float) -> Comparison:
    """The empirical Bernstein interval has the printed ends, cut to the range."""
    return _bernstein(impl, mean, n, alpha, mass, alpha)


@claim(
    "lipref.bonferroni-share",
    at="refimpl.confidence.bonferroni",
    tex=r"m \cdot \mathrm{bonferroni}(\alpha, m) = \alpha",
    given={"alpha": RISKS, "m": st.integers(1, 40)},
    verdict=Verdict.SURVIVED,
    strata={"several": lambda alpha, m: m >= 2},
    mutants={"one percent": instead(lambda impl, alpha, m: _about(1.01 * impl.confidence.bonferroni(alpha, m), arb(alpha) / m)),
             "m - 1": instead(lambda impl, alpha, m: _about(impl.confidence.bonferroni(alpha, max(m - 1, 1)), arb(alpha) / m))},
    promise=True,
)
def bonferroni_share(impl: Any, alpha: float, m: int) -> Comparison:
    """Each of m statements gets the m-th part of the risk."""
    return _about(impl.confidence.bonferroni(alpha, m), arb(alpha) / m)
