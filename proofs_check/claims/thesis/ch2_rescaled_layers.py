"""Thesis 2.1.3 and 4.5: layers rescaled by a diagonal. SN, AOL, SLL, spectral rescaling; kernels of section 3.6.

The code's n_iter is the t of corollary 4.5.2 (W^(1) = W^T W); theorem 4.5.1 counts one less.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import largest
from proofs_check.strategies import convolutions, kernels, matrices, signs, spectra, vectors, with_spectrum


def _generic(W: Any, **_: Any) -> bool:
    return min(np.shape(W)) >= 2 and bool(np.linalg.matrix_rank(W) >= 2)


def _coupled(W: Any, **_: Any) -> bool:
    """Two columns or more that are not all orthogonal to each other."""
    gram = np.asarray(W).T @ np.asarray(W)
    return _generic(W) and bool(np.count_nonzero(gram - np.diag(np.diag(gram))))


def positive_weights(kernel_or_matrix: Any) -> Any:
    """Matrices with positive weights for their columns."""
    return kernel_or_matrix.flatmap(lambda W: st.fixed_dictionaries(
        {"W": st.just(W), "q": vectors(np.shape(W)[1], st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0]))}))


def _norm(impl: Any, W: Any, R: Any) -> Any:
    return impl.spectral.spectral_norm(np.asarray(W) * R)


@claim(
    "thesis.sec-2.1.3-SN",
    at="Section 2.1.3, rescaled layers, spectral normalization",
    tex=r"\lVert \mathbf{W} / \lVert \mathbf{W} \rVert_2 \rVert_2 = 1",
    given={"W": matrices(3).filter(np.any)},
    where=lambda W: bool(np.any(W)),
    verdict=Verdict.SURVIVED,
    note="For W != 0, as the text assumes.",
    strata={"rank at least 2": _generic},
    mutants={"one-percent": scale_right(1.01),
             "frobenius": instead(lambda impl, W: Comparison(
                 _norm(impl, W, 1 / impl.spectral.gram_iteration(W, 0)), "==", 1.0))},
    adversarial=["W"],
    weights=lambda W: {"W": W},
)
def spectral_normalization(impl: Any, W: Any) -> Comparison:
    """A matrix over its spectral norm has norm 1."""
    return Comparison(impl.spectral.spectral_norm(impl.layers.spectral_normalization(W)), "==", 1.0)


@claim(
    "thesis.eq-2.5",
    at="Equation 2.5 (AOL)",
    tex=r"\lVert \mathbf{W} \mathbf{R} \rVert_2 \le 1,\quad \mathbf{R}_{ii} = \Bigl(\sum_j |\mathbf{W}^\top \mathbf{W}|_{ij}\Bigr)^{-1/2}",
    given={"W": matrices(4)},
    verdict=Verdict.SURVIVED,
    note="'Strictly 1-Lipschitz' means guaranteed: equality for orthogonal columns, and for any matrix of rank one without zero columns. Zero columns "
    "get 0, as the footnote asks.",
    strata={"columns not orthogonal": _coupled},
    mutants={
        "one-percent-tighter": tighten(0.01),
        "without-the-absolute-value": instead(lambda impl, W: Comparison(
            _norm(impl, W, 1 / np.sqrt(np.abs((W.T @ W).sum(axis=1)) + 1e-6)), "<=", 1.0)),
    },
    witnesses=[{"W": np.diag([2.0, 3.0])}, {"W": np.array([[3.0, 1.0]])}, {"W": np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])},
               {"W": np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]])}],
    adversarial=["W"],
    weights=lambda W: {"W": W},
)
def almost_orthogonal(impl: Any, W: Any) -> Comparison:
    """The AOL rescaling makes every matrix a contraction."""
    return Comparison(_norm(impl, W, impl.layers.aol_rescaling(W)), "<=", 1.0)


def _kernel_norm(impl: Any, K: Any, n: Any, padding: str, R: Any) -> Any:
    return impl.convolution.conv_spectral_norm(K * np.asarray(R)[:, None, None], n, padding=padding).norm


def _sums(impl: Any, K: Any) -> Any:
    return np.abs(impl.convolution.gram_kernel(K)).sum(axis=(0, 2, 3))


@claim(
    "thesis.sec-3.6-rescaling",
    at="Section 3.6, the rescaling of Prach and Lampert as printed",
    tex=r"r_j = \sum_{i_1,k',l'} \Bigl|\sum_j K_{j,i_1} \star K_{j,i_2}\Bigr|_{k',l'},\quad K_{\mathrm{rescaled}} = K \star R,\ R_{jj} = r_j",
    given=convolutions(kernels(1, ((1, 1), (1, 2))), high=2),
    verdict=Verdict.REFUTED,
    kind=Kind.MISPRINT,
    reading="The factors as displayed, with W R as in equation 2.5.",
    right_at="equation 2.5 and theorem 4.5.1, which have the exponent -1/2",
    note="The exponent -1/2 is missing (and the free index is i_2, not j): the 1 x 1 kernel (2) has r = 4 and becomes (8).",
    counterexample={"K": np.full((1, 1, 1, 1), 2.0), "n": (1, 1)},
    control={"K": np.ones((1, 1, 1, 1)), "n": (1, 1)},
    amended_by="thesis.sec-3.6-rescaling.inverse-root",
)
def printed_rescaling(impl: Any, K: Any, n: Any) -> Comparison:
    """The kernel times the printed factors is a contraction."""
    return Comparison(_kernel_norm(impl, K, n, "zero", _sums(impl, K)), "<=", 1.0)


def _channels(K: Any, **_: Any) -> bool:
    K = np.asarray(K)
    return K.shape[1] >= 2 and K[0, 0].size >= 2 and bool(np.linalg.matrix_rank(K.transpose(0, 2, 3, 1).reshape(-1, K.shape[1])) >= 2)


@claim(
    "thesis.sec-3.6-rescaling.inverse-root",
    at="Section 3.6, amended; corollary 4.5.2 for convolutions",
    tex=r"\sigma_1(K R) \le 1,\quad R_i = \Bigl(\sum_{j,l} |K^{(t+1)}_{i,j,l}|\Bigr)^{-2^{-t}}",
    given=convolutions(kernels(2), high=3, n_iter=st.integers(1, 3), padding=st.sampled_from(("circular", "zero"))),
    verdict=Verdict.SURVIVED,
    note="Diagonal in the input channels; for every size and padding, since the sums bound those of the density at every angle.",
    strata={"two channels": _channels},
    mutants={"one-percent-tighter": tighten(0.01),
             "no-root": instead(lambda impl, K, n, n_iter, padding: Comparison(
                 _kernel_norm(impl, K, n, padding, impl.layers.spectral_rescaling(K, n_iter) ** 0.5), "<=", 1.0))},
    witnesses=[{"K": np.einsum("ji,q->jiq", np.diag([2.0, 3.0]), [0.0, 1.0])[:, :, None][..., ::-1].copy(), "n": (1, 3), "n_iter": n_iter,
                "padding": "zero"} for n_iter in (1, 3)],
    adversarial=["K"],
    kernels=lambda K: {"K": K, "n": (4, 4), "n_iter": 1, "padding": "circular"},
)
def rescaled_kernel(impl: Any, K: Any, n: Any, n_iter: int, padding: str) -> Comparison:
    """A kernel with rescaled input channels is a contraction for every size and padding."""
    return Comparison(_kernel_norm(impl, K, n, padding, impl.layers.spectral_rescaling(K, n_iter)), "<=", 1.0)


@claim(
    "thesis.eq-2.7",
    at="Equation 2.7 (SLL)",
    tex=r"\lVert \mathbf{W} \mathbf{R} \rVert_2 \le 1,\quad \mathbf{R}_{ii} = \Bigl(\sum_j |\mathbf{W}^\top \mathbf{W}|_{ij} \tfrac{q_j}{q_i}\Bigr)^{-1/2}",
    given=positive_weights(matrices(3)),
    verdict=Verdict.SURVIVED,
    note="For any positive q. Corollary 4.5.2 has q_i / q_j: the same family, with 1/q for q.",
    strata={"columns not orthogonal, weights differ": lambda W, q: _coupled(W) and len(set(np.asarray(q).tolist())) >= 2},
    mutants={
        "one-percent-tighter": tighten(0.01),
        "one-way": instead(lambda impl, W, q: Comparison(
            _norm(impl, W, 1 / np.sqrt((np.abs(W.T @ W) * q).sum(axis=1) + 1e-6)), "<=", 1.0)),
    },
    witnesses=[{"W": np.array([[1.0, 2.0]]), "q": np.array([2.0, 1.0])}, {"W": np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]]), "q": np.array([1.0, 1.0, 4.0])}],
    adversarial=["W"],
)
def weighted_rescaling(impl: Any, W: Any, q: Any) -> Comparison:
    """The SLL rescaling makes every matrix a contraction, for any positive weights and their reciprocals."""
    rescalings = [impl.layers.sll_rescaling(W, q), impl.layers.sll_rescaling(W, 1 / q)]
    return Comparison([_norm(impl, W, R) for R in rescalings], "<=", [1.0, 1.0])


@claim(
    "thesis.thm-4.5.1",
    at="Theorem 4.5.1, 'the iterates upper bound the limit'; corollary 4.5.2, affine layer, t >= 1",
    tex=r"\sigma_1(\mathbf{W} \mathbf{R}^{(t)}) \le 1",
    given={"W": matrices(3), "n_iter": st.integers(1, 4)},
    verdict=Verdict.SURVIVED,
    note="With W^(0) = W the theorem's t >= 1 takes one Gram step more than the corollary's; both are contractions. The bound is on W R; that R bounds "
    "anything from above is loose wording.",
    strata={"columns not orthogonal, two steps or more": lambda W, n_iter: _coupled(W) and n_iter >= 2},
    mutants={"one-percent-tighter": tighten(0.01),
             "exponent-of-the-next-step": instead(lambda impl, W, n_iter: Comparison(
                 _norm(impl, W, impl.layers.spectral_rescaling(W, n_iter) ** 0.5), "<=", 1.0))},
    witnesses=[{"W": np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]]), "n_iter": 3}, {"W": np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 3.0]]), "n_iter": 2}],
    adversarial=["W"],
    weights=lambda W: {"W": W, "n_iter": 3},
)
def spectral_rescaling(impl: Any, W: Any, n_iter: int) -> Comparison:
    """Spectral rescaling makes every matrix a contraction, at every number of steps from one on."""
    return Comparison(_norm(impl, W, impl.layers.spectral_rescaling(W, n_iter)), "<=", 1.0)


def _excess(impl: Any, W: Any, n_iter: int) -> Any:
    return 1 - _norm(impl, W, impl.layers.spectral_rescaling(W, n_iter))


@claim(
    "thesis.thm-4.5.1-rate",
    at="Theorem 4.5.1, 'with super geometric convergence'",
    tex=r"\lim_t \frac{e_{t+1}}{e_t} = 0,\quad e_t = 1 - \sigma_1(\mathbf{W} \mathbf{R}^{(t)})",
    given={"W": matrices(2), "n_iter": st.integers(4, 7)},
    where=lambda W, n_iter: float(np.abs(W).max()) > 0 and float(np.abs(W).max()) / float(np.abs(W)[np.abs(W) > 0].min()) <= 8,
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="Super geometric as definition 3.2.3 defines it: faster than every geometric sequence. W nonzero.",
    note="The error halves at each step. For the row (3, 1), with k = 2^(t-1) in the corollary's count, sigma_1^2 = (9 (6/5)^(-1/k) + (2/5)^(-1/k)) / 10 = "
    "1 - 0.0725/k + ... Tested as e_(t+1) <= e_t / 3.",
    counterexample={"W": np.array([[3.0, 1.0]]), "n_iter": 4},
    control={"W": np.array([[3.0, 0.0], [0.0, 1.0]]), "n_iter": 4},
    amended_by="thesis.thm-4.5.1-rate.halving",
)
def super_geometric(impl: Any, W: Any, n_iter: int) -> Comparison:
    """The norm of the rescaled matrix tends to 1 faster than by a factor of 3 a step."""
    return Comparison(3 * _excess(impl, W, n_iter + 1), "<=", _excess(impl, W, n_iter), scale=1.0)


@claim(
    "thesis.thm-4.5.1-rate.halving",
    at="Theorem 4.5.1, amended",
    tex=r"1 - \sigma_1(\mathbf{W}\mathbf{R}^{(t)}) \le 2^{-t} \ln d + \dots:\quad \sigma_1(\mathbf{W} \mathbf{R}^{(t)}) \ge d^{-2^{-(t+1)}}",
    given={"W": matrices(3).filter(np.any), "n_iter": st.integers(1, 6)},
    where=lambda W, n_iter: bool(np.any(W)) and float(np.abs(W).max()) / float(np.abs(W)[np.abs(W) > 0].min()) <= 8,
    verdict=Verdict.SURVIVED,
    note="t as in corollary 4.5.2, d columns. Every row sum of the Gram iterate is at most sqrt(d) sigma_1^(2^t), so W R dominates d^(-2^(-(t+1))) W / sigma_1 "
    "column by column. This gives the convergence that the theorem claims, for every W != 0.",
    strata={"rank at least 2, three steps or more": lambda W, n_iter: _generic(W) and n_iter >= 3},
    mutants={"tenth": scale_right(1.1)},
    witnesses=[{"W": np.diag([2.0, 1.0]), "n_iter": 4}, {"W": np.diag([2.0, 1.0, 1.0]), "n_iter": 5}],
    adversarial=["W"],
)
def halving(impl: Any, W: Any, n_iter: int) -> Comparison:
    """The norm of the rescaled matrix is at least d^(-2^-(t+1)): it converges to 1, and the error at least halves in the end."""
    norm = _norm(impl, W, impl.layers.spectral_rescaling(W, n_iter))
    return Comparison(norm, ">=", (norm * 0 + np.shape(W)[1]) ** -(2.0 ** -(n_iter + 1)))


@claim(
    "thesis.cor-4.5.2-zero",
    at="Corollary 4.5.2, 'for any t >= 0', affine layer",
    tex=r"t = 0:\quad \Bigl\lVert \mathbf{W} \operatorname{diag}\Bigl(\sum_j |\mathbf{W}|_{ij}\Bigr)^{-1} \Bigr\rVert_2 \le 1",
    given={"W": matrices(2)},
    where=lambda W: np.shape(W)[0] == np.shape(W)[1],
    verdict=Verdict.REFUTED,
    kind=Kind.MISPRINT,
    reading="t = 0, as the corollary allows, with the corollary's own index; W square, so that its row sums fit.",
    right_at="theorem 4.5.1, whose index is one higher: its t = 0 is AOL",
    note="At t = 0 the iterate is W itself, no Gram matrix: it has n rows where R needs d, and for square W the row sums bound nothing. W = [[1, 0], [1, 0]]: "
    "both sums are 1, the norm is sqrt(2).",
    counterexample={"W": np.array([[1.0, 0.0], [1.0, 0.0]])},
    control={"W": np.diag([2.0, 3.0])},
    amended_by="thesis.thm-4.5.1",
)
def no_step_at_all(impl: Any, W: Any) -> Comparison:
    """With t = 0 the rescaled matrix is a contraction."""
    sums = np.abs(np.asarray(W)).sum(axis=1)
    R = np.array([s if s == 0 else 1 / s for s in sums])
    return Comparison(_norm(impl, W, R), "<=", 1.0)


@claim(
    "thesis.cor-4.5.2-affine",
    at="Corollary 4.5.2, affine layer, weights q",
    tex=r"\lVert \mathbf{W} \mathbf{R}^{(t)} \rVert_2 \le 1,\quad \mathbf{R}_{ii} = \Bigl(\sum_j |\mathbf{W}^{(t)}|_{ij} \tfrac{q_j}{q_i}\Bigr)^{-2^{-t}}",
    given=positive_weights(matrices(3)).flatmap(lambda case: st.fixed_dictionaries(
        {key: st.just(value) for key, value in case.items()} | {"n_iter": st.integers(1, 3)})),
    verdict=Verdict.SURVIVED,
    note="For q_j / q_i and for q_i / q_j as printed: the second is the first with 1/q.",
    strata={"columns not orthogonal, weights differ": lambda W, q, n_iter: _coupled(W) and n_iter >= 2 and len(set(np.asarray(q).tolist())) >= 2},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"W": np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]]), "q": np.array([1.0, 1.0, 4.0]), "n_iter": 2}],
    adversarial=["W"],
)
def affine_layer(impl: Any, W: Any, q: Any, n_iter: int) -> Comparison:
    """With weights, too, spectral rescaling makes every matrix a contraction."""
    norms = [_norm(impl, W, impl.layers.spectral_rescaling(W, n_iter, weights)) for weights in (q, 1 / q)]
    return Comparison(norms, "<=", [1.0, 1.0])


@claim(
    "thesis.sec-4.5-AOL.corollary",
    at="Section 4.5, 'for t = 1, SR is equivalent to AOL', with corollary 4.5.2",
    tex=r"\mathbf{R}^{(1)} = \mathbf{R}_{\mathrm{AOL}} = \Bigl(\sum_j |\mathbf{W}^\top \mathbf{W}|_{ij}\Bigr)^{-1/2}",
    given={"W": matrices(3).filter(lambda W: bool(np.all(np.any(W, axis=0))))},
    where=lambda W: bool(np.all(np.any(W, axis=0))),
    verdict=Verdict.SURVIVED,
    reading="t in the count of corollary 4.5.2, which the sentence follows; theorem 4.5.1 counts from one step earlier.",
    note="For W without zero columns (equation 2.5's footnote).",
    strata={"columns not orthogonal": _coupled},
    mutants={"one-percent": scale_right(1.01),
             "index-of-the-theorem": instead(lambda impl, W: Comparison(
                 impl.layers.spectral_rescaling(W, 2), "==", impl.layers.aol_rescaling(W)))},
    adversarial=["W"],
)
def first_of_the_corollary(impl: Any, W: Any) -> Comparison:
    """The corollary's rescaling at t = 1 is that of AOL."""
    sums = np.abs(W.T @ W).sum(axis=1)
    R = impl.layers.spectral_rescaling(W, 1)
    return Comparison([R, impl.layers.aol_rescaling(W)], "==", [1 / np.sqrt(sums), R])


