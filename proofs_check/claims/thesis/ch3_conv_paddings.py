"""Thesis 3.7.1 and A.0.6, A.0.7: from circular to zero padding. Embedding, orthogonal kernels.

The source's t is n_iter + 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Kind, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims.thesis.ch3_conv_sizes import RISING_SQUARE, SQUARES, sampled, spread, transfer
from proofs_check.strategies import convolutions, kernels, orthogonal_kernels, unit_arrays

# Orthogonal, up to the factor 3, on three pixels.
RISING_LINE = np.array([2.0, -1.0, 2.0])[None, None, None, :]


@claim(
    "thesis.thm-3.7.1",
    at="Theorem 3.7.1",
    tex=r"\sigma_1(\mathbf{W}_{\mathrm{toep}}) \le (1 - \alpha)^{-2^{-t}} \max_{u,v} \lVert \mathbf{D}^{(t)}_{u,v} \rVert_F^{2^{1-t}},\quad "
    r"\alpha = 2^t \lfloor k/2 \rfloor / n",
    given=sampled(kernels(2, SQUARES), 0, 1),
    verdict=Verdict.SURVIVED,
    note="The proof rests on lemma A.0.2, which is false, but at the same n the layer stays far enough below the supremum of its density: no "
    "counterexample was found, by hand or by search over channels, k <= 5 and t <= 2. Tightest ratio 0.940, K = (2, -1, 2) in both axes, n = 3, t = 1. For use see the "
    "embedded form, which needs no factor.",
    strata={"spread": spread},
    mutants={"ten-percent-tighter": tighten(0.1),
             "without-the-factor": instead(lambda impl, K, n0, n_iter: Comparison(
                 impl.convolution.conv_spectral_norm(K, n0, padding="zero").norm, "<=",
                 impl.convolution.circular_norm_bound(K, n0, n_iter)))},
    witnesses=[{"K": RISING_SQUARE, "n0": (3, 3), "n_iter": 0}],
    adversarial=["K"],
)
def circular_bound_for_zero_padding(impl: Any, K: Any, n0: Any, n_iter: int) -> Comparison:
    """The circular bound at the layer's own size, times the printed factor, bounds the zero-padded layer."""
    return transfer(impl, K, n0, n0, n_iter, "zero")


def _embedded(impl: Any, K: Any, n: Any, n_iter: int, less: int = 0) -> Comparison:
    m = tuple(max(1, size + k // 2 - less) for size, k in zip(n, np.shape(K)[2:], strict=True))
    norm = impl.convolution.conv_spectral_norm(K, n, padding="zero").norm
    return Comparison(norm, "<=", impl.convolution.circular_norm_bound(K, m, n_iter))


@claim(
    "thesis.thm-3.7.1.embedded",
    at="Theorem 3.7.1, without a factor",
    tex=r"\sigma_1(\mathbf{W}_{\mathrm{toep}}(n)) \le \max_{u,v} \lVert \mathbf{D}^{(t)}_{u,v}(m) \rVert_F^{2^{1-t}},\quad m = n + \lfloor k/2 \rfloor",
    given=convolutions(kernels(2, complex_entries=True), n_iter=st.integers(0, 3)),
    verdict=Verdict.SURVIVED,
    note="A zero-padded layer is a part of the matrix of a circular one on an image larger by floor(k/2): sample that many frequencies and no factor is "
    "needed, nor a smallest n.",
    strata={"several channels": lambda K, n, n_iter: min(np.shape(K)[:2]) >= 2 and np.linalg.matrix_rank(
        np.asarray(K).transpose(0, 2, 3, 1).reshape(-1, np.shape(K)[1])) >= 2},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"K": np.einsum("ji,q->jiq", [[2.0, 0.0], [0.0, 0.0]], [0.0, 1.0])[:, :, None][..., ::-1].copy(), "n": (1, 3), "n_iter": 1},
               {"K": np.einsum("ji,q->jiq", [[2.0, 1.0], [4.0, 2.0]], [0.0, 1.0, 0.0])[:, :, None], "n": (1, 3), "n_iter": 2},
               {"K": np.einsum("ji,q->jiq", [[4.0, 0.0], [0.0, 1.0]], [0.0, 1.0, 0.0])[:, :, None], "n": (1, 3), "n_iter": 3}],
    adversarial=["K"],
    kernels=lambda K: {"K": K, "n": (3, 3), "n_iter": 1},
)
def zero_padding_inside_circular(impl: Any, K: Any, n: Any, n_iter: int) -> Comparison:
    """The circular bound at size n + floor(k/2) bounds the zero-padded layer of size n."""
    return _embedded(impl, K, n, n_iter)


