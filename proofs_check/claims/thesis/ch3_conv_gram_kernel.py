"""Thesis 3.6, 3.9.4 and A.0.4: the Gram kernel itself. Equation A.2, algorithm 6, its size and its padding.

The code's n_iter counts steps: K^(t+1) after t of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Step, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import adjoint, largest, length, sum_of_moduli
from proofs_check.claims.thesis.ch3_conv_zero_padded import several_channels
from proofs_check.strategies import complementary_kernels, convolutions, kernels

LINES = ((1, 1), (1, 2), (1, 3))
SMALL = (*LINES, (2, 2))


def _toeplitz_of_gram(impl: Any, K: Any, n: Any, n_iter: int, padding: str) -> Comparison:
    W = impl.convolution.toeplitz_matrix(K, n, padding=padding)
    for _ in range(n_iter):
        W = adjoint(W) @ W
    G = impl.convolution.toeplitz_matrix(impl.convolution.gram_kernel(K, n_iter), n)
    return Comparison(W, "==", G)


@claim(
    "thesis.eq-A.2",
    at="Appendix A.0.4, equation A.2",
    tex=r"\mathbf{W}^{(t+1)}_{\mathrm{toep};\, i_1, i_2, k_1 l_1, k_2 l_2} = "
    r"\Bigl(\sum_j K^{(t)}_{j,i_1} \star K^{(t)}_{j,i_2}\Bigr)_{k_2 - k_1,\, l_2 - l_1}",
    given=convolutions(kernels(1, LINES), high=3, n_iter=st.integers(1, 2)),
    verdict=Verdict.REFUTED,
    kind=Kind.UNSUPPORTED,
    reading="Zero padding, any size of the image, t from 1. The bound on sigma_1 for which the step is used holds.",
    note="True for the first step with the maximal non-trivial padding; from the second on a section of a Toeplitz matrix is multiplied by "
    "itself, and that is not the section of the product. K = (1, 1) on one pixel: W = (1, 1)^T, W* W = 2, its square 4; the kernel is "
    "(1, 4, 6, 4, 1), with 6 at lag 0.",
    counterexample={"K": np.ones((1, 1, 1, 2)), "n": (1, 1), "n_iter": 2},
    control={"K": np.ones((1, 1, 1, 2)), "n": (1, 1), "n_iter": 1},
    amended_by="thesis.thm-3.6.1-inf.spectral",
)
def gram_matrix_is_the_gram_kernels(impl: Any, K: Any, n: Any, n_iter: int) -> Comparison:
    """At every step the layer's Gram iterate is the Toeplitz matrix of the kernel's Gram iterate."""
    return _toeplitz_of_gram(impl, K, n, n_iter, "full")


@claim(
    "thesis.eq-A.2.first-step",
    at="Appendix A.0.4, the first Gram iterate",
    tex=r"(\mathbf{W}^* \mathbf{W})_{i_1, i_2, v, v'} = \Bigl(\sum_j K_{j,i_1} \star K_{j,i_2}\Bigr)_{v' - v}",
    given=convolutions(kernels(2, SMALL, complex_entries=True), high=3),
    verdict=Verdict.SURVIVED,
    note="With the maximal non-trivial padding k - 1, where every output that meets the image is kept. With the layer's own padding outputs "
    "are missing at the border: K = (0, 1, 1) on one pixel gives 1, not 2.",
    strata={"several channels": lambda K, n: several_channels(K) and n[1] >= 2},
    mutants={
        "one-percent": scale_right(1.01),
        "own-padding": instead(lambda impl, K, n: _toeplitz_of_gram(impl, K, n, 1, "zero")),
    },
    adversarial=["K"],
)
def first_gram_matrix(impl: Any, K: Any, n: Any) -> Comparison:
    """With maximal padding the layer's Gram matrix is the Toeplitz matrix of the Gram kernel."""
    return _toeplitz_of_gram(impl, K, n, 1, "full")