@claim(
    "thesis.sec-4.5-SN",
    at="Section 4.5, 'the rescaling is equivalent to spectral normalization' for large t",
    tex=r"\mathbf{R}^{(t)} \to \sigma_1^{-1} \mathbf{I}:\quad d^{-2^{-t}} \le \sigma_1 \mathbf{R}_{ii}^{(t)} \le d^{2^{-t}} \cdot 2",
    given={"W": matrices(2).filter(np.any), "n_iter": st.integers(4, 7)},
    where=lambda W, n_iter: bool(np.any(W)) and float(np.abs(W).max()) / float(np.abs(W)[np.abs(W) > 0].min()) <= 8,
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="W nonzero, any columns. In the other reading, of a leading right singular vector without zeros, the limit is spectral normalization.",
    note="Columns that are orthogonal to the others keep their own scale at every t: for diag(4, 1) R = diag(1/4, 1), orthogonal, while spectral "
    "normalization gives diag(1, 1/4). Tested with room for a factor of 2.",
    counterexample={"W": np.diag([4.0, 1.0]), "n_iter": 6},
    control={"W": np.array([[2.0, 1.0], [1.0, 2.0]]), "n_iter": 6},
    amended_by="thesis.sec-4.5-SN.connected",
)
def becomes_spectral_normalization(impl: Any, W: Any, n_iter: int) -> Comparison:
    """For many steps spectral rescaling is spectral normalization."""
    sigma = impl.spectral.spectral_norm(W)
    return Comparison(impl.layers.spectral_rescaling(W, n_iter) * sigma, "<=", 2.0 * 2 ** 2.0**-n_iter)