@claim(
    "thesis.thm-3.7.1.submatrix",
    at="Theorem 3.7.1, why no factor is needed",
    tex=r"\mathbf{W}_{\mathrm{toep}}(n) = \mathbf{W}_{\mathrm{circ}}(m)\big|_{[0, n)^2},\quad m = n + \lfloor k/2 \rfloor",
    given=convolutions(kernels(2, complex_entries=True), high=3),
    verdict=Verdict.PROVED,
    note="Linear in K: unit kernels decide, for the shapes tried. One pixel less and taps wrap into the image.",
    strata={"three taps, two pixels": lambda K, n: np.shape(K)[3] == 3 and n[1] >= 2 and bool(np.all(K != 0))},
    mutants={"one-pixel-less": instead(lambda impl, K, n: _submatrix(impl, K, n, 1)), "one-percent": scale_right(1.01)},
    exhaustive=lambda: _unit_kernels(),
)
def zero_padded_matrix_is_a_part(impl: Any, K: Any, n: Any) -> Comparison:
    """The zero-padded matrix is the part of a larger circulant one that belongs to the image."""
    return _submatrix(impl, K, n, 0)


def _submatrix(impl: Any, K: Any, n: Any, less: int) -> Comparison:
    c_out, c_in, k_h, k_w = np.shape(K)
    m = (n[0] + k_h // 2 - min(less, k_h // 2), n[1] + k_w // 2 - min(less, k_w // 2))
    W = impl.convolution.circulant_matrix(K, m).reshape(c_out, *m, c_in, *m)
    part = W[:, : n[0], : n[1], :, : n[0], : n[1]].reshape(c_out * n[0] * n[1], c_in * n[0] * n[1])
    return Comparison(part, "==", impl.convolution.toeplitz_matrix(K, n))


def _unit_kernels() -> Iterator[Case]:
    for shape in ((1, 1, 1, 4), (1, 1, 3, 3), (2, 1, 2, 2)):
        for K in unit_arrays(*shape):
            for n in ((1, 1), (2, 3), (3, 3)):
                yield {"K": K, "n": n}


def _circularly_orthogonal(K: Any, n: Any, **_: Any) -> bool:
    """Integers, so that floats decide exactly whether W^T W is a multiple of the identity."""
    from refimpl.convolution import circulant_matrix

    W = circulant_matrix(K, n)
    gram = W.T @ W
    return bool(gram[0, 0] > 0 and np.array_equal(gram, gram[0, 0] * np.eye(len(gram))))


@claim(
    "thesis.prop-3.7.2",
    at="Proposition 3.7.2",
    tex=r"\mathbf{W}_{\mathrm{circ}} \text{ orthogonal} \implies \sigma_1(\mathbf{W}_{\mathrm{toep}}) \le \sigma_1(\mathbf{W}_{\mathrm{circ}}) = 1",
    given=convolutions(orthogonal_kernels(), high=4),
    where=_circularly_orthogonal,
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="The layer is orthogonal at its own size. If its kernel is orthogonal at every size, as the proof takes it when n tends to infinity, it holds.",
    note="Orthogonality at one size says nothing of another: the proof lets n tend to infinity while the kernel is orthogonal at n only. "
    "(2, -1, 2) / 3 is orthogonal on three pixels; with zeros outside its norm there is (1 + 2 sqrt(2)) / 3 = 1.276. Written for multiples of "
    "orthogonal maps, in integers.",
    counterexample={"K": RISING_LINE, "n": (1, 3)},
    control={"K": np.array([0.0, 1.0, 0.0])[None, None, None, :], "n": (1, 3)},
    amended_by="thesis.prop-3.7.2.embedded",
)
def orthogonal_kernels_contract(impl: Any, K: Any, n: Any) -> Comparison:
    """A kernel that is orthogonal with circular padding is a contraction with zero padding."""
    return Comparison(impl.convolution.conv_spectral_norm(K, n, padding="zero").norm, "<=",
                      impl.convolution.conv_spectral_norm(K, n).norm)


@claim(
    "thesis.prop-3.7.2.embedded",
    at="Proposition 3.7.2, amended",
    tex=r"\sigma_1(\mathbf{W}_{\mathrm{toep}}(n)) \le \sigma_1(\mathbf{W}_{\mathrm{circ}}(m)),\quad m \ge n + \lfloor k/2 \rfloor",
    given=convolutions(kernels(2) | orthogonal_kernels(), more=st.integers(0, 2)),
    verdict=Verdict.SURVIVED,
    note="So a kernel that is orthogonal on an image larger by floor(k/2), or at every size, is a contraction with zero padding.",
    strata={"two taps or more": lambda K, n, more: np.count_nonzero(K) >= 2 and np.shape(K)[3] >= 2},
    mutants={"one-percent-tighter": tighten(0.01),
             "same-size": instead(lambda impl, K, n, more: orthogonal_kernels_contract.compare(impl, K, n))},
    witnesses=[{"K": np.einsum("ji,q->jiq", np.eye(2), [0.0, 1.0, 0.0])[:, :, None], "n": (1, 3), "more": 0}],
    adversarial=["K"],
)
def circular_norm_of_a_larger_image(impl: Any, K: Any, n: Any, more: int) -> Comparison:
    """The zero-padded norm is at most the circular norm on an image larger by floor(k/2) or more."""
    m = tuple(size + k // 2 + more for size, k in zip(n, np.shape(K)[2:], strict=True))
    return Comparison(impl.convolution.conv_spectral_norm(K, n, padding="zero").norm, "<=",
                      impl.convolution.conv_spectral_norm(K, m).norm)


@claim(
    "thesis.sec-3.9.2-certified",
    at="Section 3.9.2, 'consistently remaining above the reference value ..., ensuring a certified upper bound'",
    tex=r"\sigma_1(\mathbf{W}_{\mathrm{toep}}(n)) \le \max_{u,v} \lVert \mathbf{D}^{(t)}_{u,v}(n) \rVert_F^{2^{1-t}}",
    given=convolutions(orthogonal_kernels() | kernels(1), n_iter=st.integers(0, 4)),
    verdict=Verdict.REFUTED,
    kind=Kind.MISPRINT,
    reading="The circular bound at the layer's own size, without a factor, as a certificate for a zero-padded layer.",
    right_at="section 3.9.3: the circular bound gives no guarantee for zero padding, and is used with the factor of theorem 3.7.1",
    note="The circular bound at the layer's own size is no certificate for zero padding, whatever t: (2, -1, 2) on three pixels has the bound 3 "
    "and the norm 3.83.",
    counterexample={"K": RISING_LINE, "n": (1, 3), "n_iter": 4},
    control={"K": RISING_LINE, "n": (1, 4), "n_iter": 4},
    amended_by="thesis.thm-3.7.1.embedded",
)
def circular_bound_at_the_same_size(impl: Any, K: Any, n: Any, n_iter: int) -> Comparison:
    """The circular bound at the layer's own size bounds the zero-padded layer."""
    return Comparison(impl.convolution.conv_spectral_norm(K, n, padding="zero").norm, "<=",
                      impl.convolution.circular_norm_bound(K, n, n_iter))


def _frobenius_of_orthogonal(impl: Any, K: Any, n_iter: int, power: int) -> Comparison:
    blocks = impl.convolution.frequency_blocks(K, (1, 3))
    square = impl.spectral.gram_iteration_naive(blocks[0, 1], n_iter) ** 2 ** (n_iter + 1)
    return Comparison(square, "==", float(np.shape(K)[0] ** power))


_SHIFTS = st.tuples(st.integers(1, 3), st.integers(0, 2)).map(
    lambda pair: np.einsum("ji,q->jiq", np.eye(pair[0]), np.eye(3)[pair[1]])[:, :, None])


@claim(
    "thesis.A.0.7",
    at="Appendix A.0.7",
    tex=r"\text{orthogonal, } c = c_{\mathrm{in}} = c_{\mathrm{out}} \implies \lVert \mathbf{D}^{(t)}_{u,v} \rVert_F^2 = c^2",
    given={"K": _SHIFTS, "n_iter": st.integers(0, 2)},
    verdict=Verdict.REFUTED,
    kind=Kind.MISPRINT,
    reading="c channels in and out, orthogonal at size n, Frobenius norm.",
    right_at="the next display of the same proof, which has c",
    note="A unitary c x c block has squared Frobenius norm c. The identity on two channels: 2, not 4.",
    counterexample={"K": np.eye(2)[:, :, None, None], "n_iter": 0},
    control={"K": np.eye(1)[:, :, None, None], "n_iter": 0},
    amended_by="thesis.A.0.7.channels",
)
def square_of_the_channels(impl: Any, K: Any, n_iter: int) -> Comparison:
    """The blocks of an orthogonal convolution have squared Frobenius norm c^2."""
    return _frobenius_of_orthogonal(impl, K, n_iter, 2)


@claim(
    "thesis.A.0.7.channels",
    at="Appendix A.0.7, amended",
    tex=r"\lVert \mathbf{D}^{(t)}_{u,v} \rVert_F^2 = c",
    given={"K": _SHIFTS, "n_iter": st.integers(0, 2)},
    verdict=Verdict.SURVIVED,
    note="Tried on kernels that move the image by a pixel, up to three channels.",
    strata={"two channels or more": lambda K, n_iter: len(K) >= 2},
    mutants={"square": instead(lambda impl, K, n_iter: _frobenius_of_orthogonal(impl, K, n_iter, 2)), "one-percent": scale_right(1.01)},
)
def number_of_the_channels(impl: Any, K: Any, n_iter: int) -> Comparison:
    """The blocks of an orthogonal convolution have squared Frobenius norm c."""
    return _frobenius_of_orthogonal(impl, K, n_iter, 1)