def _density_of_gram(impl: Any, K: Any, n_iter: int, w: Any, order: str) -> Comparison:
    E = impl.convolution.spectral_density(K, w[0], w[1])
    power = adjoint(E) @ E if order == "E*E" else E @ adjoint(E)
    for _ in range(n_iter - 1):
        power = power @ power
    G = impl.convolution.gram_kernel(K, n_iter)
    lag = [(size - 1) // 2 for size in np.shape(G)[2:]]
    # The kernel counts its taps from 0, lag 0 is in the middle: a phase.
    shifted = np.zeros((1, 1, lag[0] + 1, lag[1] + 1))
    shifted[..., -1, -1] = 1.0
    phase = impl.convolution.spectral_density(shifted, w[0], w[1])[0, 0]
    return Comparison(impl.convolution.spectral_density(G, w[0], w[1]), "==", power * phase,
                      scale=sum_of_moduli(K) ** 2**n_iter)


@claim(
    "thesis.eq-A.2.unbounded",
    at="Appendix A.0.4, equation A.2, amended",
    tex=r"\sum_l K^{(t+1)}_l e^{-i l \cdot w} = (\mathbf{E}(w)^* \mathbf{E}(w))^{2^{t-1}}",
    given={"K": kernels(2, SMALL, complex_entries=True), "n_iter": st.integers(1, 2),
           "w": st.tuples(*[st.integers(-24, 24).map(lambda k: k / 8)] * 2)},
    verdict=Verdict.SURVIVED,
    note="On an unbounded image the Gram kernel is the kernel of the Gram operator at every step; the order of channels is that of the "
    "theorem, a sum over output channels.",
    strata={"several channels": lambda K, n_iter, w: several_channels(K) and np.shape(K)[0] == 2 and any(w)},
    mutants={
        "one-percent": scale_right(1.01),
        "input-channels": instead(lambda impl, K, n_iter, w: _density_of_gram(
            impl, K, n_iter, w, "EE*" if np.shape(K)[0] == np.shape(K)[1] else "E*E")),
    },
    adversarial=["K"],
)
def density_of_the_gram_kernel(impl: Any, K: Any, n_iter: int, w: Any) -> Comparison:
    """The density of the Gram kernel is the Gram iterate of the density."""
    return _density_of_gram(impl, K, n_iter, w, "E*E")


def _printed_algorithm(impl: Any, K: Any, n_iter: int, *, rescale: bool = True) -> Any:
    """Algorithm 6 line by line: conv2d takes the output channels of K for a batch and sums over its input channels."""
    r: Any = 0.0
    for _ in range(n_iter):
        size = length(K) if rescale else 1.0
        r = 2 * (r + np.log(size))
        K = K / size
        K = np.stack([impl.convolution.conv2d(image, K, padding="full") for image in K])
    h = 2.0**-n_iter
    return largest(np.abs(K).sum(axis=(0, 2, 3))) ** h * np.exp(h * r)


@claim(
    "thesis.alg-6",
    at="Algorithm 6 (norm2_toep), line 6, with Theorem 3.6.1",
    tex=r"\text{algorithm 6} = \Bigl(\max_{i_2} \sum_{i_1,l} |K^{(t+1)}_{i_1,i_2,l}|\Bigr)^{2^{-t}}",
    given={"K": kernels(2, LINES).filter(np.any), "n_iter": st.integers(1, 2)},
    verdict=Verdict.REFUTED,
    kind=Kind.MISPRINT,
    reading="conv2d as in the frameworks: it sums over the second axis of the kernel, the input channels.",
    right_at="theorem 3.6.1, which sums over the output channels; the algorithm is the theorem's bound for the transposed layer, and so a bound too",
    note="conv2d(K, K) sums over the input channels, the theorem over the output channels: the algorithm bounds the transposed layer. The 1 x 1 "
    "kernel (3, 4)^T: the theorem's bound is 5, the algorithm gives sqrt(28) = 5.29, from [[9, 12], [12, 16]].",
    counterexample={"K": np.array([3.0, 4.0]).reshape(2, 1, 1, 1), "n_iter": 1},
    control={"K": np.array([3.0]).reshape(1, 1, 1, 1), "n_iter": 1},
    amended_by="thesis.alg-6.transposed",
)
def algorithm_is_the_theorems_bound(impl: Any, K: Any, n_iter: int) -> Comparison:
    """Algorithm 6 returns the bound of theorem 3.6.1 in the infinity norm."""
    return Comparison(_printed_algorithm(impl, K, n_iter), "==", impl.convolution.zero_padded_norm_bound(K, n_iter))


@claim(
    "thesis.alg-6.transposed",
    at="Algorithm 6 (norm2_toep), amended",
    tex=r"\text{algorithm 6}(K) = s_t(K^\top) \ge \sigma_1(\mathbf{W})",
    given=convolutions(kernels(2, LINES).filter(np.any), high=3, n_iter=st.integers(1, 2)),
    where=lambda K, n, n_iter: bool(np.any(K)),
    verdict=Verdict.SURVIVED,
    note="Either orientation is an upper bound, since a layer and its transpose have the same norm; the smaller one may be taken. The "
    "rescaling is right. Printed without K != 0 (line 4 takes the logarithm of its norm).",
    strata={"several channels": lambda K, n, n_iter: several_channels(K) and np.shape(K)[0] == 2 and n_iter == 2},
    mutants={
        "one-percent": scale_right(1.01),
        "no-rescaling-kept": instead(lambda impl, K, n, n_iter: Comparison(
            _printed_algorithm(impl, K * 2.0, n_iter, rescale=False), "==", _transposed(impl, K, n_iter))),
    },
)
def algorithm_bounds_the_transposed_layer(impl: Any, K: Any, n: Any, n_iter: int) -> Comparison:
    """Algorithm 6 returns the bound of theorem 3.6.1 for the kernel with its channels exchanged."""
    return Comparison(_printed_algorithm(impl, K, n_iter), "==", _transposed(impl, K, n_iter))


def _transposed(impl: Any, K: Any, n_iter: int) -> Any:
    # Exchanging the channels without turning the taps leaves the moduli of the Gram kernel as they are.
    return impl.convolution.zero_padded_norm_bound(np.swapaxes(K, 0, 1)[:, :, ::-1, ::-1], n_iter)


@claim(
    "thesis.alg-6.upper",
    at="Algorithm 6, 'a certified upper bound on the spectral norm at any iteration'",
    tex=r"\sigma_1(\mathbf{W}_{\mathrm{toep}}) \le \text{algorithm 6}(K)",
    given=convolutions(kernels(2, LINES).filter(np.any), high=4, n_iter=st.integers(1, 2)),
    where=lambda K, n, n_iter: bool(np.any(K)),
    verdict=Verdict.SURVIVED,
    note="In exact arithmetic; in floats see lipref.certified-zero-padded. With N = 0 steps it is a 1-norm and no bound.",
    strata={"several channels": several_channels},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"K": np.einsum("ji,q->jiq", np.eye(2) * [2.0, 1.0], [0.0, 1.0])[:, :, None][..., ::-1].copy(), "n": (1, 3), "n_iter": 1}],
    adversarial=["K"],
)
def algorithm_is_an_upper_bound(impl: Any, K: Any, n: Any, n_iter: int) -> Comparison:
    """Algorithm 6 is never below the norm of the zero-padded layer."""
    norm = impl.convolution.conv_spectral_norm(K, n, padding="zero").norm
    return Comparison(norm, "<=", _printed_algorithm(impl, K, n_iter))


