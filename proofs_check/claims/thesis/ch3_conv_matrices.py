"""Thesis 3.4 and A.0.1, A.0.2: a convolution as a matrix. Layouts, index origins, orientation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Kind, Verdict, claim, instead, scale_right
from proofs_check.strategies import convolutions, image_sizes, images, kernels, unit_arrays

# (c_out, c_in, k_h, k_w) and (h, w): small enough that every pair of unit arrays can be tried.
SHAPES = [((1, 1, 1, 2), (1, 3)), ((1, 1, 1, 3), (1, 2)), ((2, 2, 1, 2), (1, 2)), ((1, 1, 2, 2), (2, 3))]
PADDINGS = ("circular", "zero", "full", "valid")


def with_images(kernel: Any, **rest: Any) -> Any:
    """Cases of a kernel, an image that fits, and further arguments."""
    sized = kernel.flatmap(lambda K: st.tuples(st.just(K), image_sizes(K, 1, 3)))
    return sized.flatmap(lambda pair: st.fixed_dictionaries(
        {"X": images(pair[0].shape[1], pair[1]), "K": st.just(pair[0]), **rest}))


def _units(**rest: tuple[Any, ...]) -> Iterator[Case]:
    """All unit kernels with all unit images: enough for an identity that is linear in both."""
    for shape, size in SHAPES:
        for K in unit_arrays(*shape):
            for X in unit_arrays(shape[1], *size):
                for values in np.ndindex(*(len(v) for v in rest.values())):
                    yield {"X": X, "K": K} | {key: v[i] for (key, v), i in zip(rest.items(), values, strict=True)}


def _fits(X: Any, K: Any, **_: Any) -> bool:
    return bool((np.array(np.shape(K)[2:]) <= np.shape(X)[1:]).all())


def correlate(X: Any, K: Any, first: int = 0, direction: int = 1) -> Any:
    """Circular correlation (direction 1) or convolution (-1), taps counted from `first`, pixel by pixel."""
    c_out, c_in, k_h, k_w = np.shape(K)
    rows = []
    for j in range(c_out):
        total = 0
        for i in range(c_in):
            for p, q in np.ndindex(k_h, k_w):
                shift = (-direction * (p + first), -direction * (q + first))
                total = total + K[j, i, p, q] * np.roll(X[i], shift, (0, 1))
        rows.append(total)
    return np.stack(rows)


def _printed(impl: Any, X: Any, K: Any, first: int, direction: int = 1) -> Comparison:
    W = impl.convolution.circulant_matrix(K, np.shape(X)[1:], anchor=0)
    return Comparison(correlate(X, K, first, direction).ravel(), "==", W @ X.ravel())


@claim(
    "thesis.eq-3.7",
    at="Equation 3.7 with the matrix of 3.10",
    tex=r"\mathbf{Y}_{j,u,v} = \sum_i \sum_{k_1=1}^n \sum_{k_2=1}^n \mathbf{X}_{i,u+k_1,v+k_2} K_{j,i,k_1,k_2} "
    r"\implies \operatorname{vec}(\mathbf{Y}) = \mathbf{W}_{\mathrm{circ}} \mathbf{x}",
    given=with_images(kernels(1)),
    where=_fits,
    verdict=Verdict.REFUTED,
    kind=Kind.MISPRINT,
    reading="Both sums from 1 to n as printed, indices modulo n, with the matrix of equation 3.10.",
    right_at="section 3.7.1, whose sums run from 0",
    note="Counted from 1, the first tap meets the pixel after (u, v); the matrix of equation 3.10 has it on the diagonal. "
    "The output is moved by one pixel each way: harmless for norms with circular padding, not with zeros outside.",
    counterexample={"X": np.array([[[0.0, 1.0]]]), "K": np.array([[[[1.0]]]])},
    control={"X": np.array([[[1.0, 1.0]]]), "K": np.array([[[[1.0]]]])},
    amended_by="thesis.eq-3.7.from-zero",
)
def counted_from_one(impl: Any, X: Any, K: Any) -> Comparison:
    """With taps counted from 1 the sum of equation 3.7 is the product with the matrix of equation 3.10."""
    return _printed(impl, X, K, 1)


@claim(
    "thesis.eq-3.7.from-zero",
    at="Equation 3.7, amended, with the matrix of 3.10",
    tex=r"\mathbf{Y}_{j,u,v} = \sum_i \sum_{p,q} \mathbf{X}_{i,u+p,v+q} K_{j,i,p,q},\ p, q \ge 0 "
    r"\iff \operatorname{vec}(\mathbf{Y}) = \mathbf{W}_{\mathrm{circ}} \mathbf{x}",
    given=with_images(kernels(2, complex_entries=True)),
    verdict=Verdict.PROVED,
    note="A correlation, as in the frameworks, not a convolution. Linear in K and in X: unit kernels and unit images "
    "decide, for the shapes tried. Wrapped taps included.",
    strata={
        "two-dimensional": lambda X, K: np.shape(K)[2] >= 2 and np.any(K[:, :, 1:]),
        "three pixels, not symmetric": lambda X, K: np.shape(X)[2] == 3 and np.any(K[..., 1:2] != K[..., 2:3]),
    },
    mutants={
        "convolution": instead(lambda impl, X, K: _printed(impl, X, K, 0, -1)),
        "counted-from-one": instead(lambda impl, X, K: _printed(impl, X, K, 1)),
        "one-percent": scale_right(1.01),
    },
    exhaustive=lambda: _units(),
)
def counted_from_zero(impl: Any, X: Any, K: Any) -> Comparison:
    """With taps counted from 0 the correlation is the product with the block circulant matrix."""
    Y = impl.convolution.conv2d(X, K, anchor=0).ravel()
    W = impl.convolution.circulant_matrix(K, np.shape(X)[1:], anchor=0)
    return Comparison([correlate(X, K).ravel(), Y], "==", [W @ X.ravel(), W @ X.ravel()])


def _as_matrix(impl: Any, X: Any, K: Any, padding: str, stride: int, flipped: bool = False) -> Comparison:
    n = np.shape(X)[1:]
    W = impl.convolution.strided_matrix(K[:, :, ::-1, ::-1] if flipped else K, n, (1, stride), padding=padding)
    Y = impl.convolution.conv2d(X, K, padding=padding, stride=(1, stride))
    return Comparison(Y.ravel(), "==", W @ X.ravel())


@claim(
    "thesis.eq-3.8",
    at="Equations 3.8 and 3.9, section 3.8",
    tex=r"\operatorname{vec}(K \star \mathbf{X}) = \mathbf{W} \operatorname{vec}(\mathbf{X})",
    given=with_images(kernels(2), padding=st.sampled_from(PADDINGS), stride=st.integers(1, 2)),
    where=lambda X, K, padding, stride: stride <= np.shape(X)[2] and (padding != "valid" or _fits(X, K)),
    verdict=Verdict.PROVED,
    note="For every padding and stride; images are flattened channel by channel, row by row. Bilinear: unit kernels "
    "and unit images decide, for the shapes tried.",
    strata={
        f"{padding}, not symmetric": lambda padding_=padding, **case: case["padding"] == padding_
        and np.any(case["K"] != case["K"][:, :, ::-1, ::-1]) for padding in PADDINGS
    } | {"stride 2": lambda stride, **_: stride == 2},
    mutants={
        "one-percent": scale_right(1.01),
        "flipped-kernel": instead(lambda impl, **case: _as_matrix(impl, **case, flipped=True)),
    },
    exhaustive=lambda: (case for case in _units(padding=PADDINGS, stride=(1, 2))
                        if case["padding"] != "valid" or _fits(**case)),
)
def matrix_vector_product(impl: Any, X: Any, K: Any, padding: str, stride: int) -> Comparison:
    """A convolution is the product with its matrix."""
    return _as_matrix(impl, X, K, padding, stride)


def _diagonal(k: int, centred: bool) -> int:
    """The tap on the diagonal, from 0; printed is the floor of k/2, counted from 1."""
    return (k - 1) // 2 if centred else max(k // 2 - 1, 0)


def _doubly_toeplitz(K: Any, n: tuple[int, int], centred: bool, direction: int) -> Any:
    """Layout A.1: block (U, V) and entry (u, v) hold the tap whose offset from the diagonal is U - V, u - v."""
    (h, w), (c_out, c_in, k_h, k_w) = n, np.shape(K)
    a, b = _diagonal(k_h, centred), _diagonal(k_w, centred)
    W = np.zeros((c_out, h, w, c_in, h, w), dtype=np.asarray(K).dtype)
    for U, u, V, v in np.ndindex(h, w, h, w):
        p, q = a + direction * (V - U), b + direction * (v - u)
        if 0 <= p < k_h and 0 <= q < k_w:
            W[:, U, u, :, V, v] = K[:, :, p, q]
    return W.reshape(c_out * h * w, c_in * h * w)


def _layout(impl: Any, K: Any, n: Any, centred: bool, direction: int) -> Comparison:
    return Comparison(_doubly_toeplitz(K, n, centred, direction), "==", impl.convolution.toeplitz_matrix(K, n))


def _unit_kernels(*sizes: tuple[int, int]) -> Iterator[Case]:
    for shape, _ in SHAPES:
        for K in unit_arrays(*shape):
            for n in sizes:
                yield {"K": K, "n": n}


@claim(
    "thesis.A.0.1",
    at="Appendix A.0.1, equation A.1",
    tex=r"\operatorname{toep}(K)_{u,v} = K_{\lfloor k/2 \rfloor + u - v} \text{ is the matrix of the zero-padded layer}",
    given=convolutions(kernels(1), high=3),
    verdict=Verdict.REFUTED,
    kind=Kind.MISPRINT,
    reading="Odd k, taps counted from 1 as in the display, output of the size of the image.",
    right_at="section 3.7.1, where taps are counted from 0 and floor(k/2) is the middle one; rising to the right in equation 3.10",
    note="For k = 3 the diagonal would carry tap 1, not tap 2, and taps fall to the right, which is a convolution where "
    "equation 3.7 is a correlation. Not harmless: for K = (1, 1, 1) and two pixels the printed matrix has norm 1.618, the layer 2. "
    "(A.1 itself has tap floor(k/2) + 1 in its second row.)",
    counterexample={"K": np.array([[[[0.0, 1.0, 0.0]]]]), "n": (1, 2)},
    control={"K": np.array([[[[1.0]]]]), "n": (1, 2)},
    amended_by="thesis.A.0.1.centred",
)
def printed_toeplitz_layout(impl: Any, K: Any, n: Any) -> Comparison:
    """The printed Toeplitz layout is the matrix of the convolution that keeps the size of the image."""
    return _layout(impl, K, n, centred=False, direction=-1)


@claim(
    "thesis.A.0.1.centred",
    at="Appendix A.0.1, equation A.1, amended",
    tex=r"\operatorname{toep}(K)_{u,v} = K_{\lceil k/2 \rceil + v - u}",
    given=convolutions(kernels(2, complex_entries=True), high=3),
    verdict=Verdict.PROVED,
    note="Taps counted from 1. Linear in K: unit kernels decide, for the shapes tried. With falling indices (as printed) "
    "it is the matrix of the flipped kernel, of the same norm where k is odd.",
    strata={
        "three taps, not symmetric": lambda K, n: np.shape(K)[3] == 3 and n[1] >= 2 and np.any(K[..., 0] != K[..., 2]),
        "two-dimensional": lambda K, n: np.shape(K)[2] == 3 and np.shape(K)[3] == 3 and min(n) >= 2
        and np.any(K[:, :, 0, 1] != K[:, :, 2, 1]) and np.any(K[:, :, 1, 0] != K[:, :, 1, 2]),
    },
    mutants={
        "one-percent": scale_right(1.01),
        "falling-indices": instead(lambda impl, K, n: _layout(impl, K, n, True, -1)),
        "floor": instead(lambda impl, K, n: _layout(impl, K, n, False, 1)),
    },
    exhaustive=lambda: _unit_kernels((1, 2), (2, 2), (1, 3)),
)
def centred_toeplitz_layout(impl: Any, K: Any, n: Any) -> Comparison:
    """With tap ceil(k/2) on the diagonal and indices rising to the right, the layout is the layer's matrix."""
    return _layout(impl, K, n, centred=True, direction=1)


