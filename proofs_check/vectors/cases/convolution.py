"""Convolutions: their values, matrices and exact norms."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.balls import convolution
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import ARRAY, CHOICE, COMPLEX, INTEGER, SIZE, Case, Function, bad, distinct
from proofs_check.vectors.cases._kernels import (
    CORNER,
    EVEN,
    SWAPPED,
    Setting,
    bad_kernels,
    complex_settings,
    explicit,
    geometric,
    one,
    plain,
)
from proofs_check.vectors.cases._norms import conv_norm

HOW = {"padding": CHOICE, "stride": SIZE, "dilation": SIZE, "groups": INTEGER, "anchor": SIZE}
OPTIONAL = ("stride", "dilation", "groups", "anchor")
ANCHORED = [
    Setting("anchored at the first tap", ("Anchor", "EvenKernel"), EVEN, 3, {"padding": "circular", "anchor": (0, 0)}),
    Setting("an even kernel anchored at its other middle", ("Anchor", "EvenKernel"), EVEN, 4, {"padding": "zero", "anchor": (1, 1)}),
    Setting("anchored at the last tap", ("Anchor",), CORNER, 3, {"padding": "zero", "anchor": (2, 2)}),
    Setting("anchored at the first row, the last column", ("Anchor", "ChannelOrder"), CORNER, (3, 4), {"padding": "zero", "anchor": (0, 2)}),
    Setting("anchored at the last row, the middle column", ("Anchor", "ChannelOrder"), CORNER, 4, {"padding": "circular", "anchor": (2, 1)}),
    Setting("anchored at the first tap, stride 2", ("Anchor", "Stride"), CORNER, 4, {"padding": "zero", "anchor": (0, 0), "stride": 2}),
]


def _cases(settings: list[Setting], inputs: Any) -> list[Case]:
    return [Case(s.comment, s.flags, inputs(s)) for s in settings]


def _varied(drawn: int = 6) -> list[Setting]:
    """Half of the plain ones are enough beside all geometries."""
    return explicit(plain(drawn=0)[::2] + ANCHORED + complex_settings() + geometric(drawn))


def _norm_cases() -> list[Case]:
    some = explicit(plain(drawn=4) + ANCHORED + complex_settings() + geometric(4))
    return [*_cases(some, Setting.inputs), *bad_kernels(n=3, padding="circular"),
            bad("no pixels", K=CORNER, n=0, padding="zero"),
            bad("no such padding", K=CORNER, n=3, padding="reflect"),
            bad("two groups of three channels", K=np.ones((3, 1, 1, 1)), n=2, padding="zero", groups=2),
            bad("stride 0", K=CORNER, n=3, padding="zero", stride=0),
            bad("no padding, image smaller than the kernel", K=CORNER, n=2, padding="valid")]


def _norm(K: Any, n: Any, **how: Any) -> Any:
    return {"norm": conv_norm(K, n, **how)}


def _image(s: Setting, number: int, shape: tuple[int, ...]) -> Any:
    draws = Draws(f"image {number} {s.comment}", 0)
    real = draws.array(*shape, high=8, of=2)
    return real + 1j * draws.array(*shape, high=8, of=2) if "Complex" in s.flags and number % 2 else real


def _forward() -> list[Case]:
    cases = []
    for i, s in enumerate(_varied()):
        cases.append(Case(s.comment, s.flags, {"X": _image(s, i, (s.channels, *s.size)), "K": s.K, **s.how}))
    X, huge = np.zeros((1, 1, 3)), 2.0**13
    X[0, 0] = [huge, 1, -huge]
    cancels = Case("2^26 and -2^26 cancel: what is summed in single precision loses the 1", ("Cancellation",),
                   {"X": X, "K": one([huge, 1, huge]), "padding": "valid"})
    arrow = Case("the value at a pixel names its tap: convolution for correlation is found out", ("ChannelOrder",),
                 {"X": one([0, 0, 0], [0, 1, 0], [0, 0, 0])[0], "K": one([1, 2, 3], [4, 5, 6], [7, 8, 9]), "padding": "zero"})
    mixed = Case("two channels to two, unsymmetric", ("ChannelOrder",),
                 {"X": np.arange(8.0).reshape(2, 2, 2), "K": SWAPPED, "padding": "zero"})
    return [cancels, arrow, mixed, *cases, *bad_kernels(X=np.ones((1, 3, 3)), padding="zero"),
            bad("channels do not fit", X=np.ones((2, 3, 3)), K=CORNER, padding="zero"),
            bad("no such padding", X=np.ones((1, 3, 3)), K=CORNER, padding="reflect"),
            bad("stride 0", X=np.ones((1, 3, 3)), K=CORNER, padding="zero", stride=0)]


def _backward() -> list[Case]:
    cases = []
    for i, s in enumerate(_varied()):
        layer = convolution._Layer(s.K, s.n, **s.how)
        cases.append(Case(s.comment, ("Transposed", *s.flags), {"Y": _image(s, i, layer.shape_out), "K": s.K, "n": s.n, **s.how}))
    mixed = Case("two channels to two, unsymmetric", ("Transposed", "ChannelOrder"),
                 {"Y": np.arange(8.0).reshape(2, 2, 2), "K": SWAPPED, "n": 2, "padding": "zero"})
    return [mixed, *cases, *bad_kernels(Y=np.ones((1, 3, 3)), n=3, padding="zero"),
            bad("the output is of another size", Y=np.ones((1, 2, 2)), K=CORNER, n=3, padding="zero"),
            bad("channels do not fit", Y=np.ones((2, 3, 3)), K=CORNER, n=3, padding="zero")]


def _small(settings: list[Setting], most: int = 150) -> list[Setting]:
    return [s for s in settings if s.K.shape[0] * s.channels * (s.size[0] * s.size[1]) ** 2 <= most]


def _circulant() -> list[Case]:
    taps = [one([a, b, c]) for a, b, c in ((1, 2, 3), (0, 1, 0), (1, 0, -1), (2, -1, 0), (3, 3, 3))]
    lines = [Setting(f"a row of {w} pixels", ("ChannelOrder",) if w >= 3 else ("SmallImage", "Aliasing"), K, (1, w))
             for K in taps for w in (1, 2, 3, 5)]
    even = [Setting(f"two taps on {w} pixels", ("EvenKernel",), one([1, 2]), (1, w)) for w in (1, 2, 3, 4)]
    columns = [Setting(f"a column of {h} pixels", ("ChannelOrder",), one([1], [-2], [4]), (h, 1)) for h in (1, 2, 3, 4)]
    cases = _cases(_small(plain(drawn=0)) + complex_settings(geometry=False) + lines + even + columns, Setting.inputs)
    return [*cases, *bad_kernels(n=3), bad("no pixels", K=CORNER, n=0)]


def _toeplitz() -> list[Case]:
    lines = [Setting(f"a row of {w} pixels, {p}", ("SmallImage",) if w < 3 else ("ChannelOrder",), K, (1, w), {"padding": p})
             for K in (one([1, 2, 3]), one([1, 2]), one([0, 5, -1])) for w in (1, 2, 3, 4) for p in ("zero", "full", "valid")
             if p != "valid" or w >= K.shape[3]]
    some = [s for s in _small(complex_settings() + geometric(0), 250)
            if s.how.get("padding", "circular") != "circular" and "stride" not in s.how]
    cases = _cases(some + lines, Setting.inputs)
    return [*cases, *bad_kernels(n=3, padding="zero"), bad("no pixels", K=CORNER, n=0, padding="zero")]


def _strided() -> list[Case]:
    planes = [Setting(f"{h} x {w} pixels, stride {s[0]} down, {s[1]} across, {p}", ("Stride", "ChannelOrder"), EVEN, (h, w), {"stride": s, "padding": p})
              for h, w, s, p in ((2, 2, (1, 2), "circular"), (2, 2, (2, 1), "zero"), (3, 2, (2, 1), "circular"), (2, 4, (1, 2), "zero"), (2, 3, (1, 2), "full"), (3, 3, (1, 2), "valid"))]
    turned = [Setting(f"{s.comment}, stride 2 across", ("Complex", "Stride"), s.K, s.n, {"stride": (1, 2), "padding": "circular"}) for s in complex_settings(geometry=False)[:3]]
    lines = [Setting(f"a row of {w} pixels, stride {s}, {p}", ("Stride", "Uneven") if w % s else ("Stride",), K, (1, w),
                     {"stride": (1, s), "padding": p})
             for K in (one([1, 2, 3]), EVEN[:, :, :1], one([5, 0, -1, 2])) for w in (3, 4, 5) for s in (2, 3)
             for p in ("circular", "zero", "full")]
    return [*_cases([*planes, *turned, *lines[::-1][:44]], Setting.inputs), *bad_kernels(n=3, stride=2, padding="zero"),
            bad("stride 0", K=CORNER, n=3, stride=0, padding="zero")]


def _gram_kernel() -> list[Case]:
    cases = [Case(f"{s.comment}; {1 + (i % 4 == 3)} steps", s.flags, {"K": s.K, "n_iter": 1 + (i % 4 == 3)})
             for i, s in enumerate(plain(drawn=16, most=9, extreme=False))
             if i % 4 != 3 or s.K.size <= 4]
    more = [Case(f"taps 1, {v:g}", ("ClosedForm", "EvenKernel"), {"K": one([1, v]), "n_iter": 1 + i % 3})
            for i, v in enumerate((2.0, -3.0, 0.5, 0.25, 4.0, -0.5, 7.0, 9.0, 11.0, -13.0))]
    turned = [Case(f"{s.comment}; {t} steps", s.flags, {"K": s.K, "n_iter": t}) for s in complex_settings(geometry=False) for t in (1, 2)]
    long = [Case("three steps in a row: eight times the length", ("ChannelOrder",), {"K": one([1, 2, -1]), "n_iter": 3}),
            Case("no step: the kernel itself", ("Boundary", "Complex"), {"K": one([1, 0]) + 1j * one([0, 2]), "n_iter": 0})]
    return [*distinct(long + more + turned + cases), *bad_kernels(n_iter=1), bad("a negative number of steps", K=CORNER, n_iter=-1)]


def _polyphase() -> list[Case]:
    strides = (2, (1, 2), 3, (2, 1), (2, 3))
    kernels = [s.K for s in plain(drawn=8, most=9)]
    cases = []
    for i, K in enumerate(kernels):
        stride = strides[i % 5]
        uneven = any(k % s for k, s in zip(K.shape[2:], (stride,) * 2 if isinstance(stride, int) else stride, strict=True))
        cases.append(Case(f"taps {K.shape[2]} x {K.shape[3]}, stride {stride}", ("Stride", "Uneven") if uneven else ("Stride",),
                          {"K": K, "stride": stride}))
    cases += [Case(f"numbered taps, stride {s}", ("Stride", "ChannelOrder"),
                   {"K": np.arange(1.0, 1 + 2 * k * k).reshape(2, 1, k, k), "stride": s})
              for k in (2, 3, 4) for s in (1, 2, 3, (1, 3))]
    return [*distinct(cases), *bad_kernels(stride=2), bad("stride 0", K=CORNER, stride=0)]


KN = {"K": COMPLEX, "n": SIZE}
FUNCTIONS = [
    Function("convolution.conv2d", "cross-correlation of an image X (c_in, h, w) with K (c_out, c_in / groups, k, k); zero and "
             "circular padding keep the size and anchor tap (k - 1) // 2, with gaps (k - 1) * dilation // 2", "exact",
             {"X": COMPLEX, "K": COMPLEX, **HOW}, _forward, convolution.conv2d, sharp=True, optional=OPTIONAL),
    Function("convolution.conv2d_transpose", "the adjoint of conv2d with the same arguments, onto an image of size n", "exact",
             {"Y": COMPLEX, **KN, **HOW}, _backward, convolution.conv2d_transpose, sharp=True, optional=OPTIONAL),
    Function("convolution.conv_spectral_norm", "the spectral norm of the linear map conv2d on images of size n", {"norm": "exact"},
             {**KN, **HOW}, _norm_cases, _norm, optional=OPTIONAL),
    Function("convolution.circulant_matrix", "the matrix of conv2d with circular padding on row-major images", "exact",
             KN, _circulant, convolution.circulant_matrix, sharp=True),
    Function("convolution.toeplitz_matrix", "the matrix of conv2d with zero, full or no padding", "exact",
             {**KN, **HOW}, _toeplitz, convolution.toeplitz_matrix, sharp=True, optional=OPTIONAL),
    Function("convolution.strided_matrix", "the matrix of conv2d with a stride", "exact",
             {**KN, "stride": SIZE, "padding": CHOICE}, _strided, convolution.strided_matrix, sharp=True),
    Function("convolution.gram_kernel", "the kernel of the Gram operator on an unbounded image, n_iter times", "exact",
             {"K": COMPLEX, "n_iter": INTEGER}, _gram_kernel, convolution.gram_kernel, sharp=True),
    Function("convolution.polyphase_kernel", "the kernel of the same map as a convolution without stride: channel (i, p mod s_h, "
             "q mod s_w), tap (p div s_h, q div s_w)", "exact", {"K": ARRAY, "stride": SIZE}, _polyphase,
             convolution.polyphase_kernel, sharp=True),
]