def _size(impl: Any, k: int, t: int, formula: int) -> Comparison:
    G = impl.convolution.gram_kernel(np.ones((1, 1, 1, k)), t - 1)
    return Comparison(float(np.shape(G)[3]), "==", float(formula))


@claim(
    "thesis.sec-3.9.4-size",
    at="Section 3.9.4, 'effective kernel size'",
    tex=r"s_t = (k - 1) t + 1",
    given={"k": st.integers(1, 4), "t": st.integers(1, 4)},
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="t Gram iterations, or t the index of the iterate (the more favourable); the padding that keeps all taps, as in algorithm 6.",
    note="Each step doubles s - 1: K^(t) has 2^(t-1) (k - 1) + 1 taps an axis, and the memory grows with 4^t, not t^2. Read with t the index of "
    "K^(t), which agrees for t = 1 and 2; read as 'after t steps', as printed, it fails for t = 1 (3 taps, not 2, for k = 2). For k = 3, t = 6: "
    "65 against 13.",
    counterexample={"k": 2, "t": 3},
    control={"k": 2, "t": 2},
    amended_by="thesis.sec-3.9.4-size.doubling",
)
def linear_growth(impl: Any, k: int, t: int) -> Comparison:
    """The Gram kernel grows by k - 1 taps an axis at each step."""
    return _size(impl, k, t, (k - 1) * t + 1)


@claim(
    "thesis.sec-3.9.4-size.doubling",
    at="Section 3.9.4, amended",
    tex=r"s_t = 2^{t-1} (k - 1) + 1",
    given={"k": st.integers(1, 4), "t": st.integers(1, 4)},
    verdict=Verdict.PROVED,
    note="The ends of the support do not cancel: the extreme lag is a product of single taps. Enumerated for k, t up to 4, by induction beyond.",
    strata={"several steps": lambda k, t: k >= 2 and t >= 3},
    mutants={"linear": instead(lambda impl, k, t: _size(impl, k, t, (k - 1) * t + 1)),
             "doubled-size": instead(lambda impl, k, t: _size(impl, k, t, 2 ** (t - 1) * k))},
    exhaustive=lambda: ({"k": k, "t": t} for k in range(1, 5) for t in range(1, 5)),
    derivation=lambda factor: _size_steps(factor),
)
def exponential_growth(impl: Any, k: int, t: int) -> Comparison:
    """The Gram kernel's size less one doubles at each step."""
    return _size(impl, k, t, 2 ** (t - 1) * (k - 1) + 1)


