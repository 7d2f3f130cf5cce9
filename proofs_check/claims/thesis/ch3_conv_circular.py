"""Thesis 3.5: Gram iteration on the frequency blocks. Proposition 3.5.1, algorithm 5, its gradient and convexity.

The source counts iterates from t = 1, the code counts steps: n_iter = t - 1, and algorithm 5 runs n_iter steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import adjoint, largest, length
from proofs_check.claims.thesis.ch3_conv_fourier import generic
from proofs_check.strategies import convolutions, kernels

STEPS = st.integers(0, 4)


def _bracket(impl: Any, K: Any, n: Any, n_iter: int, h: float) -> Comparison:
    norm = impl.convolution.conv_spectral_norm(K, n).norm
    bound = impl.convolution.circular_norm_bound(K, n, n_iter)
    return Comparison([norm, bound], "<=", [bound, (norm * 0 + min(np.shape(K)[:2])) ** h * norm])


@claim(
    "thesis.prop-3.5.1",
    at="Proposition 3.5.1, equation 3.15",
    tex=r"\sigma_1(\mathbf{W}_{\mathrm{circ}}) \le \max_i \lVert \mathbf{D}_i^{(t)} \rVert_F^{2^{1-t}} \le "
    r"\min(c_{\mathrm{in}}, c_{\mathrm{out}})^{2^{-t}} \sigma_1(\mathbf{W}_{\mathrm{circ}})",
    given=convolutions(kernels(2, complex_entries=True), n_iter=STEPS),
    verdict=Verdict.SURVIVED,
    note="Convergence as a bracket that closes. For one input or output channel the bound is exact at every t.",
    strata={"two channels, three pixels": generic, "two steps or more": lambda K, n, n_iter: n_iter >= 2 and generic(K, n)},
    mutants={
        "one-percent-tighter": tighten(0.01),
        "exponent-of-the-next-step": instead(
            lambda impl, K, n, n_iter: _bracket(impl, K, n, n_iter, 2.0 ** -(n_iter + 2))),
    },
    witnesses=[
        {"K": np.array([[[[1.0, 0.0]], [[0.0, 1.0]]], [[[0.0, 1.0]], [[1.0, 0.0]]]]), "n": (1, 4), "n_iter": 2},
        {"K": np.array([[[[1.0, 0.0]], [[0.0, 0.0]]], [[[0.0, 0.0]], [[0.0, 1.0]]]]), "n": (1, 3), "n_iter": 3},
    ],
    adversarial=["K"],
    kernels=lambda K: {"K": K, "n": (4, 4), "n_iter": 2},
)
def circular_bound(impl: Any, K: Any, n: Any, n_iter: int) -> Comparison:
    """The largest Gram bound of the blocks is an upper bound on the norm, and converges to it."""
    return _bracket(impl, K, n, n_iter, 2.0 ** -(n_iter + 1))


@claim(
    "thesis.prop-3.5.1-convex",
    at="after Proposition 3.5.1, 'convex and subdifferentiable upper bound'",
    tex=r"s_t\bigl(\tfrac{K + L}{2}\bigr) \le \tfrac12 s_t(K) + \tfrac12 s_t(L),\quad s_t(-2K) = 2 s_t(K)",
    given={"K": kernels(2, ((2, 2),)).filter(lambda K: K.shape[:2] == (2, 2)),
           "L": kernels(2, ((2, 2),)).filter(lambda K: K.shape[:2] == (2, 2)),
           "n": st.tuples(st.integers(2, 3), st.integers(2, 3)), "n_iter": st.integers(0, 2)},
    verdict=Verdict.SURVIVED,
    strata={"different kernels": lambda K, L, n, n_iter: bool(np.any(K != L)) and generic(K, (3, 3)) and bool(np.any(L))},
    mutants={
        "one-percent-tighter": tighten(0.01),
        "half-the-mean": instead(lambda impl, K, L, n, n_iter: _convex(impl, K, L, n, n_iter, 0.25)),
    },
    witnesses=[{"K": np.ones((2, 2, 2, 2)), "L": 3 * np.ones((2, 2, 2, 2)), "n": (2, 3), "n_iter": 1}],
    adversarial=["K", "L"],
)
def convex(impl: Any, K: Any, L: Any, n: Any, n_iter: int) -> Comparison:
    """The bound is a norm of the kernel (or vanishes on it): convex, and homogeneous."""
    return _convex(impl, K, L, n, n_iter, 0.5)


def _convex(impl: Any, K: Any, L: Any, n: Any, n_iter: int, share: float) -> Comparison:
    def s(kernel: Any) -> Any:
        return impl.convolution.circular_norm_bound(kernel, n, n_iter)

    return Comparison([s((K + L) * 0.5), s(K * -2.0)], "<=", [share * s(K) + share * s(L), 2 * s(K)])


def _printed_algorithm(impl: Any, K: Any, n: Any, n_iter: int, forget: bool = False) -> Any:
    """Algorithm 5 line by line."""
    blocks = impl.convolution.frequency_blocks(K, n)
    D = [blocks[u, v] for u, v in np.ndindex(*n)]
    r = [0.0 for _ in D]
    for step in range(n_iter):
        for i in range(len(D)):
            size = length(D[i])
            r[i] = 2 * (r[i] + np.log(size)) if step > 0 or not forget else 0.0
            D[i] = D[i] / size
            D[i] = adjoint(D[i]) @ D[i]
    h = 2.0**-n_iter
    return largest([length(block) ** h * np.exp(h * ri) for block, ri in zip(D, r, strict=True)])


def _no_zero_block(K: Any, n: Any, **_: Any) -> bool:
    from refimpl.convolution import frequency_blocks

    sizes = np.linalg.norm(frequency_blocks(K, n), axis=(2, 3))
    return bool(sizes.min() > 1e-9 * max(1.0, sizes.max()))


@claim(
    "thesis.alg-5",
    at="Algorithm 5 (norm2_circ)",
    tex=r"\max_i \lVert \mathbf{D}_i \rVert_F^{2^{-N}} e^{2^{-N} r_i} = \max_i \lVert \mathbf{D}_i^{(N+1)} \rVert_F^{2^{-N}}",
    given=convolutions(kernels(2), high=3, n_iter=STEPS),
    where=_no_zero_block,
    verdict=Verdict.SURVIVED,
    note="Printed without the hypothesis that no block is zero. For K = (1, -1) the block of constant images is: lines 6 and 7 "
    "take the logarithm of 0 and divide by 0, and the maximum of line 9 is no number. The code leaves such a block at 0.",
    strata={"two channels, two steps": lambda K, n, n_iter: n_iter >= 2 and generic(K, n)},
    mutants={
        "one-percent": scale_right(1.01),
        "one-rescaling-forgotten": instead(lambda impl, K, n, n_iter: Comparison(
            _printed_algorithm(impl, K, n, n_iter, forget=True), "==",
            impl.convolution.circular_norm_bound(K, n, n_iter))),
    },
    adversarial=["K"],
)
def algorithm_is_the_bound(impl: Any, K: Any, n: Any, n_iter: int) -> Comparison:
    """Algorithm 5 with its rescaling returns the bound of proposition 3.5.1."""
    return Comparison(
        _printed_algorithm(impl, K, n, n_iter), "==", impl.convolution.circular_norm_bound(K, n, n_iter))


def _bounds(K: Any, n: Any, n_iter: int) -> Any:
    """Block bounds in floats, half of the frequencies, for choosing one."""
    from refimpl.convolution import frequency_blocks
    from refimpl.spectral import gram_iteration

    K = np.array([float(v) for v in np.asarray(K).ravel()]).reshape(np.shape(K))
    D = frequency_blocks(K, n, half=True)
    return np.array([[gram_iteration(block, n_iter) for block in row] for row in D])


def _one_leader(K: Any, n: Any, n_iter: int, **_: Any) -> bool:
    """One frequency, up to conjugates, is ahead of the others."""
    if not np.any(K):
        return False
    bounds = _bounds(K, n, n_iter)
    u, v = np.unravel_index(bounds.argmax(), bounds.shape)
    rivals = bounds.copy()
    rivals[u, v] = 0
    if 2 * v % n[1] == 0:
        rivals[-u % n[0], v] = 0
    return bool(rivals.max() < 0.999 * bounds.max())


def _slope(impl: Any, K: Any, H: Any, n: Any, n_iter: int, sign: int) -> Any:
    """The derivative along H of tr((D* D)^p)^(1/2p), p = 2^n_iter, at the leading frequency."""
    bounds = _bounds(K, n, n_iter)
    u, v = (int(i) for i in np.unravel_index(bounds.argmax(), bounds.shape))
    D, dD = (impl.convolution.frequency_blocks(kernel, n)[sign * u, sign * v] for kernel in (K, H))
    gram, power = adjoint(D) @ D, adjoint(D)
    for _ in range(2**n_iter - 1):
        power = gram @ power
    trace = (power @ D).trace().real
    return (power @ dD).trace().real * trace ** (2.0 ** -(n_iter + 1) - 1)


def _gradient(impl: Any, K: Any, H: Any, n: Any, n_iter: int, reverse: bool = False) -> Comparison:
    g = impl.convolution.circular_norm_bound_gradient(K, n, n_iter)
    g = g[:, :, ::-1, ::-1] if reverse else g
    bound = impl.convolution.circular_norm_bound(K, n, n_iter)
    return Comparison([(g * K).sum(), (g * H).sum()], "==", [bound, _slope(impl, K, H, n, n_iter, 1)])


@claim(
    "thesis.alg-5-gradient",
    at="section 3.5, 'for the backward computation'",
    tex=r"\langle \nabla s_t(K), H \rangle = s_t'(K; H),\quad \langle \nabla s_t(K), K \rangle = s_t(K)",
    given=convolutions(kernels(2), low=2, high=3, n_iter=st.integers(0, 2)).flatmap(lambda case: st.fixed_dictionaries(
        {key: st.just(value) for key, value in case.items()}
        | {"H": st.lists(st.integers(-2, 2).map(float), min_size=case["K"].size, max_size=case["K"].size).map(
            lambda taps: np.array(taps).reshape(case["K"].shape))})),
    where=_one_leader,
    verdict=Verdict.SURVIVED,
    note="Where one frequency leads (up to conjugates); the derivative along H from tr (D* D)^p.",
    strata={"two channels, a direction": lambda K, H, n, n_iter: generic(K, n) and bool(np.any(H)) and n_iter >= 1},
    mutants={
        "one-percent": scale_right(1.01),
        "flipped": instead(lambda impl, **case: _gradient(impl, **case, reverse=True)),
    },
)
def gradient(impl: Any, K: Any, H: Any, n: Any, n_iter: int) -> Comparison:
    """The gradient of the leading block's bound, taken back to the kernel, is the gradient of the bound."""
    return _gradient(impl, K, H, n, n_iter)