@claim(
    "thesis.sec-4.5-stable-rank",
    at="Section 4.5, the stable rank of the Gram iterate 'is closer and closer to one'",
    tex=r"t = 7:\quad \lVert \mathbf{W}^{(t)} \rVert_F^2 / \lVert \mathbf{W}^{(t)} \rVert_2^2 \le 1.01",
    given={"W": matrices(2).filter(np.any)},
    where=lambda W: bool(np.any(W)) and not 0.95 < _second_over_first(W) < 1,
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="Any W but 0. In the other reading, of a W with one largest singular value, it holds, and fast.",
    note="The stable rank tends to the multiplicity of the largest singular value: 2 for the identity, and for every orthogonal matrix of the plane, at every t.",
    counterexample={"W": np.eye(2)},
    control={"W": np.diag([2.0, 1.0])},
    amended_by="thesis.sec-4.5-stable-rank.simple",
)
def stable_rank_of_any_matrix(impl: Any, W: Any) -> Comparison:
    """After seven Gram steps the stable rank is one."""
    return Comparison(_stable_rank(impl, W, 7), "<=", 1.01)


def _second_over_first(W: Any) -> float:
    sigma = np.linalg.svd(np.asarray(W, dtype=float), compute_uv=False)
    return float(sigma[1] / sigma[0]) if len(sigma) > 1 else 0.0


