"""Thesis 3.8: strided convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead, tighten
from proofs_check.strategies import kernels

LINES = ((1, 1), (1, 2), (1, 3))
SHAPES = (*LINES, (2, 2), (2, 3))


def _two_channels(K: Any, **_: Any) -> bool:
    K = np.asarray(K)
    return min(K.shape[:2]) >= 2 and K[0, 0].size >= 2 and bool(
        np.linalg.matrix_rank(K.reshape(len(K), -1)) >= 2)


def _strided(kernel: Any, multiples: Any = None, **rest: Any) -> Any:
    """Cases of a kernel, a stride and a size; of height 1 for kernels of height 1."""
    def case(pair: Any) -> Any:
        K, s = pair
        flat = np.shape(K)[2] == 1
        stride = (1 if flat else s[0], s[1])
        if multiples is None:
            sizes = st.tuples(st.just(1) if flat else st.integers(stride[0], 4), st.integers(stride[1], 6))
        else:
            sizes = st.tuples(st.just(1) if flat else multiples.map(lambda m: m * stride[0]), multiples.map(lambda m: m * stride[1]))
        return st.fixed_dictionaries({"K": st.just(K), "n": sizes, "stride": st.just(stride), **rest})

    return st.tuples(kernel, st.tuples(st.integers(1, 2), st.integers(1, 3))).flatmap(case)


def _norm(impl: Any, K: Any, n: Any, stride: Any, padding: str = "circular") -> Any:
    return impl.convolution.conv_spectral_norm(K, n, stride=stride, padding=padding).norm


def _tiled(kernel: Any, **rest: Any) -> Any:
    """Cases with stride = size of the kernel."""
    def case(K: Any) -> Any:
        k = np.shape(K)[2:]
        sizes = st.tuples(st.integers(1, 2).map(lambda m: m * k[0]), st.integers(1, 3).map(lambda m: m * k[1]))
        return st.fixed_dictionaries({"K": st.just(K), "n": sizes, **rest})

    return kernel.flatmap(case)


def _equal(impl: Any, K: Any, n: Any, padding: str, rows: bool = False) -> Comparison:
    c_out, c_in, k_h, k_w = np.shape(K)
    matrix = K.transpose(0, 2, 1, 3).reshape(c_out * k_h, c_in * k_w) if rows else K.reshape(c_out, -1)
    return Comparison(_norm(impl, K, n, (k_h, k_w), padding), "==", impl.spectral.spectral_norm(matrix))


@claim(
    "thesis.sec-3.8-equal",
    at="Section 3.8, s = k",
    tex=r"s = k,\ k \mid n \implies \lVert \mathbf{W}_{K,s} \rVert_2 = \lVert K \rVert_2,\quad K \in \mathbb{R}^{c_{\mathrm{out}} \times c_{\mathrm{in}} k^2}",
    given=_tiled(kernels(2, SHAPES, complex_entries=True), padding=st.sampled_from(("circular", "valid"))),
    verdict=Verdict.SURVIVED,
    note="With k a divisor of n, which is not printed, and the norm of the kernel as a matrix of c_out rows.",
    strata={"two channels": _two_channels},
    mutants={
        "one-percent": tighten(0.01),
        "rows-of-the-kernel": instead(lambda impl, K, n, padding: _equal(impl, K, n, padding, rows=True)),
    },
    witnesses=[{"K": np.arange(1.0, 17.0).reshape(2, 2, 2, 2), "n": (2, 4), "padding": "circular"}],
    adversarial=["K"],
)
def norm_of_a_tiling_kernel(impl: Any, K: Any, n: Any, padding: str) -> Comparison:
    """Where windows tile the image the norm is that of the kernel as a matrix."""
    return _equal(impl, K, n, padding)


def _rows_kept(impl: Any, K: Any, n: Any, stride: Any, padding: str, first: int) -> Comparison:
    c_out = np.shape(K)[0]
    W = impl.convolution.strided_matrix(K, n, 1, padding=padding)
    kept = W.reshape(c_out, *n, -1)[:, first % stride[0] :: stride[0], first % stride[1] :: stride[1]]
    strided = impl.convolution.strided_matrix(K, n, stride, padding=padding)
    if kept.size != strided.size:  # a row more or less
        return Comparison(1.0, "==", 0.0)
    return Comparison(strided.ravel(), "==", kept.ravel())


@claim(
    "thesis.sec-3.8-downsampling.rows",
    at="Section 3.8, DownSampling_s",
    tex=r"\mathbf{W}_{K,s} = \mathrm{DownSampling}_s \mathbf{W}_{K,1}",
    given=_strided(kernels(2, SHAPES), padding=st.sampled_from(("circular", "zero"))),
    verdict=Verdict.SURVIVED,
    note="One entry in s is kept, the first.",
    strata={"stride 2": lambda K, n, stride, padding: stride[1] == 2 and n[1] >= 2 and np.count_nonzero(K) >= 2},
    mutants={"the-last": instead(lambda impl, **case: _rows_kept(impl, **case, first=-1)), "one-percent": tighten(0.01)},
    witnesses=[{"K": np.array([[[[1.0, 2.0, 3.0]]]]), "n": (1, 4), "stride": (1, 2), "padding": "zero"}],
    adversarial=["K"],
)
def strided_rows(impl: Any, K: Any, n: Any, stride: Any, padding: str) -> Comparison:
    """A strided convolution keeps the first of every s rows of its matrix, in each axis."""
    return _rows_kept(impl, K, n, stride, padding, 0)


@claim(
    "thesis.sec-3.8-downsampling",
    at="Section 3.8, 'stride reduces the spectral norm'",
    tex=r"\lVert \mathbf{W}_{K,s} \rVert_2 \le \lVert \mathbf{W}_{K,1} \rVert_2",
    given=_strided(kernels(2, SHAPES, complex_entries=True), padding=st.sampled_from(("circular", "zero", "full"))),
    verdict=Verdict.SURVIVED,
    note="Not increased; it need not fall: a 1 x 1 kernel keeps its norm at every stride.",
    strata={"two channels, stride 2 or more": lambda K, n, stride, padding: _two_channels(K) and max(stride) >= 2},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"K": np.einsum("ji,q->jiq", np.diag([2.0, 1.0]), [1.0, 0.0])[:, :, None], "n": (1, 4), "stride": (1, 2), "padding": padding}
               for padding in ("circular", "zero", "full")],
    adversarial=["K"],
    # One tap keeps its norm: an equality, which only balls decide, and not for hundreds of channels.
    kernels=lambda K: None if K[0, 0].size == 1 else {"K": K, "n": (4, 4), "stride": (2, 2), "padding": "circular"},
)
def stride_does_not_increase_the_norm(impl: Any, K: Any, n: Any, stride: Any, padding: str) -> Comparison:
    """The norm with a stride is at most the norm without."""
    return Comparison(_norm(impl, K, n, stride, padding), "<=", _norm(impl, K, n, 1, padding))


def _refined(impl: Any, K: Any, n: Any, stride: Any, n_iter: int, power: float) -> Comparison:
    norm = _norm(impl, K, n, stride)
    bound = impl.convolution.strided_norm_bound(K, n, stride, n_iter)
    rank = min(np.shape(K)[0], np.shape(K)[1] * stride[0] * stride[1])
    return Comparison([norm, bound], "<=", [bound, (norm * 0 + rank) ** power * norm])


@claim(
    "thesis.sec-3.8-refined",
    at="Section 3.8, 'one can adapt the Gram iteration procedure' (after Senderovich et al.)",
    tex=r"\lVert \mathbf{W}_{K,s} \rVert_2 \le s_t(K^{\mathrm{poly}}) \le \min(c_{\mathrm{out}}, c_{\mathrm{in}} s^2)^{2^{-t}} \lVert \mathbf{W}_{K,s} \rVert_2",
    given=_strided(kernels(2, SHAPES), st.integers(1, 3), n_iter=st.integers(0, 3)),
    verdict=Verdict.SURVIVED,
    note="Circular padding, s a divisor of n: the strided convolution is one without stride of the s x s phases of the image, so Gram iteration "
    "converges to its norm.",
    strata={"two channels, stride 2 or more": lambda K, n, stride, n_iter: _two_channels(K) and max(stride) >= 2},
    mutants={
        "one-percent-tighter": tighten(0.01),
        "exponent-of-the-next-step": instead(lambda impl, K, n, stride, n_iter: _refined(
            impl, K, n, stride, n_iter, 2.0 ** -(n_iter + 2))),
    },
    witnesses=[{"K": np.array([[[[1.0, 0.0]], [[0.0, 0.0]]], [[[0.0, 1.0]], [[0.0, 0.0]]]]), "n": (1, 4), "stride": (1, 2), "n_iter": 2},
               {"K": np.array([[[[1.0, 0.0]], [[0.0, 1.0]]], [[[0.0, 1.0]], [[1.0, 0.0]]]]) / 1.0, "n": (1, 4), "stride": (1, 2), "n_iter": 0}],
    adversarial=["K"],
    kernels=lambda K: {"K": K, "n": (4, 4), "stride": (2, 2), "n_iter": 1},
)
def polyphase_bound(impl: Any, K: Any, n: Any, stride: Any, n_iter: int) -> Comparison:
    """Gram iteration on the polyphase kernel bounds the strided norm and converges to it."""
    return _refined(impl, K, n, stride, n_iter, 2.0 ** -(n_iter + 1))


@claim(
    "thesis.sec-3.8-refined-any",
    at="Section 3.8, for zero padding and for sizes that the stride does not divide",
    tex=r"\lVert \mathbf{W}_{K,s} \rVert_2 \le \text{strided\_norm\_bound}",
    given=_strided(kernels(2, SHAPES), n_iter=st.integers(1, 2), padding=st.sampled_from(("circular", "zero"))),
    verdict=Verdict.SURVIVED,
    note="Zero padding: the polyphase kernel's bound, for every size. Circular with s no divisor of n: the bound without stride.",
    strata={
        "zero, two channels": lambda K, n, stride, n_iter, padding: padding == "zero" and _two_channels(K) and max(stride) >= 2,
        "circular, no divisor": lambda K, n, stride, n_iter, padding: padding == "circular" and n[1] % stride[1] != 0 and bool(np.any(K)),
    },
    mutants={"fifth-tighter": tighten(0.2)},
    witnesses=[{"K": np.einsum("ji,q->jiq", np.diag([2.0, 1.0]), [1.0, 0.0])[:, :, None], "n": (1, 4), "stride": (1, 2), "n_iter": 1,
                "padding": "zero"},
               {"K": np.ones((1, 1, 1, 2)), "n": (1, 3), "stride": (1, 2), "n_iter": 1, "padding": "circular"},
               {"K": np.array([[[[1.0, 0.0]]]]), "n": (1, 3), "stride": (1, 2), "n_iter": 1, "padding": "circular"}],
    adversarial=["K"],
)
def strided_bound_in_general(impl: Any, K: Any, n: Any, stride: Any, n_iter: int, padding: str) -> Comparison:
    """The strided bound holds for zero padding and for every size."""
    bound = impl.convolution.strided_norm_bound(K, n, stride, n_iter, padding=padding)
    return Comparison(_norm(impl, K, n, stride, padding), "<=", bound)