@claim(
    "thesis.prop-3.5.1-subgradient",
    at="after Proposition 3.5.1, 'subdifferentiable'",
    tex=r"s_t(L) \ge \langle G, L \rangle,\quad G \in \partial s_t(K)",
    given={"K": kernels(2, ((1, 2),)).filter(np.any), "L": kernels(2, ((1, 2),)), "n": st.tuples(st.just(1), st.integers(2, 4)),
           "n_iter": st.integers(0, 2)},
    where=lambda K, L, n, n_iter: np.shape(K) == np.shape(L) and bool(np.any(K)),
    verdict=Verdict.SURVIVED,
    note="Everywhere but at zero, kinks included: with ties between frequencies the first one's gradient is a subgradient.",
    strata={"two channels": lambda K, L, n, n_iter: np.shape(K)[:2] == (2, 2) and bool(np.any(L)) and bool(np.any(K != L))},
    mutants={"ten-percent-tighter": tighten(0.1)},
    witnesses=[
        {"K": np.array([[[[2.0, -1.0]]]]), "L": np.array([[[[1.0, -2.0]]]]), "n": (1, 4), "n_iter": 1},
        {"K": np.array([[[[1.0, 0.0]]]]), "L": np.array([[[[1.0, 1.0]]]]), "n": (1, 4), "n_iter": 1},
        {"K": np.einsum("ji,q->jiq", np.diag([2.0, 1.0]), [1.0, 1.0])[:, :, None], "n": (1, 4), "n_iter": 1,
         "L": np.einsum("ji,q->jiq", np.diag([4.0, 2.0]), [1.0, 1.0])[:, :, None]},
    ],
    # At a tie floats and balls may take different frequencies: only the inequality is claimed.
    rounding=lambda **_: float("inf"),
)
def subgradient(impl: Any, K: Any, L: Any, n: Any, n_iter: int) -> Comparison:
    """The returned gradient is a subgradient of the bound, at kinks too."""
    g = impl.convolution.circular_norm_bound_gradient(K, n, n_iter)
    return Comparison((g * L).sum(), "<=", impl.convolution.circular_norm_bound(L, n, n_iter))