def _stable_rank(impl: Any, W: Any, n_iter: int) -> Any:
    # The Gram bound is |W^(t)|_F^(1 / 2^t), the spectral norm of W^(t) is sigma_1^(2^t).
    return (impl.spectral.gram_iteration(W, n_iter) / impl.spectral.spectral_norm(W)) ** (2 * 2**n_iter)


@claim(
    "thesis.sec-4.5-stable-rank.simple",
    at="Section 4.5, the stable rank, for a simple largest singular value",
    tex=r"1 \le \lVert \mathbf{W}^{(t)} \rVert_F^2 / \lVert \mathbf{W}^{(t)} \rVert_2^2 \le 1 + (r - 1)(\sigma_2 / \sigma_1)^{2^{t+1}}",
    given={"s": spectra().map(np.array), "left": signs(), "right": signs(), "n_iter": st.integers(0, 4)},
    where=lambda s, **_: s[0] > 0,
    verdict=Verdict.SURVIVED,
    note="r = 4 at most. It tends to the multiplicity of sigma_1 in general.",
    strata={"three equal ones below": lambda s, left, right, n_iter: s[0] > s[1] == s[3] > 0 and n_iter >= 1},
    mutants={"one-step-later": instead(lambda impl, s, left, right, n_iter: _between_ranks(impl, s, left, right, n_iter, n_iter + 2, 3.0)),
             "one-value-less": instead(lambda impl, s, left, right, n_iter: _between_ranks(impl, s, left, right, n_iter, n_iter + 1, 2.0))},
    witnesses=[{"s": np.array([2.0, 1.0, 1.0, 1.0]), "left": [1, 1, 1, 1], "right": [1, -1, 1, 1], "n_iter": 1}],
    rounding=lambda n_iter, **_: 64.0 * 2**n_iter,
)
def stable_rank(impl: Any, s: Any, left: Any, right: Any, n_iter: int) -> Comparison:
    """The stable rank of the Gram iterate tends to one like the quotient of the first two singular values to the power 2^(t + 1)."""
    return _between_ranks(impl, s, left, right, n_iter, n_iter + 1, 3.0)


