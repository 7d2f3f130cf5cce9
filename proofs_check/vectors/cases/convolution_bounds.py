"""Bounds on the norms of convolutions: what they give, and what they must not be below."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.balls import convolution
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import (
    ARRAY,
    CHOICE,
    COMPLEX,
    INTEGER,
    SIZE,
    YES,
    Case,
    Function,
    bad,
    certified,
    distinct,
)
from proofs_check.vectors.cases._kernels import (
    CORNER,
    EVEN,
    LINE,
    Setting,
    bad_kernels,
    complex_settings,
    geometric,
    many,
    one,
    plain,
)
from proofs_check.vectors.cases._norms import conv_norm

# Bounds that hold for images of every size are compared with the norm on so many pixels, wrapped.
SIDE = 8


# Frequency 3 of 8 leads, one past the middle of what a real kernel needs; its mirror is smaller.
SWINGS = Setting("complex: the leading frequency has no mirror", ("Complex", "KernelSize"), one([1, 0, 0]) + 1j * one([0, 1, -1]), (1, 8))


def _numbered(settings: list[Setting], name: str, choices: tuple[Any, ...]) -> list[Case]:
    return [Case(f"{s.comment}; {name} = {choices[i % len(choices)]}", s.flags,
                 {**s.inputs(), name: choices[i % len(choices)]}) for i, s in enumerate(settings)]


def _circular() -> list[Case]:
    cases = _numbered(plain(drawn=12), "n_iter", (2, 3, 1, 5, 0, 6))
    cases += _numbered([*complex_settings(geometry=False), SWINGS], "n_iter", (2, 3, 4))
    return [*cases, *certified(cases), *bad_kernels(n=3, n_iter=2), bad("no pixels", K=CORNER, n=0, n_iter=2),
            bad("a negative number of steps", K=CORNER, n=3, n_iter=-1)]


def _circular_truth(K: Any, n: Any, n_iter: int = 0, **others: Any) -> Any:
    if n == SIDE:  # by its frequencies
        return convolution.conv_spectral_norm(K, n, padding="circular").norm
    return conv_norm(K, n, padding="circular")


def _gradient() -> list[Case]:
    """Where one frequency is the largest: kernels with taps of one sign, first of all."""
    cases = [Case(f"positive taps on {n} pixels, {t} steps: frequency 0 leads", ("KernelSize",) if n > 3 else ("OwnSize",),
                  {"K": K, "n": n, "n_iter": t})
             for K in (abs(CORNER), abs(EVEN), LINE) for n in (3, 4, 5) for t in (0, 2, 4)]
    cases += [Case("an image smaller than the kernel", ("SmallImage", "Aliasing"), {"K": abs(CORNER), "n": 2, "n_iter": t})
              for t in (0, 1, 2, 3)]
    turns = ((one([1, 2, -4]), (1, 5)), (one([2, -1, -1]), (1, 3)), (one([1], [1], [-3]), (5, 1)), (one([1, -2], [-2, 0]), (3, 5)),
             (one([1, -3, 2], [0, 1, -1]), (4, 5)), (many(2, 1, 1, -2, 0, 1, 3, 1, -1, 2, k=2), (3, 4)))
    cases += [Case(f"another frequency than 0 leads on {n} pixels, {t} steps", ("KernelSize", "ChannelOrder"), {"K": K, "n": n, "n_iter": t})
              for K, n in turns for t in (0, 2)]
    draws = Draws("circular_norm_bound_gradient", 0)
    for i in range(12):
        K = abs(draws.array(draws.integer(1, 2), draws.integer(1, 2), 2, 2, high=8, of=4))
        cases.append(Case("drawn, positive taps", ("Drawn",), {"K": K, "n": 3, "n_iter": 1 + i % 3}))
    return [*cases, *bad_kernels(n=3, n_iter=2)]


def _zero() -> list[Case]:
    norms, cases = ("inf", "fro"), []
    for i, s in enumerate(plain(drawn=14, most=9, extreme=False)):
        n_iter = i % 3 + 1 if s.K.size <= 4 else i % 2 + 1 if s.K.size <= 9 else 1
        how = {"norm": norms[i % 2], **({"n": s.n} if i % 4 == 1 else {})}
        cases.append(Case(f"{s.comment}; {n_iter} steps, {how['norm']}", s.flags, {"K": s.K, "n_iter": n_iter, **how}))
    for i, s in enumerate(complex_settings(geometry=False)):
        cases.append(Case(f"{s.comment}; {i % 2 + 1} steps, {norms[i % 2]}", s.flags, {"K": s.K, "n_iter": i % 2 + 1, "norm": norms[i % 2]}))
    cases += [Case(f"four equal channels: sums over channels count, {t} steps", ("ChannelOrder", "ClosedForm", "LowRank"), {"K": many(2, 2, 1, 1, 1, 1), "n_iter": t, "norm": "inf"}) for t in (1, 2)]
    cases += [Case(f"a row, {t} steps, {norm}", ("ClosedForm",), {"K": one([1, 2, -1]), "n_iter": t, "norm": norm}) for t in (3, 4) for norm in norms]
    cases = distinct(cases)
    return [*cases, *certified(cases), *bad_kernels(n_iter=1), bad("a negative number of steps", K=CORNER, n_iter=-1),
            bad("no such norm", K=CORNER, n_iter=1, norm="nuc")]


def _zero_truth(K: Any, n_iter: int, norm: str = "inf", n: Any = None, certified: bool = False) -> Any:
    """With a size on images of that size, else on wrapped ones of any."""
    if n is not None:
        return conv_norm(K, n, padding="zero")
    return _circular_truth(K, SIDE)


def _strided() -> list[Case]:
    kept = [s for s in geometric(0) if "stride" in s.how and not {"dilation", "groups"} & set(s.how)
            and s.how.get("padding", "circular") in ("circular", "zero")]
    more = []
    for i, s in enumerate(plain(drawn=18, most=9, extreme=False)[::-1]):
        if min(s.size) > 2:
            stride, padding = (2, (1, 2), 3)[i % 3], ("circular", "zero")[i % 2]
            uneven = any(p % q for p, q in zip(s.size, (stride,) * 2 if isinstance(stride, int) else stride, strict=True))
            flags = ("Stride", *(("Uneven",) if uneven else ()), *s.flags)
            more.append(Setting(f"{s.comment}; stride {stride}, {padding}", tuple(set(flags)), s.K, s.n,
                                {"stride": stride, "padding": padding}))
    more += [Setting("a difference of pixels two apart, stride 2 on six pixels: three places, where it stays below 2", ("Stride", "ChannelOrder", "ZeroMean"), one([1, 0, -1]), (1, 6), {"stride": (1, 2)}),
             Setting("stride 2 down, 1 across, on an image that is higher than wide", ("Stride", "ChannelOrder"), CORNER, (6, 4), {"stride": (2, 1)})]
    settings = [Setting(s.comment, s.flags, s.K, s.n, {"padding": "circular", **s.how}) for s in kept + more]
    return [*_numbered(settings, "n_iter", (1, 2)), *bad_kernels(n=4, stride=2, n_iter=1, padding="zero"),
            bad("stride 0", K=CORNER, n=4, stride=0, n_iter=1, padding="zero")]


def _strided_truth(K: Any, n: Any, stride: Any, n_iter: int, padding: str) -> Any:
    return conv_norm(K, n, padding=padding, stride=stride)


def _factor() -> list[Case]:
    cases = [Case(f"{k} taps, {n0} pixels, {t} steps", ("ClosedForm",) if k == 1 else ("KernelSize",),
                  {"k": k, "n0": n0, "n_iter": t})
             for k, n0s in (((3, 2), ((20, 9), 18)), ((1, 4), ((30, 26), 25)), (4, (25, (26, 40))), (1, (1, 5)), (2, (3, 4, 9, 17)), (3, (5, 8, 9, 32)), (5, (9, 20, 64)), ((1, 3), (8, (4, 9))))
             for n0 in n0s for t in (1, 2, 0, 3) if 2**t * ((k if isinstance(k, int) else 3) - 1)
             < (n0 if isinstance(n0, int) else n0[1])]
    refused = [bad("n0 is not above 2^t (k - 1)", k=3, n0=8, n_iter=2), bad("a size of 0", k=0, n0=8, n_iter=1),
               bad("a negative number of steps", k=3, n0=8, n_iter=-1), bad("no pixels", k=3, n0=0, n_iter=1)]
    return [*cases, *refused]


def _smaller() -> list[Case]:
    kernels = [s for s in plain(drawn=14, most=9, extreme=False) if max(s.K.shape[2:]) <= 3]
    cases, seen = [], set()
    for i, s in enumerate(kernels):
        k, t = max(s.K.shape[2:]), (1, 2)[i % 2]
        n0 = 2**t * (k - 1) + 1 + i % 3
        key = (s.K.tobytes(), s.K.shape, n0, t)
        if key not in seen:
            seen.add(key)
            cases.append(Case(f"{s.comment.partition(', image')[0]}; from {n0} pixels", _sizeless(s.flags),
                              {"K": s.K, "n0": n0, "n_iter": t}))
    return [*cases, *certified(cases), *bad_kernels(n0=9, n_iter=1), bad("n0 is not above 2^t (k - 1)", K=CORNER, n0=4, n_iter=1)]


def _sizeless(flags: tuple[str, ...]) -> tuple[str, ...]:
    """Without those that are about an image's size."""
    return tuple(set(flags) - {"SmallImage", "Aliasing", "OwnSize", "Uneven", "ClosedForm"}) or ("KernelSize",)