def _size_steps(factor: Any) -> Iterator[Step]:
    k, t = sympy.symbols("k t", positive=True, integer=True)
    size = 2 ** (t - 1) * (k - 1) + 1
    yield Step("s_1 = k", size.subs(t, 1) - factor * k)
    yield Step("s_(t+1) = s_t + 2 (s_t - 1) - s_t + 1 = 2 s_t - 1, with padding s_t - 1",
               sympy.simplify(size.subs(t, t + 1) - factor * (2 * size - 1)))


def _constant_padding(impl: Any, K: Any, n: Any, n_iter: int, own: bool) -> Comparison:
    """Algorithm 6 with padding k - 1 of the first kernel (or of the current one) at every step."""
    k = np.array(np.shape(K)[2:])
    norm = impl.convolution.conv_spectral_norm(K, n).norm
    for _ in range(n_iter):
        K = impl.convolution.gram_kernel(K, 1)
        cut = np.array([0, 0]) if own else (np.array(np.shape(K)[2:]) - (2 * k - 1)) // 2
        K = K[:, :, cut[0] : np.shape(K)[2] - cut[0], cut[1] : np.shape(K)[3] - cut[1]]
    return Comparison(norm, "<=", largest(np.abs(K).sum(axis=(0, 2, 3))) ** 2.0**-n_iter)


@claim(
    "thesis.sec-3.9.4-padding",
    at="Section 3.9.4, 'zero-padding of size k - 1 is applied at every iteration, where k is the initial kernel size'",
    tex=r"\text{padding } k - 1 \text{ at every step} \implies s_t \ge \sigma_1",
    given=convolutions(kernels(1, LINES), high=4, n_iter=st.integers(1, 2)),
    verdict=Verdict.REFUTED,
    kind=Kind.MISPRINT,
    reading="Padding by the first kernel's size less one at every step, and the bound that algorithm 6 makes of it.",
    right_at="algorithm 6, line 6, and appendix A.0.4: the current kernel's size less one",
    note="The kernel then stays at 2k - 1 taps and loses its ends, and with them the bound. K = (1, 1, 1), t = 2: of (1, 4, 10, 16, 19, 16, 10, 4, 1) "
    "the middle five are kept, and 71^(1/4) = 2.903 < 3, the norm with circular padding. Algorithm 6 itself pads by the current size less one.",
    counterexample={"K": np.ones((1, 1, 1, 3)), "n": (1, 3), "n_iter": 2},
    control={"K": np.ones((1, 1, 1, 3)), "n": (1, 3), "n_iter": 1},
    amended_by="thesis.sec-3.9.4-padding.current",
)
def padding_of_the_first_kernel(impl: Any, K: Any, n: Any, n_iter: int) -> Comparison:
    """With the padding of the first kernel at every step the result is an upper bound."""
    return _constant_padding(impl, K, n, n_iter, own=False)


@claim(
    "thesis.sec-3.9.4-padding.current",
    at="Section 3.9.4, amended, and Algorithm 6, line 6",
    tex=r"\text{padding } s_t - 1 \text{ at step } t \implies s_t \ge \sigma_1",
    given=convolutions(kernels(2, LINES) | complementary_kernels(1), high=4, n_iter=st.integers(1, 2)),
    verdict=Verdict.SURVIVED,
    strata={"several channels, two steps": lambda K, n, n_iter: n_iter == 2 and several_channels(K)},
    mutants={
        "one-percent-tighter": tighten(0.01),
        "first-kernel": instead(lambda impl, K, n, n_iter: _constant_padding(impl, K, n, n_iter, own=False)),
    },
    witnesses=[{"K": np.einsum("ji,q->jiq", [[2.0, 0.0], [0.0, 1.0]], [1.0, 1.0, 1.0])[:, :, None], "n": (1, 3), "n_iter": 2}],
    adversarial=["K"],
)
def padding_of_the_current_kernel(impl: Any, K: Any, n: Any, n_iter: int) -> Comparison:
    """With the padding of the current kernel the result is an upper bound."""
    return _constant_padding(impl, K, n, n_iter, own=True)