def _doubly_circulant(impl: Any, K: Any, n: Any, direction: int) -> Comparison:
    (h, w), (c_out, c_in, k_h, k_w) = n, np.shape(K)
    W = np.zeros((c_out, h, w, c_in, h, w), dtype=np.asarray(K).dtype)
    for U, u, V, v in np.ndindex(h, w, h, w):
        p, q = direction * (V - U) % h, direction * (v - u) % w
        if p < k_h and q < k_w:
            W[:, U, u, :, V, v] = K[:, :, p, q]
    printed = W.reshape(c_out * h * w, c_in * h * w)
    return Comparison(printed, "==", impl.convolution.circulant_matrix(K, n, anchor=0))


@claim(
    "thesis.A.0.2",
    at="Appendix A.0.2 and equation 3.10",
    tex=r"\mathbf{W}_{\mathrm{circ}} = \operatorname{blkcirc}(K_1, \dots, K_n),\ "
    r"\operatorname{circ}(K)_{u,v} = K_{(v - u) \bmod n}",
    given=convolutions(kernels(2, complex_entries=True), high=4),
    where=lambda K, n: bool((np.array(np.shape(K)[2:]) <= n).all()),
    verdict=Verdict.PROVED,
    note="The layout of a correlation. Linear in K: unit kernels decide, for the shapes tried.",
    strata={
        "three pixels, not symmetric": lambda K, n: n[1] >= 3 and np.shape(K)[3] >= 2 and np.any(K[..., 1] != 0),
        "two-dimensional": lambda K, n: n[0] >= 3 and np.shape(K)[2] >= 2 and np.any(K[:, :, 1] != 0),
    },
    mutants={
        "one-percent": scale_right(1.01),
        "rows-shifted-left": instead(lambda impl, K, n: _doubly_circulant(impl, K, n, -1)),
    },
    exhaustive=lambda: _unit_kernels((2, 3), (3, 3)),
)
def block_circulant_layout(impl: Any, K: Any, n: Any) -> Comparison:
    """Each row of blocks is the one above moved to the right, and so is each row of a block."""
    return _doubly_circulant(impl, K, n, 1)