def _smaller_truth(K: Any, n0: int, n_iter: int, certified: bool = False) -> Any:
    return _circular_truth(K, SIDE)


def _sizes_dropped(**others: Any) -> list[Case]:
    cases, seen = [], set()
    for s in plain(drawn=20, most=18, extreme=False):
        key = (s.K.tobytes(), s.K.shape)
        if key not in seen:
            seen.add(key)
            cases.append(Case(s.comment.partition(", image")[0], _sizeless(s.flags), {"K": s.K, **others}))
    return cases


def _four() -> list[Case]:
    draws = Draws("four_matrix_bound", 0)
    more = [Case("drawn", ("Drawn",), {"K": draws.array(2, 3, 1 + i % 3, 2, high=8, of=4)}) for i in range(6)]
    shapes = ((2, 1, 3, 1), (1, 2, 1, 3), (3, 2, 1, 2), (2, 3, 3, 1), (2, 2, 2, 3))
    more += [Case(f"{o} x {i} channels, {h} x {w} taps", ("ChannelOrder", "NotSquare"), {"K": draws.array(o, i, h, w, high=8, of=4)}) for o, i, h, w in shapes]
    return [*_sizes_dropped(), *more, *bad_kernels()]


def _four_truth(K: Any) -> Any:
    return _circular_truth(K, SIDE)