def _between_ranks(impl: Any, s: Any, left: Any, right: Any, n_iter: int, power: int, others: float) -> Comparison:
    rank = _stable_rank(impl, with_spectrum(s, left, right), n_iter)
    return Comparison([rank * 0 + 1.0, rank], "<=", [rank, 1 + others * (s[1] / s[0]) ** (2.0**power)])


def _connected(W: Any, n_iter: int, **_: Any) -> bool:
    """A simple leading singular value whose right vector has no small entry."""
    if not np.any(W) or np.shape(W)[1] < 2:
        return False
    _, sigma, vh = np.linalg.svd(np.asarray(W, dtype=float))
    gap = sigma[1] / sigma[0] if len(sigma) > 1 else 0.0
    return bool(gap <= 0.7 and np.abs(vh[0]).min() >= 0.1)


@claim(
    "thesis.sec-4.5-SN.connected",
    at="Section 4.5, amended",
    tex=r"|v_i| \ge 0.1,\ \sigma_2 \le 0.7\, \sigma_1 \implies (2 \sqrt d)^{-2^{-t}} \le \sigma_1 \mathbf{R}_{ii}^{(t)} \le 20^{2^{-t}}",
    given={"W": matrices(3), "n_iter": st.integers(4, 7)},
    where=_connected,
    verdict=Verdict.SURVIVED,
    note="v the leading right singular vector: where it has no zero entry and sigma_1 is simple, sigma_1 R tends to the identity, with an error that halves. The "
    "numbers are one choice that a row sum between |v_i| (1 - d^(3/2) (sigma_2/sigma_1)^(2^t) / |v_i|) and sqrt(d) allows from t = 4 on.",
    strata={"columns not orthogonal": _coupled},
    mutants={"twice-the-rate": instead(lambda impl, W, n_iter: _closes(impl, W, n_iter, 2.0 ** -(n_iter + 3)))},
    witnesses=[{"W": np.array([[2.0, 1.0], [1.0, 2.0]]), "n_iter": 6}],
    adversarial=["W"],
)
def becomes_spectral_normalization_when_connected(impl: Any, W: Any, n_iter: int) -> Comparison:
    """Where the leading singular vector has no zero entry, spectral rescaling tends to spectral normalization."""
    return _closes(impl, W, n_iter, 2.0**-n_iter)


def _closes(impl: Any, W: Any, n_iter: int, h: float) -> Comparison:
    sigma = impl.spectral.spectral_norm(W)
    R = impl.layers.spectral_rescaling(W, n_iter) * sigma
    one = sigma * 0 + 1.0
    smallest = -largest([-r for r in R])
    return Comparison([(one * 2 * np.sqrt(one * np.shape(W)[1])) ** -h, largest(R)], "<=", [smallest, (one * 20) ** h])
