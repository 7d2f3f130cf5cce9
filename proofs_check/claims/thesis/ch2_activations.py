"""Thesis 2.1 and B.1: constants of what stands between the linear layers. Activations, pooling, residual sums, BN's gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import length
from proofs_check.strategies import dyadics, matrices, square_matrices, vectors

NAMES = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "silu", "abs", "identity")
PRINTED = ("relu", "sigmoid", "gelu", "tanh")
ROOT_2 = float(np.sqrt(2))
ROOT_SILU = 2.3993572805154677  # x/2 tanh(x/2) = 1

# Where the slope is largest.
STEEPEST = {"relu": 1.0, "leaky_relu": 1.0, "tanh": 0.0, "sigmoid": 0.0, "gelu": ROOT_2, "softplus": 40.0, "silu": ROOT_SILU, "abs": 1.0,
            "identity": 1.0}


def _rise(impl: Any, name: str, x: float, step: float) -> Any:
    """|f(x + h) - f(x - h)|, on numbers that hold x + h and x - h exactly."""
    ends = np.array([x + step, x - step])
    values = impl.layers.activation(ends, name)
    return abs(values[0] - values[1])


@claim(
    "thesis.sec-2.1-activations",
    at="Section 2.1, 'ReLU, sigmoid, or GELU, are 1-Lipschitz'",
    tex=r"|\rho(x + h) - \rho(x - h)| \le 2h",
    given={"name": st.sampled_from(PRINTED), "x": dyadics(-3, 3), "step": st.sampled_from([0.125, 0.25, 0.5])},
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="1-Lipschitz as section 2.1 defines it; the sentence names GELU.",
    note="Not GELU: its slope at sqrt(2) is 1.129. From 1.25 to 1.75 it rises by 0.5637, more than 0.5. ReLU, tanh and the sigmoid (1/4) are.",
    counterexample={"name": "gelu", "x": 1.5, "step": 0.25},
    control={"name": "relu", "x": 1.5, "step": 0.25},
    amended_by="thesis.sec-2.1-activations.constants",
)
def one_lipschitz(impl: Any, name: str, x: float, step: float) -> Comparison:
    """ReLU, sigmoid, tanh and GELU are 1-Lipschitz."""
    return Comparison(_rise(impl, name, x, step), "<=", 2 * step)


@claim(
    "thesis.sec-2.1-activations.constants",
    at="Section 2.1, amended",
    tex=r"|\rho(x + h) - \rho(x - h)| \le 2 h L,\quad L = 1, \max(1, |a|), 1, \tfrac14, 1.1289041451851548, 1, 1.0998393201288669",
    given={"name": st.sampled_from(NAMES), "x": dyadics(-6, 6), "step": st.sampled_from([2.0**-20, 0.125, 0.5])},
    verdict=Verdict.SURVIVED,
    note="ReLU, leaky ReLU, tanh, sigmoid, GELU, softplus, SiLU. In balls the constants are computed as the slope at the zero of the second derivative: sqrt(2) for GELU, "
    "x tanh(x/2) = 2 for SiLU. Attained in the limit of small steps.",
    strata={name: lambda name_=name, **case: case["name"] == name_ for name in NAMES},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"name": name, "x": round(x * 2**20) / 2**20, "step": 2.0**-20} for name, x in STEEPEST.items()],
    # A difference of two values of size 40 over a step of 1e-6.
    rounding=lambda name, x, step: 1e4 * (8 + abs(x)) / step,
)
def constants(impl: Any, name: str, x: float, step: float) -> Comparison:
    """Every activation has the stated Lipschitz constant, and it is the smallest."""
    return Comparison(_rise(impl, name, x, step), "<=", 2 * step * impl.layers.activation_lipschitz(name))


@claim(
    "thesis.sec-2.1-activations.digits",
    at="Section 2.1, amended, the digits",
    tex=r"L_{\mathrm{GELU}} = \Phi(\sqrt2) + \frac{1}{e \sqrt\pi},\quad L_{\mathrm{SiLU}} = \tfrac12 + \tfrac{x}{4},\ \tfrac{x}{2} \tanh \tfrac{x}{2} = 1",
    given={"name": st.sampled_from(NAMES), "slope": st.sampled_from([0.01, -2.0, 1.0])},
    verdict=Verdict.SURVIVED,
    note="The floats agree with the balls to the last bit or two.",
    strata={"GELU": lambda name, slope: name == "gelu", "SiLU": lambda name, slope: name == "silu", "leaky": lambda name, slope: name == "leaky_relu"},
    mutants={"1e-14": instead(lambda impl, name, slope: _digits(impl, name, slope, 1 + 1e-14))},
    promise=True,
)
def digits(impl: Any, name: str, slope: float) -> Comparison:
    """The constants are right to fifteen digits."""
    return _digits(impl, name, slope, 1.0)


def _digits(impl: Any, name: str, slope: float, factor: float) -> Comparison:
    found = impl.layers.activation_lipschitz(name, slope=slope) * factor
    exact = impl.exact.layers.activation_lipschitz(name, slope=slope)
    return Comparison([exact * (1 - 2.0**-51), exact * 0 + found], "<=", [exact * 0 + found, exact * (1 + 2.0**-51)])


def _max_pool(x: Any, k: int, stride: int) -> Any:
    values = [x[i : i + k] for i in range(0, len(x) - k + 1, stride)]
    out = []
    for window in values:
        top = window[0]
        for v in window[1:]:
            top = (top + v + abs(top - v)) * 0.5  # the larger one, in floats and balls alike
        out.append(top)
    return np.array(out)


def _pools(**rest: Any) -> Any:
    return st.integers(2, 6).flatmap(lambda n: st.fixed_dictionaries({
        "x": vectors(n, st.integers(-4, 4).map(float)), "y": vectors(n, st.integers(-4, 4).map(float)), "k": st.integers(1, n), "stride": st.integers(1, 3)}
        | rest))


def _pooled(impl: Any, x: Any, y: Any, k: int, stride: int, constant: Any) -> Comparison:
    return Comparison(length(_max_pool(x, k, stride) - _max_pool(y, k, stride)), "<=", constant * length(x - y))


@claim(
    "thesis.app-B.1-pooling",
    at="Appendix B.1, 'pooling layers ... are conservatively assumed to have a Lipschitz constant of 1'",
    tex=r"\lVert \operatorname{maxpool}(\mathbf{x}) - \operatorname{maxpool}(\mathbf{y}) \rVert_2 \le \lVert \mathbf{x} - \mathbf{y} \rVert_2",
    given=_pools(),
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="2-norm of images; windows may overlap, as those of the ResNets that the appendix is about: their first pool is 3 x 3 with stride 2.",
    note="Not where windows overlap: a pixel that is the maximum of several counts several times. Windows of 2, step 1, (0, 1, 0) against 0: (1, 1) has length sqrt(2). The "
    "3 x 3 pooling of stride 2 that ResNets begin with has the constant 2, so their PUB in tables 4.1 and 4.2 is too small by that factor.",
    counterexample={"x": np.array([0.0, 1.0, 0.0]), "y": np.zeros(3), "k": 2, "stride": 1},
    control={"x": np.array([0.0, 1.0, 0.0, 0.0]), "y": np.zeros(4), "k": 2, "stride": 2},
    amended_by="thesis.app-B.1-pooling.overlap",
)
def pooling_is_one_lipschitz(impl: Any, x: Any, y: Any, k: int, stride: int) -> Comparison:
    """Max-pooling is 1-Lipschitz."""
    return _pooled(impl, x, y, k, stride, 1.0)


@claim(
    "thesis.app-B.1-pooling.overlap",
    at="Appendix B.1, max-pooling, amended",
    tex=r"L(\operatorname{maxpool}) = \sqrt{\max_p \#\{\text{windows that hold pixel } p\}}",
    given=_pools(),
    verdict=Verdict.SURVIVED,
    note="|max a - max b| <= max |a - b|, summed over the windows; attained by a single bright pixel. In two dimensions the counts multiply.",
    strata={"overlapping": lambda x, y, k, stride: stride < k and len(x) > k and bool(np.any(np.asarray(x) != np.asarray(y))),
            "not overlapping": lambda x, y, k, stride: stride >= k and bool(np.any(np.asarray(x) != np.asarray(y)))},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"x": np.array([0.0, 1.0, 0.0]), "y": np.zeros(3), "k": 2, "stride": 1},
               {"x": np.array([0.0, 0.0, 1.0, 0.0, 0.0]), "y": np.zeros(5), "k": 3, "stride": 2},
               {"x": np.array([0.0, 1.0, 0.0, 0.0]), "y": np.zeros(4), "k": 2, "stride": 2}],
    adversarial=["x", "y"],
)
def overlapping_pooling(impl: Any, x: Any, y: Any, k: int, stride: int) -> Comparison:
    """Max-pooling has as constant the root of the largest number of windows that share a pixel."""
    return _pooled(impl, x, y, k, stride, impl.network.pooling_lipschitz("max", (1, len(x)), (1, k), (1, stride)))


def _mean_matrix(n: Any, k: Any, stride: Any) -> Any:
    rows = []
    for u in range(0, n[0] - k[0] + 1, stride[0]):
        for v in range(0, n[1] - k[1] + 1, stride[1]):
            window = np.zeros(n)
            window[u : u + k[0], v : v + k[1]] = 1.0
            rows.append(window.ravel())
    return np.array(rows)


WINDOWS = {"k": st.tuples(st.integers(1, 2), st.integers(1, 3)), "more": st.tuples(st.integers(0, 2), st.integers(0, 3)),
           "stride": st.tuples(st.integers(1, 2), st.integers(1, 3))}


def _overlaps(k: Any, more: Any, stride: Any) -> bool:
    return bool(stride[1] < k[1] and more[1] >= 1)


def _average(impl: Any, k: Any, more: Any, stride: Any) -> Any:
    return impl.network.pooling_lipschitz("average", (k[0] + more[0], k[1] + more[1]), k, stride)


@claim(
    "thesis.app-B.1-average",
    at="Appendix B.1, average pooling, 'a Lipschitz constant of 1'",
    tex=r"L(\operatorname{avgpool}) \le 1",
    given=WINDOWS,
    verdict=Verdict.SURVIVED,
    note="An upper bound for average pooling, overlapping or not. Reached by windows of one pixel; windows of k pixels that tile have k^(-1/2).",
    strata={"overlapping": _overlaps},
    mutants={"tenth-tighter": tighten(0.1)},
    witnesses=[{"k": (1, 1), "more": (1, 2), "stride": (1, 1)}, {"k": (1, 2), "more": (0, 3), "stride": (1, 1)}],
)
def average_pooling(impl: Any, k: Any, more: Any, stride: Any) -> Comparison:
    """Average pooling is 1-Lipschitz."""
    return Comparison(_average(impl, k, more, stride), "<=", 1.0)


@claim(
    "thesis.app-B.1-average.norm",
    at="Appendix B.1, average pooling, the constant",
    tex=r"L(\operatorname{avgpool}) = \lVert \mathbf{M} \rVert_2,\quad \mathbf{M} \text{ the matrix of means}",
    given=WINDOWS,
    verdict=Verdict.SURVIVED,
    strata={"overlapping": _overlaps},
    mutants={"one-percent": scale_right(1.01)},
)
def average_pooling_norm(impl: Any, k: Any, more: Any, stride: Any) -> Comparison:
    """The constant of average pooling is the spectral norm of its matrix."""
    matrix = _mean_matrix((k[0] + more[0], k[1] + more[1]), k, stride)
    return Comparison(_average(impl, k, more, stride), "==", impl.spectral.spectral_norm(matrix) / (k[0] * k[1]))


@claim(
    "thesis.app-B.1-residual",
    at="Appendix B.1, residual connections",
    tex=r"\lVert \mathbf{I} + \mathbf{W} \rVert_2 \le \lVert \mathbf{W} \rVert_2 + 1",
    given={"W": square_matrices(3)},
    verdict=Verdict.SURVIVED,
    note="For linear main paths; the general case is the triangle inequality. Equality where W has a leading singular vector with itself as image.",
    strata={"two rows": lambda W: len(W) >= 2 and np.linalg.matrix_rank(W) >= 2},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"W": np.diag([3.0, 1.0])}],
    adversarial=["W"],
)
def residual_sum(impl: Any, W: Any) -> Comparison:
    """A residual connection adds 1 to the Lipschitz constant at most."""
    return Comparison(impl.spectral.spectral_norm(W + np.eye(len(W))), "<=", impl.spectral.spectral_norm(W) + 1)


@claim(
    "thesis.sec-2.1-radius",
    at="Section 2.1, spectral radius",
    tex=r"\rho(\mathbf{W}) \le \lVert \mathbf{W} \rVert_2",
    given={"W": square_matrices(3)},
    verdict=Verdict.SURVIVED,
    strata={"two rows": lambda W: len(W) >= 2 and np.linalg.matrix_rank(W) >= 2},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"W": np.diag([3.0, 1.0])}],
    # The eigenvalues of a defective matrix move by a root of the rounding: only balls decide.
    rounding=lambda W: float("inf"),
)
def radius_and_norm(impl: Any, W: Any) -> Comparison:
    """The spectral radius is at most the spectral norm."""
    return Comparison(impl.spectral.spectral_radius(W), "<=", impl.spectral.spectral_norm(W))


@claim(
    "thesis.sec-2.1-radius.normal",
    at="Section 2.1, spectral radius, normal matrices",
    tex=r"\mathbf{W}^\top \mathbf{W} = \mathbf{W} \mathbf{W}^\top \implies \rho(\mathbf{W}) = \lVert \mathbf{W} \rVert_2",
    given={"W": square_matrices(3), "sign": st.sampled_from([1.0, -1.0])},
    verdict=Verdict.SURVIVED,
    note="On W + W^T and W - W^T, which are normal.",
    strata={"two rows": lambda W, sign: len(W) >= 2 and bool(np.any(W + sign * np.asarray(W).T))},
    mutants={"one-percent": scale_right(1.01),
             "any-matrix": instead(lambda impl, W, sign: Comparison(
                 impl.spectral.spectral_radius(W), "==", impl.spectral.spectral_norm(W)))},
    adversarial=["W"],
)
def radius_of_normal_matrices(impl: Any, W: Any, sign: float) -> Comparison:
    """For normal matrices the spectral radius is the spectral norm."""
    S = W + sign * np.asarray(W).T
    return Comparison(impl.spectral.spectral_radius(S), "==", impl.spectral.spectral_norm(S))


def _gradients(impl: Any, x: Any, g: Any, epsilon: float) -> Comparison:
    m = len(x)
    batch = np.asarray(x).reshape(-1, 1)
    J = impl.normalization.batch_norm_training_jacobian(batch, epsilon=epsilon)[:, 0, :, 0]
    y = impl.normalization.batch_norm_training(batch, epsilon=epsilon)[:, 0]
    mean = np.asarray(x).sum() / m
    variance = ((x - mean) * (x - mean)).sum() / m + epsilon
    left = g @ J
    ones, along = g.sum(), (g * y).sum()
    inner = (g * g).sum() - (ones * ones + along * along) / m
    return Comparison((left * left).sum(), "<=", inner / variance, scale=float(100 * m))


@claim(
    "thesis.sec-2.1-BN-gradient",
    at="Section 2.1.1, the gradient inequality of Santurkar et al.",
    tex=r"\lVert \nabla_{\mathbf{y}} \hat{\mathcal{L}} \rVert^2 \le \frac{\gamma^2}{\sigma^2} \Bigl(\lVert \nabla \mathcal{L} \rVert^2 - \tfrac1m \langle \mathbf{1}, \nabla \mathcal{L} \rangle^2 - "
    r"\tfrac1m \langle \nabla \mathcal{L}, \hat{\mathbf{y}} \rangle^2\Bigr)",
    given={"x": vectors(3, st.integers(-4, 4).map(float)), "g": vectors(3), "epsilon": st.sampled_from([0.0, 0.25, 1.0])},
    where=lambda x, g, epsilon: epsilon > 0 or len(set(np.asarray(x).tolist())) > 1,
    verdict=Verdict.SURVIVED,
    note="With the gradient by the output of BN on the right, sigma^2 = variance + epsilon, gamma = 1. An equality for epsilon = 0, since the Jacobian is a projection "
    "over sigma; powers and the 1/m are right as printed.",
    strata={"no epsilon": lambda x, g, epsilon: epsilon == 0 and bool(np.any(g)), "epsilon": lambda x, g, epsilon: epsilon > 0 and bool(np.any(g))},
    mutants={"ten-percent-tighter": tighten(0.1)},
    witnesses=[{"x": np.array([1.0, 0.0, -1.0]), "g": np.array([1.0, 0.0, 1.0]), "epsilon": 0.0},
               {"x": np.array([1.0, 0.0, -1.0]), "g": np.array([1.0, -2.0, 1.0]), "epsilon": 0.25}],
)
def gradient_through_batch_norm(impl: Any, x: Any, g: Any, epsilon: float) -> Comparison:
    """The squared gradient before batch normalization is at most the projected one after it over the variance."""
    return _gradients(impl, x, g, epsilon)


@claim(
    "thesis.def-2.1.1",
    at="Definition 2.1.1, remark",
    tex=r"L(f, \mathcal{B}) \ge \sup_{\mathbf{x} \in \mathcal{B}} \lVert J_f(\mathbf{x}) \rVert:\quad "
    r"\lVert J_f(\mathbf{x}) \mathbf{v} \rVert = \lim_h \lVert f(\mathbf{x} + h \mathbf{v}) - f(\mathbf{x}) \rVert / h",
    given={"W": matrices(3), "x": vectors(3), "y": vectors(3)},
    where=lambda W, x, y: np.shape(W)[1] == 3 and bool(np.any(np.asarray(x) != np.asarray(y))),
    verdict=Verdict.SURVIVED,
    note="For f(x) = W x, where the supremum is attained by the pair along the leading singular vector; networks: than.lemma-5 and theorem 6.",
    strata={"rank 2": lambda W, x, y: np.linalg.matrix_rank(W) >= 2},
    mutants={"half": scale_right(0.5)},
    witnesses=[{"W": np.diag([2.0, 1.0, 1.0]), "x": np.array([1.0, 0.0, 0.0]), "y": np.zeros(3)}],
    adversarial=["x", "y"],
)
def quotient_of_a_linear_map(impl: Any, W: Any, x: Any, y: Any) -> Comparison:
    """A difference quotient of a linear map is at most its spectral norm."""
    return Comparison(length(W @ (x - y)), "<=", impl.spectral.spectral_norm(W) * length(x - y))
