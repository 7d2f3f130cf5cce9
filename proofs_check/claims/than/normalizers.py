"""Lemmas 1, 2, 3 and 23: Lipschitz constants of batch, layer and group normalization."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Kind, Step, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import largest, length
from proofs_check.strategies import dyadics, groupings, vectors

_EPSILON = st.sampled_from([1.0, 0.25, 4.0, 0.0625])
_VARIANCES = vectors(st.integers(1, 4), st.sampled_from([3.0, 0.0, 15.0, 1.0, 8.0]))


def _batch(impl: Any, variance: Any, epsilon: Any) -> Any:
    """The Lipschitz constant from the definition: the norm of the (constant) Jacobian."""
    return impl.spectral.spectral_norm(impl.normalization.batch_norm_jacobian(variance, epsilon=epsilon))


def _reciprocals(variance: Any, epsilon: Any) -> Any:
    return 1 / np.sqrt(np.asarray(variance) + epsilon)


def _variances_small() -> Iterator[Case]:
    for n in (1, 2, 3):
        for variance in itertools.product((0.0, 3.0, 8.0), repeat=n):
            yield {"variance": np.array(variance), "epsilon": 1.0}


def _several(variance: Any, epsilon: Any) -> bool:
    return len(variance) >= 2 and len(set(variance)) >= 2


@claim(
    "than.lemma-1",
    at="Lemma 1 and its proof, with the notation of section 2.2",
    tex=r"\lVert \mathrm{BN} \rVert_{Lip} = \lVert 1/\sigma \rVert_2",
    given={"variance": _VARIANCES, "epsilon": _EPSILON},
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="Population variances are given numbers, so that BN is affine; plain norm bars are l2 and 1/sigma is printed as a vector (section 2.2 and the lemma itself).",
    note="The Jacobian is diagonal, and its norm is the largest entry, not the length of the diagonal, which the proof puts in its place: for variances (3, 3) and epsilon 1 it is 1/2, the l2 norm of (1/2, 1/2) is 0.707. "
    "With two inputs or more the printed value is always too large, so that it stays an upper bound (than.lemma-1.upper-bound) and the corollaries that use it stay true.",
    counterexample={"variance": np.array([3.0, 3.0]), "epsilon": 1.0},
    control={"variance": np.array([3.0]), "epsilon": 1.0},
    amended_by="than.lemma-1.largest",
)
def batch_norm_euclidean(impl: Any, variance: Any, epsilon: Any) -> Comparison:
    """The Lipschitz constant of batch normalization is the l2 norm of the vector 1/sigma."""
    return Comparison(_batch(impl, variance, epsilon), "==", length(_reciprocals(variance, epsilon)))


@claim(
    "than.lemma-1.largest",
    at="Lemma 1, amended",
    tex=r"\lVert \mathrm{BN} \rVert_{Lip} = \lVert 1/\sigma \rVert_\infty = \max_k (\sigma_k^2 + \epsilon)^{-1/2}",
    given={"variance": _VARIANCES, "epsilon": _EPSILON},
    verdict=Verdict.PROVED,
    strata={"two different variances": _several},
    mutants={"one-percent": scale_right(1.01), "smallest-instead": instead(lambda impl, variance, epsilon: Comparison(
        _batch(impl, variance, epsilon), "==", -largest(-_reciprocals(variance, epsilon)))),
        "first-instead": instead(lambda impl, variance, epsilon: Comparison(
            _batch(impl, variance, epsilon), "==", _reciprocals(variance, epsilon)[0])),
        "epsilon-outside-of-the-root": instead(lambda impl, variance, epsilon: Comparison(
            _batch(impl, variance, epsilon), "==", largest(1 / (np.sqrt(np.asarray(variance) + epsilon * 0) + epsilon))))},
    exhaustive=_variances_small,
    derivation=lambda factor: _diagonal(factor),
)
def batch_norm_largest(impl: Any, variance: Any, epsilon: Any) -> Comparison:
    """The Lipschitz constant of batch normalization with given statistics is the largest entry of 1/sigma."""
    return Comparison(
        [_batch(impl, variance, epsilon), impl.normalization.batch_norm_lipschitz(variance, epsilon=epsilon)],
        "==", [largest(_reciprocals(variance, epsilon))] * 2,
    )


def _diagonal(factor: Any) -> Iterator[Step]:
    a, b, x, y = sympy.symbols("a b x y", nonnegative=True)
    gap = factor**2 * (a + b) ** 2 * (x**2 + y**2) - (a**2 * x**2 + (a + b) ** 2 * y**2)
    yield Step("|diag(a, a + b) v|^2 <= (a + b)^2 |v|^2: the difference has no negative coefficient",
               all(c >= 0 for c in sympy.Poly(sympy.expand(gap), a, b, x, y).coeffs()))
    yield Step("with equality along the largest entry", gap.subs(x, 0))


@claim(
    "than.lemma-1.upper-bound",
    at="Lemma 1, what remains true of it",
    tex=r"\lVert \mathrm{BN} \rVert_{Lip} \le \lVert 1/\sigma \rVert_2 \le \sqrt n\, \lVert \mathrm{BN} \rVert_{Lip}",
    given={"variance": _VARIANCES, "epsilon": _EPSILON},
    verdict=Verdict.SURVIVED,
    note="So corollary 10 and what follows from it stay true, up to sqrt(n) looser in every layer.",
    strata={"equal variances": lambda variance, epsilon: len(variance) >= 2 and len(set(variance)) == 1},
    mutants={"root-of-n-forgotten": instead(lambda impl, variance, epsilon: Comparison(
        length(_reciprocals(variance, epsilon)), "<=", _batch(impl, variance, epsilon))),
        "one-percent-tighter": tighten(0.01)},
    witnesses=[{"variance": np.array([3.0, 3.0, 3.0, 3.0]), "epsilon": 1.0}],
    exhaustive=_variances_small,
)
def batch_norm_upper_bound(impl: Any, variance: Any, epsilon: Any) -> Comparison:
    """The l2 norm of 1/sigma is an upper bound, at most sqrt(n) times too large."""
    constant, size = _batch(impl, variance, epsilon), length(_reciprocals(variance, epsilon))
    return Comparison([constant, size], "<=", [size, np.sqrt(constant * 0 + len(variance)) * constant])


@st.composite
def _raised(draw: st.DrawFn) -> Case:
    variance = draw(_VARIANCES)
    step = st.sampled_from([0.0, 0.0, 1.0, 12.0])
    return {"variance": variance, "epsilon": draw(_EPSILON), "rise": np.array([draw(step) for _ in variance])}


@claim(
    "than.sec-3.1-variances",
    at="after Lemma 1: 'An increase in variances will decrease ||BN||_Lip'",
    tex=r"\tau_k \ge \sigma_k^2\ \forall k \Rightarrow \lVert \mathrm{BN}_\tau \rVert_{Lip} = (\min_k \tau_k + \epsilon)^{-1/2} \le \lVert \mathrm{BN}_\sigma \rVert_{Lip}",
    given=_raised(),
    verdict=Verdict.SURVIVED,
    note="It decreases if the least variance does increase, and else stays as it is: larger ones beside it do not count (with the l2 norm that lemma 1 prints every variance does).",
    strata={"the least one rises": lambda variance, rise, epsilon: len(variance) >= 2 and min(variance + rise) > min(variance),
            "another one rises": lambda variance, rise, epsilon: len(variance) >= 2 and min(variance + rise) == min(variance) and bool(np.any(rise))},
    mutants={"one-percent-tighter": tighten(0.01), "mean for the least": instead(lambda impl, variance, epsilon, rise: Comparison(
        _batch(impl, variance + rise, epsilon), "<=", 1 / np.sqrt((np.asarray(variance) + rise).sum() / (epsilon * 0 + len(variance)) + epsilon)))},
    witnesses=[{"variance": np.array([3.0, 3.0]), "epsilon": 1.0, "rise": np.array([0.0, 12.0])}],
)
def rising_variances(impl: Any, variance: Any, epsilon: Any, rise: Any) -> Comparison:
    """The constant of batch normalization does not increase with the variances: the least of them gives it."""
    before, after = (_batch(impl, v, epsilon) for v in (variance, variance + rise))
    least = -largest(-(np.asarray(variance) + rise))
    printed = 1 / np.sqrt(least + epsilon)
    return Comparison([after, after, printed], "<=", [before, printed, after])


_LN = {"x": vectors(st.integers(1, 6)), "epsilon": _EPSILON}


def _spread_out(x: Any, epsilon: Any) -> bool:
    return len(x) >= 3 and len(set(x)) >= 2


def _printed_jacobian(x: Any, epsilon: Any, constant: float = 1.0, ddof: int = 0) -> Any:
    n = len(x)
    one = np.asarray(x)[0] * 0 + 1
    y = x - x.sum() / (one * n)
    size = np.sqrt((y * y).sum() / (one * (n - ddof)) + epsilon)
    radial = np.eye(n) - np.outer(y, y) / ((y * y).sum() + constant * n * epsilon)
    return radial @ (np.eye(n) - np.ones((n, n)) * (one / n)) / size


@claim(
    "than.lemma-23",
    at="Lemma 23",
    tex=r"\frac{\partial \mathrm{LN}}{\partial x} = \frac{1}{\sqrt{\sigma_n^2 + \epsilon}} "
    r"\Bigl(I - \frac{y y^T}{\lVert y \rVert^2 + n\epsilon}\Bigr)\Bigl(I - \frac1n \mathbf 1 \mathbf 1^T\Bigr)",
    given=_LN,
    verdict=Verdict.PROVED,
    note="Symbolic for n = 2 to 5, forward differentiation of the definition in balls beyond. The bold 1 of the source is "
    "the matrix of ones, as it says.",
    strata={"three features, not constant": _spread_out},
    mutants={
        "one-percent": scale_right(1.01),
        "n-epsilon-without-n": instead(lambda impl, x, epsilon: Comparison(
            impl.normalization.layer_norm_jacobian(x, epsilon=epsilon), "==",
            _printed_jacobian(x, epsilon, 1.0 / len(x)))),
        "variance-over-n-1": instead(lambda impl, x, epsilon: Comparison(
            impl.normalization.layer_norm_jacobian(x, epsilon=epsilon), "==", _printed_jacobian(x, epsilon, ddof=1))),
        "no-centring": instead(lambda impl, x, epsilon: Comparison(
            impl.normalization.layer_norm_jacobian(x, epsilon=epsilon), "==",
            _printed_jacobian(x, epsilon) + np.ones((len(x), len(x))) * 0.01)),
    },
    adversarial=["x"],
    derivation=lambda factor: _jacobian_steps(factor),
)
def layer_norm_jacobian(impl: Any, x: Any, epsilon: Any) -> Comparison:
    """The Jacobian of layer normalization is the printed product of three factors."""
    return Comparison(
        impl.normalization.layer_norm_jacobian(x, epsilon=epsilon), "==", _printed_jacobian(x, epsilon),
        1 / np.sqrt(float(epsilon)) if isinstance(epsilon, float) else 0.0,
    )


def _jacobian_steps(factor: Any) -> Iterator[Step]:
    """z_i = y_i / r with r^2 = variance + epsilon: dz/dx = (dy - y dr / r) / r, and r dr = y^T C / n."""
    epsilon = sympy.symbols("epsilon", positive=True)
    for n in (2, 3, 4, 5):
        x = sympy.Matrix(sympy.symbols(f"x1:{n + 1}", real=True))
        centring = sympy.eye(n) - sympy.ones(n, n) / n
        y = centring * x
        square = y.dot(y) / n + epsilon
        # r^3 dz_i/dx_j = r^2 dy_i/dx_j - y_i (d square / dx_j) / 2
        by_rule = (square * y.jacobian(x) - y * sympy.Matrix([square]).jacobian(x) / 2).expand()
        # r^3 times the printed product: r^2 C - (y y^T / n) C
        printed = (factor * (square * sympy.eye(n) - y * y.T / n) * centring).expand()
        yield Step(f"n = {n}: derivative and printed product agree, both times r^3", by_rule - printed)
        yield Step(f"n = {n}: ||y||^2 + n epsilon = n r^2", sympy.expand(y.dot(y) + n * epsilon - n * square))


def _ln_norm(impl: Any, x: Any, epsilon: Any) -> Any:
    return impl.spectral.spectral_norm(impl.normalization.layer_norm_jacobian(x, epsilon=epsilon))


def _variance(x: Any, ddof: int = 0) -> Any:
    one = np.asarray(x)[0] * 0 + 1
    y = x - x.sum() / (one * len(x))
    return (y * y).sum() / (one * (len(x) - ddof))


@claim(
    "than.lemma-2",
    at="Lemma 2, the Jacobian at one input",
    tex=r"\Bigl\lVert \frac{\partial \mathrm{LN}(x)}{\partial x} \Bigr\rVert \le \frac{1}{\sqrt{\sigma_n^2(x) + \epsilon}}",
    given=_LN,
    verdict=Verdict.SURVIVED,
    note="Equality from three features on, and at constant inputs; for two features see than.lemma-2.local.",
    strata={"three features, not constant": _spread_out},
    mutants={"one-percent-tighter": tighten(0.01), "factor-1-1/n": instead(lambda impl, x, epsilon: Comparison(
        _ln_norm(impl, x, epsilon), "<=", (1 - 1.0 / len(x)) / np.sqrt(_variance(x) + epsilon))),
        "variance-over-n-1": instead(lambda impl, x, epsilon: Comparison(
            _ln_norm(impl, x, epsilon), "<=", 1 / np.sqrt(_variance(x, 1) + epsilon)))},
    adversarial=["x"],
    derivation=lambda factor: _projection_steps(factor),
)
def layer_norm_bound(impl: Any, x: Any, epsilon: Any) -> Comparison:
    """Layer normalization expands no perturbation of x by more than 1/sqrt(variance(x) + epsilon)."""
    return Comparison(_ln_norm(impl, x, epsilon), "<=", 1 / np.sqrt(_variance(x) + epsilon))


def _projection_steps(factor: Any) -> Iterator[Step]:
    for n in (2, 3, 4, 5):
        C = sympy.eye(n) - sympy.ones(n, n) / n
        yield Step(f"I - 1 1^T / {n} is an orthogonal projection", C * C - factor * C)
    s, n, e = sympy.symbols("s n epsilon", positive=True)
    yield Step("the radial factor is below 1", sympy.simplify(1 - s / (s + n * e) - n * e / (s + n * e)))


@claim(
    "than.lemma-2.local",
    at="Lemma 2, sharpened",
    tex=r"\Bigl\lVert \frac{\partial \mathrm{LN}}{\partial x} \Bigr\rVert = "
    r"(\sigma_n^2 + \epsilon)^{-1/2}\ (n \ge 3),\quad \epsilon\,(\sigma_n^2 + \epsilon)^{-3/2}\ (n = 2)",
    given=_LN,
    verdict=Verdict.SURVIVED,
    strata={"two features": lambda x, epsilon: len(x) == 2 and x[0] != x[1], "three or more": _spread_out},
    mutants={"one-percent": scale_right(1.01), "n-2-like-n-3": instead(lambda impl, x, epsilon: Comparison(
        impl.spectral.spectral_norm(impl.normalization.layer_norm_jacobian(x, epsilon=epsilon)), "==",
        (epsilon if len(x) >= 3 else _variance(x) + epsilon) / (_variance(x) + epsilon) ** 1.5))},
    adversarial=["x"],
)
def layer_norm_local_norm(impl: Any, x: Any, epsilon: Any) -> Comparison:
    """The norm of the Jacobian is the bound of lemma 2 for three features or more, and smaller for two."""
    size = _variance(x) + epsilon
    exact = {1: size * 0, 2: epsilon / size**1.5}.get(len(x), 1 / np.sqrt(size))
    return Comparison(_ln_norm(impl, x, epsilon), "==", exact, 1 / np.sqrt(float(epsilon)) if isinstance(epsilon, float) else 0.0)


@claim(
    "than.lemma-2.global",
    at="Lemma 2, 'sigma = min over x': what the minimum makes of it",
    tex=r"\lVert \mathrm{LN} \rVert_{Lip} = \epsilon^{-1/2},\quad n \ge 2",
    given={"x": vectors(st.integers(2, 6)), "epsilon": _EPSILON},
    verdict=Verdict.SURVIVED,
    note="The minimum over all x of the variance is 0, at constant x. So the global constant is 1/sqrt(epsilon) (316 for the "
    "usual 1e-5) for every layer normalization, whatever the data: no input variance can lower it.",
    strata={"not constant": lambda x, epsilon: len(set(x)) >= 2},
    mutants={"one-percent": instead(lambda impl, x, epsilon: _global(impl, x, epsilon, 0.99)),
             "divided-by-n": instead(lambda impl, x, epsilon: _global(impl, x, epsilon, 1 - 1.0 / len(x)))},
    adversarial=["x"],
)
def layer_norm_global(impl: Any, x: Any, epsilon: Any) -> Comparison:
    """The Lipschitz constant of layer normalization is 1/sqrt(epsilon), reached at constant inputs."""
    return _global(impl, x, epsilon, 1.0)


def _global(impl: Any, x: Any, epsilon: Any, factor: float) -> Comparison:
    constant = factor * impl.normalization.layer_norm_lipschitz(len(x), epsilon=epsilon)
    at_constant = _ln_norm(impl, x * 0, epsilon)
    return Comparison([_ln_norm(impl, x, epsilon), at_constant, constant], "<=", [constant, constant, at_constant])


@claim(
    "than.lemma-2.summary-factor",
    at="a published summary of the paper: '||LN|| <= (1 - 1/n)/sigma'",
    tex=r"\lVert \mathrm{LN} \rVert_{Lip} \le (1 - 1/n)/\sigma",
    given={"x": vectors(st.integers(2, 4)), "epsilon": _EPSILON},
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="Printed in a summary of the paper by others, not in the paper, whose lemma 2 has no such factor; sigma as in lemma 2, the least deviation over all inputs, and n at least 2.",
    note="The centring is a projection, of norm 1, not 1 - 1/n (its diagonal entries). At x = (0, 0), epsilon = 1 the Jacobian "
    "is [[1/2, -1/2], [-1/2, 1/2]], of norm 1 against 1/2.",
    counterexample={"x": np.array([0.0, 0.0]), "epsilon": 1.0},
    control={"x": np.array([4.0, -4.0]), "epsilon": 1.0},
    amended_by="than.lemma-2.global",
)
def layer_norm_with_a_smaller_factor(impl: Any, x: Any, epsilon: Any) -> Comparison:
    """The Jacobian of layer normalization is bounded by (1 - 1/n)/sqrt(epsilon) everywhere."""
    return Comparison(_ln_norm(impl, x, epsilon), "<=", (1 - 1.0 / len(x)) / np.sqrt(epsilon))


@st.composite
def _grouped(draw: st.DrawFn) -> Case:
    n = draw(st.integers(2, 6))
    order = draw(st.one_of(st.just(list(range(n))), st.permutations(list(range(n)))))  # neighbours, or not
    groups = [[order[i] for i in block] for block in draw(groupings(n))]
    return {"x": draw(vectors(n, dyadics(-2, 2))), "groups": groups, "epsilon": draw(_EPSILON)}


def _gn_norm(impl: Any, x: Any, groups: Any, epsilon: Any) -> Any:
    return impl.spectral.spectral_norm(impl.normalization.group_norm_jacobian(x, groups, epsilon=epsilon))


@claim(
    "than.lemma-3",
    at="Lemma 3",
    tex=r"\lVert \mathrm{GN} \rVert_{Lip} \le \sum_{k=1}^C (\sigma_k^2 + \epsilon)^{-1/2}",
    given=_grouped(),
    verdict=Verdict.SURVIVED,
    note="True and loose: the Jacobian is block diagonal, its norm the largest of the blocks', and every minimum sigma_k^2 "
    "is 0, so the sum is C/sqrt(epsilon) where the constant is 1/sqrt(epsilon). The two sides meet for C = 1 only, hence "
    "the one stratum; the proof announces a second statement that is not there.",
    strata={"one group": lambda x, groups, epsilon: len(groups) == 1},
    mutants={"one-percent-tighter": tighten(0.01), "one-group-less": instead(lambda impl, x, groups, epsilon: Comparison(
        _gn_norm(impl, x * 0, groups, epsilon), "<=", (len(groups) - 1) / np.sqrt(epsilon)))},
    witnesses=[{"x": np.array([0.0, 0.0, 0.0]), "groups": [[0, 1, 2]], "epsilon": 1.0}],
    adversarial=["x"],
)
def group_norm_sum(impl: Any, x: Any, groups: Any, epsilon: Any) -> Comparison:
    """The Lipschitz constant of group normalization is at most the sum of the groups' constants."""
    return Comparison(_gn_norm(impl, x, groups, epsilon), "<=", len(groups) / np.sqrt(epsilon))


