"""Thesis 2.1.3: orthogonal layers. Cayley, SOC, Bjorck, RKO, BCOP; dense and circular convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Step, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import adjoint, length
from proofs_check.strategies import kernels, matrices, square_matrices, vectors

SQUARE_KERNELS = kernels(2, ((1, 1), (1, 2), (2, 2))).filter(lambda K: K.shape[0] == K.shape[1])


def _rotates(W: Any, **_: Any) -> bool:
    """The skew part is not zero."""
    W = np.asarray(W)
    return len(W) >= 2 and bool(np.any(W != W.conj().T))


def _orthogonal(Q: Any) -> Comparison:
    return Comparison(adjoint(Q) @ Q, "==", np.eye(np.shape(Q)[1]), scale=1.0)


def _bounded(W: Any, **_: Any) -> bool:
    return float(np.abs(W).max()) <= 4


@claim(
    "thesis.sec-2.1.3-cayley",
    at="Section 2.1.3, Cayley transform",
    tex=r"\mathbf{A} = -\mathbf{A}^* \implies (\mathbf{I} - \mathbf{A})^{-1} (\mathbf{I} + \mathbf{A}) \text{ is orthogonal}",
    given={"W": square_matrices(3, complex_entries=True)},
    where=_bounded,
    verdict=Verdict.PROVED,
    note="A = W - W^*; I - A is never singular. Proved symbolically for real 2 x 2 and 3 x 3 matrices.",
    strata={"skew part not zero": _rotates},
    mutants={"one-percent": scale_right(1.01),
             "half-the-numerator": instead(lambda impl, W: _orthogonal((impl.layers.cayley(W) + np.eye(len(W))) * 0.5))},
    adversarial=["W"],
    derivation=lambda factor: _cayley_steps(factor),
)
def cayley(impl: Any, W: Any) -> Comparison:
    """The Cayley transform of a skew matrix is orthogonal."""
    return _orthogonal(impl.layers.cayley(W))


def _cayley_steps(factor: Any) -> Iterator[Step]:
    for n in (2, 3):
        A = sympy.zeros(n, n)
        for i in range(n):
            for j in range(i):
                A[i, j] = sympy.Symbol(f"a{i}{j}", real=True)
                A[j, i] = -A[i, j]
        left = (sympy.eye(n) + A).T * (sympy.eye(n) + A)
        right = (sympy.eye(n) - A).T * (sympy.eye(n) - A)
        yield Step(f"(I + A)^T (I + A) = (I - A)^T (I - A) for every skew {n} x {n} matrix, so the fraction keeps lengths",
                   (left - factor * right).expand())


@claim(
    "thesis.sec-2.1.3-cayley-rectangular",
    at="Section 2.1.3, Cayley transform of a pair",
    tex=r"\mathbf{P}^\top \mathbf{P} + \mathbf{Q}^\top \mathbf{Q} = \mathbf{I},\quad "
    r"\mathbf{P} = (\mathbf{I} + \mathbf{Z})^{-1} (\mathbf{I} - \mathbf{Z}),\ \mathbf{Q} = -2 \mathbf{V} (\mathbf{I} + \mathbf{Z})^{-1}",
    given=matrices(3).flatmap(lambda V: st.fixed_dictionaries({
        "V": st.just(V), "W": st.lists(st.integers(-2, 2).map(float), min_size=V.shape[1] ** 2, max_size=V.shape[1] ** 2).map(
            lambda entries: np.array(entries).reshape(V.shape[1], V.shape[1]))})),
    verdict=Verdict.PROVED,
    note="As printed. Proved symbolically for 2 columns and 1 or 2 rows of V.",
    strata={"two columns, both parts": lambda V, W: np.shape(V)[1] >= 2 and bool(np.any(V)) and _rotates(W)},
    mutants={"one-percent": scale_right(1.01),
             "factor-one": instead(lambda impl, V, W: _pair(impl, V, W, 0.5))},
    adversarial=["V", "W"],
    derivation=lambda factor: _pair_steps(factor),
)
def cayley_of_a_pair(impl: Any, V: Any, W: Any) -> Comparison:
    """The two blocks of the rectangular Cayley transform have orthonormal columns together."""
    return _pair(impl, V, W, 1.0)


def _pair(impl: Any, V: Any, W: Any, factor: float) -> Comparison:
    upper, lower = impl.layers.cayley_rectangular(W, V)
    lower = lower * factor
    return Comparison(upper.T @ upper + lower.T @ lower, "==", np.eye(len(upper)), scale=1.0)


def _pair_steps(factor: Any) -> Iterator[Step]:
    W = sympy.Matrix(2, 2, sympy.symbols("a b c d", real=True))
    for rows in (1, 2):
        V = sympy.Matrix(rows, 2, sympy.symbols(f"v:{2 * rows}", real=True))
        Z = W - W.T + V.T * V
        one = sympy.eye(2)
        yield Step(f"(I - Z)^T (I - Z) + 4 V^T V = (I + Z)^T (I + Z), V with {rows} rows",
                   ((one - Z).T * (one - Z) + 4 * V.T * V - factor * (one + Z).T * (one + Z)).expand())


@claim(
    "thesis.sec-2.1.3-SOC",
    at="Section 2.1.3, skew orthogonal convolutions",
    tex=r"\mathbf{A} = \mathbf{Q}^\top - \mathbf{Q} \implies \exp(\mathbf{A}) \text{ is orthogonal}",
    given={"W": square_matrices(3, complex_entries=True)},
    where=_bounded,
    verdict=Verdict.SURVIVED,
    note="The exact exponential.",
    strata={"skew part not zero": _rotates},
    mutants={"one-percent": scale_right(1.01), "six-terms": instead(lambda impl, W: _orthogonal(impl.layers.skew_exponential(W, 6)))},
    adversarial=["W"],
)
def skew_exponential(impl: Any, W: Any) -> Comparison:
    """The exponential of a skew matrix is orthogonal."""
    return _orthogonal(impl.layers.skew_exponential(W))


def _truncation(impl: Any, W: Any, terms: int, more: int) -> Comparison:
    partial = impl.layers.skew_exponential(W, terms)
    gap = impl.spectral.spectral_norm(partial - impl.layers.skew_exponential(W))
    size = impl.spectral.spectral_norm(W - adjoint(W))
    error = size ** (terms + more)
    for j in range(1, terms + 1 + more):
        error = error / j
    return Comparison([gap, impl.spectral.spectral_norm(partial)], "<=", [error, 1 + error], scale=1.0)


@claim(
    "thesis.sec-2.1.3-SOC-truncated.error",
    at="Section 2.1.3, truncation, amended",
    tex=r"\Bigl\lVert \sum_{j<k} \mathbf{A}^j / j! - e^{\mathbf{A}} \Bigr\rVert_2 \le \frac{\lVert \mathbf{A} \rVert_2^k}{k!}",
    given={"W": square_matrices(2), "terms": st.integers(1, 6)},
    where=lambda W, terms: _bounded(W) and bool(np.any(W != np.asarray(W).T)),
    verdict=Verdict.SURVIVED,
    note="No factor e^||A||, since the eigenvalues are imaginary: |e^(ix) - the sum| <= |x|^k / k!. So k terms are (1 + ||A||^k / k!)-Lipschitz.",
    strata={"skew part not zero": _rotates},
    mutants={"half": scale_right(0.5), "next-term": instead(lambda impl, W, terms: _truncation(impl, W, terms, 1))},
    witnesses=[{"W": np.array([[0.0, 0.125], [0.0, 0.0]]), "terms": k} for k in (1, 2, 3)],
    adversarial=["W"],
)
def truncation_error(impl: Any, W: Any, terms: int) -> Comparison:
    """A partial sum of k terms is off by at most ||A||^k / k!."""
    return _truncation(impl, W, terms, 0)


def _cubic(impl: Any, s: Any, n_iter: int, factor: float) -> Comparison:
    W = np.diag(np.asarray(s))
    expected = s
    for _ in range(n_iter):
        expected = [factor * v * (3 - v * v) for v in expected]
    return Comparison(np.diag(impl.layers.bjorck(W, n_iter)), "==", expected)


@claim(
    "thesis.sec-2.1.3-bjorck",
    at="Section 2.1.3, BCOP, the iteration of Bjorck and Bowie",
    tex=r"\mathbf{W} \leftarrow \mathbf{W} (\mathbf{I} + \tfrac12 (\mathbf{I} - \mathbf{W}^* \mathbf{W})):\ \sigma \mapsto \tfrac12 \sigma (3 - \sigma^2); "
    r"\ \sigma_1 \le \sqrt3 \implies \sigma_1 \le 1 \text{ from then on}",
    given={"W": matrices(2).map(lambda W: W / 8), "n_iter": st.integers(1, 3)},
    where=lambda W, n_iter: float(np.linalg.norm(W, 2)) <= 1.7,
    verdict=Verdict.PROVED,
    note="The map of the singular values has its maximum 1 on [0, sqrt 3] at 1: a guarantee at every step, not only in the limit.",
    strata={"rank 2": lambda W, n_iter: np.linalg.matrix_rank(W) == 2},
    mutants={"half": scale_right(0.5)},
    witnesses=[{"W": np.diag([1.0, 0.5]), "n_iter": 2}],
    adversarial=["W"],
    derivation=lambda factor: _bjorck_steps(factor),
)
def bjorck(impl: Any, W: Any, n_iter: int) -> Comparison:
    """From a norm of at most the root of 3 on, the iterates of Bjorck are contractions, and singular values do not fall."""
    return Comparison(impl.spectral.spectral_norm(impl.layers.bjorck(W, n_iter)), "<=", 1.0)


def _bjorck_steps(factor: Any) -> Iterator[Step]:
    s = sympy.symbols("s", positive=True)
    f = s * (3 - s**2) / 2
    yield Step("1 - f(s) = (1 - s)^2 (2 + s) / 2 >= 0, so f <= 1", sympy.expand(1 - f - factor * (1 - s) ** 2 * (2 + s) / 2))
    yield Step("f >= 0 up to the root of 3, where it vanishes", f.subs(s, sympy.sqrt(3)))


@claim(
    "thesis.sec-2.1.3-bjorck.values",
    at="Section 2.1.3, the iteration of Bjorck and Bowie, singular values",
    tex=r"\sigma \mapsto \tfrac12 \sigma (3 - \sigma^2)",
    given={"s": vectors(3, st.integers(0, 12).map(lambda k: k / 8)), "n_iter": st.integers(1, 3)},
    verdict=Verdict.SURVIVED,
    note="For diagonal matrices; others have the same singular values as their diagonal form.",
    strata={"not 0 nor 1": lambda s, n_iter: any(v not in (0.0, 1.0) for v in np.asarray(s).tolist())},
    mutants={"one-percent": scale_right(1.01), "factor": instead(lambda impl, s, n_iter: _cubic(impl, s, n_iter, 0.49))},
    adversarial=["s"],
)
def bjorck_values(impl: Any, s: Any, n_iter: int) -> Comparison:
    """Each singular value follows s (3 - s^2) / 2."""
    return _cubic(impl, s, n_iter, 0.5)


def _full_rank(K: Any, **_: Any) -> bool:
    matrix = np.asarray(K).reshape(len(K), -1)
    sigma = np.linalg.svd(matrix, compute_uv=False)
    return bool(sigma[-1] > 1e-3 * max(1.0, sigma[0]))


@claim(
    "thesis.sec-2.1.3-RKO",
    at="Section 2.1.3, RKO, 'up to a scaling factor'",
    tex=r"\sigma_1(\mathbf{W}_K) \le \sqrt{k_h k_w}\, \lVert K_{c_o \times c_i k_h k_w} \rVert_2",
    given={"K": kernels(2, ((1, 1), (1, 2), (1, 3), (2, 2))), "n": st.integers(1, 4).map(lambda n: (1, n)) | st.just((3, 3)),
           "padding": st.sampled_from(("circular", "zero"))},
    where=lambda K, n, padding: _full_rank(K) and (np.shape(K)[2] > 1) == (n[0] > 1),
    verdict=Verdict.SURVIVED,
    note="The factor is the root of the number of taps (k for a k x k kernel), and it is sharp: ones, going round. So the orthogonalized kernel over that root "
    "is a contraction for every size and padding; orthogonal it is not: (1, 1)/2 has the density cos(w/2).",
    strata={"two taps or more": lambda K, n, padding: np.shape(K)[3] >= 2 and np.count_nonzero(K) >= 2},
    mutants={"one-percent-tighter": tighten(0.01),
             "without-the-root": instead(lambda impl, K, n, padding: Comparison(
                 _rko(impl, K, n, padding) * float(np.sqrt(K[0, 0].size)), "<=", 1.0))},
    witnesses=[{"K": np.ones((1, 1, 1, 3)), "n": (1, 4), "padding": "circular"}, {"K": np.ones((1, 2, 1, 2)), "n": (1, 2), "padding": "circular"}],
    adversarial=["K"],
)
def reshaped_kernel(impl: Any, K: Any, n: Any, padding: str) -> Comparison:
    """The kernel with orthogonal reshaped matrix, over the root of its taps, is a contraction."""
    return Comparison(_rko(impl, K, n, padding), "<=", 1.0, scale=1.0)


def _rko(impl: Any, K: Any, n: Any, padding: str) -> Any:
    return impl.convolution.conv_spectral_norm(impl.layers.reshaped_kernel_orthogonalization(K), n, padding=padding).norm


def _orthogonal_convolution(impl: Any, K: Any, n: Any, **how: Any) -> Comparison:
    W = impl.convolution.circulant_matrix(K, n, **how)
    return Comparison(W.T @ W, "==", np.eye(np.shape(W)[1]), scale=1.0)


def _mixing(K: Any, **_: Any) -> bool:
    return bool(np.shape(K)[0] >= 2 and np.count_nonzero(K) >= 3 and np.shape(K)[3] >= 2)


@claim(
    "thesis.sec-2.1.3-cayley-convolution",
    at="Section 2.1.3, Cayley transform 'in the Fourier domain'",
    tex=r"\mathbf{D}_{u,v} \mapsto \operatorname{Cayley}(\mathbf{D}_{u,v}) \implies \mathbf{W}_{\mathrm{circ}} \text{ orthogonal}",
    given={"K": SQUARE_KERNELS, "n": st.tuples(st.integers(1, 2), st.integers(2, 4))},
    where=lambda K, n: _bounded(K),
    verdict=Verdict.SURVIVED,
    note="At the size of the transform only: see thesis.prop-3.7.2 for other sizes and zero padding.",
    strata={"two channels, two taps": _mixing},
    mutants={"one-percent": scale_right(1.01),
             "one-pixel-more": instead(lambda impl, K, n: _orthogonal_convolution(
                 impl, impl.layers.cayley_convolution(K, n), (n[0], n[1] + 1), anchor=0))},
)
def cayley_convolution(impl: Any, K: Any, n: Any) -> Comparison:
    """The Cayley transform of every frequency block gives an orthogonal circular convolution."""
    return _orthogonal_convolution(impl, impl.layers.cayley_convolution(K, n), n, anchor=0)


@claim(
    "thesis.sec-2.1.3-SOC-convolution",
    at="Section 2.1.3, SOC for circular convolutions",
    tex=r"\mathbf{D}_{u,v} \mapsto e^{\mathbf{D}_{u,v} - \mathbf{D}_{u,v}^*} \implies \mathbf{W}_{\mathrm{circ}} \text{ orthogonal}",
    given={"K": SQUARE_KERNELS, "n": st.tuples(st.integers(1, 2), st.integers(2, 3))},
    where=lambda K, n: _bounded(K) and float(np.abs(K).sum()) <= 16,
    verdict=Verdict.SURVIVED,
    note="The exact exponential, at the size of the transform.",
    strata={"two channels, two taps": _mixing},
    mutants={"one-percent": scale_right(1.01),
             "five-terms": instead(lambda impl, K, n: _orthogonal_convolution(
                 impl, impl.layers.skew_orthogonal_convolution(K, n, 5), n, anchor=0))},
)
def skew_orthogonal_convolution(impl: Any, K: Any, n: Any) -> Comparison:
    """The exponential of the skew part of every block gives an orthogonal circular convolution."""
    return _orthogonal_convolution(impl, impl.layers.skew_orthogonal_convolution(K, n), n, anchor=0)


def _columns() -> Any:
    column = st.tuples(st.integers(-2, 2), st.integers(-2, 2)).map(lambda v: np.array(v, dtype=float).reshape(2, 1))
    return st.lists(st.tuples(column, column), min_size=1, max_size=2)


@claim(
    "thesis.sec-2.1.3-BCOP",
    at="Section 2.1.3, BCOP",
    tex=r"K = H \ast [P_1, I - P_1] \ast [Q_1; I - Q_1] \ast \dots \implies \mathbf{W}_{\mathrm{circ}}(n) \text{ orthogonal for } n \ge k",
    given={"swap": st.booleans(), "directions": _columns(), "more": st.integers(0, 1)},
    verdict=Verdict.SURVIVED,
    note="Two channels, one or two enlargements, projectors of rank 0 and 1. Orthogonal at every size of at least the kernel's, and so a contraction with "
    "zero padding.",
    strata={"projectors that mix": lambda swap, directions, more: all(np.all(u != 0) for pair in directions for u in pair)},
    mutants={"one-percent": scale_right(1.01),
             "not-a-projector": instead(lambda impl, swap, directions, more: _bcop(impl, swap, directions, more, 1.01))},
)
def block_convolution(impl: Any, swap: bool, directions: Any, more: int) -> Comparison:
    """Block convolutions of projector pairs are orthogonal circular convolutions of limited kernel size."""
    return _bcop(impl, swap, directions, more, 1.0)


def _bcop(impl: Any, swap: bool, directions: Any, more: int, stretched: float) -> Comparison:
    H = np.eye(2)[::-1].copy() if swap else np.eye(2)
    K = impl.layers.block_orthogonal_convolution(H, directions)
    K = K * np.where(np.arange(np.shape(K)[3]) == 0, stretched, 1.0)
    side = np.shape(K)[2] + more
    return _orthogonal_convolution(impl, K, (side, side))


@claim(
    "thesis.sec-2.1.3-RLB",
    at="Section 2.1.3, residual linear block",
    tex=r"\lVert (\mathbf{I} + \mathbf{Q}) / \lVert \mathbf{I} + \mathbf{Q} \rVert_2 \rVert_2 = 1",
    given={"Q": square_matrices(3)},
    where=lambda Q: bool(np.any(Q + np.eye(len(Q)))),
    verdict=Verdict.SURVIVED,
    note="With the exact norm; by power iteration, as in the original, the norm is not below 1 but not above it by anything known.",
    strata={"two rows": lambda Q: len(Q) >= 2 and bool(np.any(Q))},
    mutants={"one-percent": scale_right(1.01),
             "norm-of-Q-plus-one": instead(lambda impl, Q: Comparison(
                 impl.spectral.spectral_norm(Q + np.eye(len(Q))), "==", 1 + impl.spectral.spectral_norm(Q)))},
    adversarial=["Q"],
)
def residual_linear_block(impl: Any, Q: Any) -> Comparison:
    """The normalized residual linear block has norm 1."""
    return Comparison(impl.spectral.spectral_norm(impl.layers.residual_linear_block(Q)), "==", 1.0)


@claim(
    "thesis.sec-2.1.2-frobenius",
    at="Section 2.1.2, weight normalization, 'Frobenius norm is a loose bound'",
    tex=r"\lVert \mathbf{W} \rVert_2 \le \lVert \mathbf{W} \rVert_F \le \sqrt{\operatorname{rank}}\, \lVert \mathbf{W} \rVert_2",
    given={"W": matrices(3)},
    verdict=Verdict.SURVIVED,
    strata={"rank 2 or more": lambda W: np.linalg.matrix_rank(W) >= 2},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"W": np.eye(3)}, {"W": np.diag([1.0, 1.0, 0.0])}],
    adversarial=["W"],
)
def frobenius_bounds_spectral(impl: Any, W: Any) -> Comparison:
    """The Frobenius norm bounds the spectral norm, up to the root of the rank."""
    norm = impl.spectral.spectral_norm(W)
    rank = int(np.linalg.matrix_rank(np.array([float(v) for v in np.asarray(W).ravel()]).reshape(np.shape(W))))
    return Comparison([norm, length(W)], "<=", [length(W), np.sqrt(norm * 0 + rank) * norm])