def _sampled() -> list[Case]:
    missed = [Case(f"the largest value at the angle pi, which {s} samples miss", ("KernelSize", "ZeroMean"),
                   {"K": one([1, -1]), "samples": s}) for s in (1, 3, 5)]
    cases = _sizes_dropped()
    return [*missed, *[Case(f"{c.comment}; {1 + i % 4} samples", c.flags, {**c.inputs, "samples": 1 + i % 4})
                       for i, c in enumerate(cases)], *bad_kernels(samples=3), bad("no samples", K=CORNER, samples=0)]


def _sampled_truth(K: Any, samples: int) -> Any:
    return _circular_truth(K, SIDE)


def _power() -> list[Case]:
    cases = []
    for i, s in enumerate(plain(drawn=10, extreme=False) + [g for g in geometric(0) if not {"dilation", "groups"} & set(g.how)
                                                             and g.how.get("padding", "circular") in ("circular", "zero")]):
        start = Draws(f"start {i}", 0).array(s.channels, *s.size, high=8, of=4) + 1 / 8
        cases.append(Case(f"{s.comment}; {i % 3 + 1} steps", s.flags,
                          {"K": s.K, "n": s.n, "n_iter": i % 3 + 1, "padding": "circular", **s.how, "start": start}))
    stuck = Case("the start is a frequency that another one exceeds", ("PowerIterationStalls", "ZeroMean"),
                 {"K": one([1, -2]), "n": (1, 4), "n_iter": 9, "padding": "circular", "start": np.ones((1, 1, 4))})
    return [stuck, *cases, *bad_kernels(n=3, n_iter=2, padding="zero", start=np.ones((1, 3, 3))),
            bad("a start of zeros", K=CORNER, n=3, n_iter=2, padding="zero", start=np.zeros((1, 3, 3)))]