@claim(
    "than.lemma-3.largest",
    at="Lemma 3, sharp",
    tex=r"\lVert J_{\mathrm{GN}}(x) \rVert = \max_k \lVert J_{\mathrm{LN}}(x_{S_k}) \rVert,\quad "
    r"\lVert \mathrm{GN} \rVert_{Lip} = \epsilon^{-1/2}",
    given=_grouped(),
    verdict=Verdict.SURVIVED,
    strata={"two groups, not constant": lambda x, groups, epsilon: len(groups) == 2 and len(set(x)) >= 2,
            "groups that are no neighbours": lambda x, groups, epsilon: len(groups) == 2 and sorted(groups[0]) != list(range(len(groups[0]))) and len(set(x)) >= 2},
    mutants={"one-percent": scale_right(1.01), "first-instead": instead(lambda impl, x, groups, epsilon: Comparison(
        _gn_norm(impl, x, groups, epsilon), "==", impl.normalization.layer_norm_jacobian_norm(x[groups[0]], epsilon=epsilon))),
        "sum-instead": instead(lambda impl, x, groups, epsilon: Comparison(
        _gn_norm(impl, x, groups, epsilon), "==",
        sum(impl.normalization.layer_norm_jacobian_norm(x[block], epsilon=epsilon) for block in groups)))},
    adversarial=["x"],
)
def group_norm_largest(impl: Any, x: Any, groups: Any, epsilon: Any) -> Comparison:
    """The norm of the Jacobian of group normalization is the largest of its groups', everywhere and globally."""
    norms = [impl.normalization.layer_norm_jacobian_norm(x[block], epsilon=epsilon) for block in groups]
    return Comparison(
        [_gn_norm(impl, x, groups, epsilon), _gn_norm(impl, x * 0, groups, epsilon)], "==",
        [largest(norms), impl.normalization.group_norm_lipschitz(groups, epsilon=epsilon)],
        1 / np.sqrt(float(epsilon)) if isinstance(epsilon, float) else 0.0,
    )