def _power_value(K: Any, n: Any, n_iter: int, padding: str, start: Any, stride: Any = 1) -> Any:
    return convolution.conv_power_iteration(K, n, n_iter, padding=padding, stride=stride, start=start)


def _power_truth(K: Any, n: Any, n_iter: int, padding: str, start: Any, stride: Any = 1) -> Any:
    return conv_norm(K, n, padding=padding, stride=stride)


KN = {"K": ARRAY, "n": SIZE, "n_iter": INTEGER}
COMPLEX_KN = {**KN, "K": COMPLEX}
FUNCTIONS = [
    Function("convolution.circular_norm_bound", "a bound on the norm of a convolution with circular padding on images of size "
             "n: the largest Gram bound of its frequencies' blocks", "upper", {**COMPLEX_KN, "certified": YES}, _circular,
             convolution.circular_norm_bound, truth=_circular_truth, optional=("certified",)),
    Function("convolution.circular_norm_bound_gradient", "the derivative of circular_norm_bound by the taps, where one frequency "
             "is the largest", "exact", KN, _gradient, convolution.circular_norm_bound_gradient),
    Function("convolution.zero_padded_norm_bound", "a bound on the norm of a convolution with zero padding on images of every "
             "size, from the kernel of its Gram operator: the largest sum of moduli (inf), or the Frobenius norm times "
             "the root of its taps (fro), of the taps that fit into size n where that is given", "upper",
             {"K": COMPLEX, "n_iter": INTEGER, "norm": CHOICE, "n": SIZE, "certified": YES}, _zero, convolution.zero_padded_norm_bound,
             truth=_zero_truth, optional=("n", "norm", "certified")),
    Function("convolution.strided_norm_bound", "a bound on the norm of a strided convolution on images of size n, by the "
             "polyphase kernel", "upper", {**KN, "stride": SIZE, "padding": CHOICE}, _strided,
             convolution.strided_norm_bound, truth=_strided_truth),
    Function("convolution.size_transfer_factor", "the factor from a Gram bound on n0 pixels to one for every size", "exact",
             {"k": SIZE, "n0": SIZE, "n_iter": INTEGER}, _factor, convolution.size_transfer_factor),
    Function("convolution.smaller_input_norm_bound", "that factor times circular_norm_bound on n0 pixels: a bound for every size",
             "upper", {"K": ARRAY, "n0": SIZE, "n_iter": INTEGER, "certified": YES}, _smaller, convolution.smaller_input_norm_bound,
             truth=_smaller_truth, optional=("certified",)),
    Function("convolution.four_matrix_bound", "the least norm of four reshapings of the kernel times the root of its taps: a bound "
             "for every size", "upper", {"K": ARRAY}, _four, convolution.four_matrix_bound, truth=_four_truth),
    Function("convolution.sampled_density_bound", "the root of the sum, over the side with fewer channels, of the largest "
             "squared norm of a row of the spectral density at so many angles an axis: an estimate of a bound for every size, "
             "below it where the largest value is missed", "estimate", {"K": ARRAY, "samples": INTEGER}, _sampled,
             convolution.sampled_density_bound, truth=_sampled_truth),
    Function("convolution.conv_power_iteration", "power iteration by the convolution and its adjoint, then the norm of the image "
             "of the normalized vector: never above the norm", "lower",
             {**KN, "padding": CHOICE, "stride": SIZE, "start": ARRAY}, _power, _power_value, truth=_power_truth, optional=("stride",)),
]
