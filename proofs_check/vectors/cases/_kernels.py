"""Convolutions that other functions' vectors share: those that public code fails on first, then drawn ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import Case, bad

NAN = float("nan")


@dataclass(frozen=True)
class Setting:
    """A kernel, an image's size, and how they meet."""

    comment: str
    flags: tuple[str, ...]
    K: Any
    n: Any
    how: dict[str, Any] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """Of the image."""
        return int(self.K.shape[1]) * int(self.how.get("groups", 1))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image."""
        return (self.n, self.n) if isinstance(self.n, int) else tuple(self.n)

    def inputs(self) -> dict[str, Any]:
        """As arguments."""
        return {"K": self.K, "n": self.n, **self.how}


def one(*taps: list[float]) -> Any:
    """A kernel of one channel."""
    return np.array(taps, dtype=float)[None, None]


def many(c_out: int, c_in: int, *values: float, k: int = 1) -> Any:
    """A kernel of some channels from all its entries."""
    return np.array(values, dtype=float).reshape(c_out, c_in, k, -1)


MEAN_FREE = one([-1, 1])
LAPLACE = one([0, 1, 0], [1, -4, 1], [0, 1, 0])
SOBEL = one([-1, 0, 1], [-2, 0, 2], [-1, 0, 1])
LINE, ROW = one([1, 2, 3]), one([1, -2, 1])
BOX = np.ones((1, 1, 3, 3))
CORNER = one([1, 2, 0], [0, -1, 3], [4, 0, 1])
EVEN = one([1, 2], [3, -1])
TWO = many(2, 1, 1, 2, -1, 3, 0, 1, 2, -2, k=2)
WIDE = many(1, 2, 1, 2, 0, -1, 3, 1, 1, 0, k=2)
SWAPPED = many(2, 2, 0, 3, 1, 0)
UNEQUAL_GROUPS = many(2, 1, 3, 0, 0, 0, 1, 1, 1, 1, k=2)
EQUAL_GROUPS = many(2, 1, 1, 2, 3, -1, 1, 2, 3, -1, k=2)
THREE_GROUPS = many(3, 1, 5, 4, 2)
TO_FOUR = many(4, 1, 1, 2, 3, 4)
TWO_GROUPS = many(4, 2, 1, 2, 3, -1, 0, 4, -2, 5)
PADDINGS = ("circular", "zero", "full", "valid")


def _plain() -> list[Setting]:
    """Stride 1, no gaps, one group, circular padding."""
    return [
        Setting("1 x 1, one channel", ("ClosedForm",), one([-2]), 3),
        Setting("1 x 1, channels swapped", ("ChannelOrder", "ClosedForm"), SWAPPED, 2),
        Setting("a difference: frequency 0 vanishes", ("ZeroMean", "EvenKernel", "ClosedForm"), MEAN_FREE, 4),
        Setting("Laplace's: frequency 0 vanishes", ("ZeroMean",), LAPLACE, 4),
        Setting("Sobel's: a whole row of frequencies vanishes", ("ZeroMean",), SOBEL, 5),
        Setting("second difference", ("ZeroMean",), ROW, 6),
        Setting("a box: norm 9, larger than with zero padding", ("ClosedForm", "CircularIsNoBound"), BOX, 5),
        Setting("alternating signs on an odd image: circular is below zero padding", ("CircularIsNoBound", "ZeroMean"),
                one([1, -1]), 3),
        Setting("at its own size", ("OwnSize",), CORNER, 3),
        Setting("the same kernel on a larger image", ("KernelSize",), CORNER, 7),
        Setting("a difference on an even image reaches 2", ("KernelSize", "ZeroMean", "ClosedForm"), one([1, -1]), 6),
        Setting("a row larger in the image than at its own size", ("KernelSize",), one([1, 0, -1]), (1, 8)),
        Setting("even kernel", ("EvenKernel",), EVEN, 4),
        Setting("even kernel on an odd image", ("EvenKernel", "Uneven"), EVEN, 5),
        Setting("even in one direction only", ("EvenKernel", "ChannelOrder"), one([1, 2, 3], [4, 5, 7]), 4),
        Setting("the image is smaller: taps meet", ("SmallImage", "Aliasing"), CORNER, 2),
        Setting("an image of one pixel: all taps meet", ("SmallImage", "Aliasing", "ClosedForm"), CORNER, 1),
        Setting("taps that meet cancel", ("SmallImage", "Aliasing", "ZeroMean"), one([1, 2, -1]), (1, 2)),
        Setting("one channel to two", ("ChannelOrder",), TWO, 3),
        Setting("two channels to one", ("ChannelOrder",), WIDE, 3),
        Setting("an image that is wider than high", ("ChannelOrder", "Uneven"), CORNER, (3, 5)),
        Setting("a row on an image that is higher than wide", ("ChannelOrder", "Uneven"), LINE, (5, 3)),
        Setting("a column", ("ChannelOrder",), one([1], [2], [3]), (4, 3)),
        Setting("entries far apart", ("FarApart",), one([2.0**30, 1], [1, 2.0**-30]), 4),
        Setting("squares overflow", ("Overflow",), one([2.0**600, 2.0**599]), (1, 4)),
        Setting("small taps: an epsilon counts", ("EpsilonBreaksBound",), LAPLACE * 2.0**-40, 4),
        Setting("nothing but zeros", ("Zero", "ZeroMean", "ClosedForm"), np.zeros((1, 1, 3, 3)), 3),
        Setting("the identity", ("ClosedForm", "RepeatedSingularValue"), one([0, 0, 0], [0, 1, 0], [0, 0, 0]), 4),
        Setting("a shift: every singular value 1", ("ClosedForm", "RepeatedSingularValue"), one([0, 0, 1]), (2, 5)),
    ]


def _geometry() -> list[Setting]:
    """Paddings, strides, gaps, groups."""
    return [
        Setting("zero padding, box: below 9", ("CircularIsNoBound",), BOX, 3, {"padding": "zero"}),
        Setting("zero padding, alternating signs: above the circular norm", ("CircularIsNoBound",), one([1, -1]), (1, 3),
                {"padding": "zero"}),
        Setting("zero padding, even kernel", ("EvenKernel",), EVEN, 3, {"padding": "zero"}),
        Setting("zero padding, image smaller than the kernel", ("SmallImage",), CORNER, 2, {"padding": "zero"}),
        Setting("zero padding, an image of one pixel: the middle tap", ("SmallImage", "ClosedForm"), CORNER, 1,
                {"padding": "zero"}),
        Setting("zero padding, two channels to one", ("ChannelOrder",), WIDE, 3, {"padding": "zero"}),
        Setting("zero padding, zero mean", ("ZeroMean",), LAPLACE, 3, {"padding": "zero"}),
        Setting("full padding", ("KernelSize",), CORNER, 3, {"padding": "full"}),
        Setting("full padding of one pixel: the kernel's Frobenius norm", ("SmallImage", "ClosedForm"), CORNER, 1,
                {"padding": "full"}),
        Setting("full padding, even kernel", ("EvenKernel",), EVEN, 3, {"padding": "full"}),
        Setting("no padding", ("KernelSize",), CORNER, 4, {"padding": "valid"}),
        Setting("no padding at the kernel's own size: its Frobenius norm", ("OwnSize", "ClosedForm"), CORNER, 3,
                {"padding": "valid"}),
        Setting("stride 2, even image", ("Stride",), CORNER, 4, {"stride": 2}),
        Setting("stride 2, odd image", ("Stride", "Uneven"), CORNER, 5, {"stride": 2}),
        Setting("stride 2, zero padding", ("Stride",), CORNER, 4, {"padding": "zero", "stride": 2}),
        Setting("stride 2, zero padding, odd image", ("Stride", "Uneven"), EVEN, 5, {"padding": "zero", "stride": 2}),
        Setting("stride 2 horizontally only", ("Stride", "ChannelOrder"), CORNER, 4, {"stride": (1, 2)}),
        Setting("stride as large as the kernel: taps never meet", ("Stride", "ClosedForm"), EVEN, 4, {"stride": 2}),
        Setting("stride 3 on four pixels", ("Stride", "Uneven"), LINE, (3, 4), {"stride": 3}),
        Setting("dilation 2, circular", ("Dilation",), EVEN, 5, {"dilation": 2}),
        Setting("dilation 2 on four pixels: taps wrap", ("Dilation", "Aliasing"), LINE, (2, 4), {"dilation": 2}),
        Setting("dilation 2, zero padding", ("Dilation",), CORNER, 4, {"padding": "zero", "dilation": 2}),
        Setting("dilation 2, no padding", ("Dilation",), EVEN, 4, {"padding": "valid", "dilation": 2}),
        Setting("dilation and stride", ("Dilation", "Stride"), EVEN, 5, {"padding": "zero", "dilation": 2, "stride": 2}),
        Setting("two groups of different norms", ("Groups",), UNEQUAL_GROUPS, 3, {"groups": 2}),
        Setting("two equal groups: the norm of one", ("Groups", "RepeatedSingularValue"), EQUAL_GROUPS, 3, {"groups": 2}),
        Setting("three groups of norms 5, 4, 2", ("Groups", "ClosedForm"), THREE_GROUPS, 2, {"groups": 3}),
        Setting("two groups, two outputs each", ("Groups", "ChannelOrder", "ClosedForm"), TO_FOUR, 2, {"groups": 2}),
        Setting("groups, zero padding", ("Groups",), UNEQUAL_GROUPS, 3, {"padding": "zero", "groups": 2}),
        Setting("groups and stride", ("Groups", "Stride"), UNEQUAL_GROUPS, 4, {"groups": 2, "stride": 2}),
        Setting("groups and dilation", ("Groups", "Dilation"), UNEQUAL_GROUPS, 4, {"groups": 2, "dilation": 2}),
        Setting("dilation 2 down, 1 across", ("Dilation", "ChannelOrder"), CORNER, 5, {"dilation": (2, 1)}),
        Setting("dilation 2 across only, zero padding", ("Dilation", "ChannelOrder"), EVEN, 4,
                {"padding": "zero", "dilation": (1, 2)}),
        Setting("dilation 3 across, no padding", ("Dilation", "Uneven"), EVEN, (3, 5),
                {"padding": "valid", "dilation": (1, 3)}),
        Setting("dilation 2 down and 3 across, full padding", ("Dilation", "ChannelOrder"), EVEN, 3,
                {"padding": "full", "dilation": (2, 3)}),
        Setting("strides 3 and 4 on five pixels: two outputs an axis", ("Stride", "Uneven"), CORNER, 5,
                {"padding": "zero", "stride": (3, 4)}),
        Setting("stride 2 down only, an image that is wider than high", ("Stride", "ChannelOrder"), CORNER, (4, 6),
                {"stride": (2, 1)}),
        Setting("two channels to two, unsymmetric, stride 2", ("Stride", "ChannelOrder"), many(2, 2, 1, 2, 3, -1, 0, 4, 2, 0, -2, 5, 1, 1, 0, 2, 3, 1, k=2), 3,
                {"stride": 2, "padding": "zero"}),
        Setting("two groups of two channels, two outputs each", ("Groups", "ChannelOrder"), TWO_GROUPS, 2, {"groups": 2}),
    ]


def complex_settings(*, geometry: bool = True) -> list[Setting]:
    """Kernels that a conjugate at the wrong place, or none, changes."""
    found = [
        Setting("complex taps in a row", ("Complex", "ChannelOrder"), one([1, 2, -1]) + 1j * one([0, 1, 3]), (1, 4)),
        Setting("an imaginary tap beside a real one", ("Complex", "EvenKernel"), one([1, 0]) + 1j * one([0, 1]), (1, 5)),
        Setting("complex, even, on an odd image", ("Complex", "EvenKernel"), EVEN + 1j * EVEN[:, :, ::-1], 3),
        Setting("complex, two channels to two: Hermitian parts and others", ("Complex", "ChannelOrder"),
                many(2, 2, 1, 2, 0, -1) + 1j * many(2, 2, 0, 1, 3, 1), 2),
        Setting("complex, one channel to two", ("Complex", "ChannelOrder"), TWO + 1j * TWO[::-1], 3),
        Setting("complex, two channels to one", ("Complex", "ChannelOrder"), WIDE - 1j * WIDE[:, ::-1, ::-1], (2, 3)),
        Setting("complex taps in a column", ("Complex", "ChannelOrder"), one([1], [-2], [2]) + 1j * one([1], [1], [0]), (4, 2)),
    ]
    if geometry:
        found += [
            Setting("complex, zero padding", ("Complex",), CORNER + 1j * CORNER[:, :, ::-1], 3, {"padding": "zero"}),
            Setting("complex, full padding", ("Complex", "EvenKernel"), EVEN + 2j * EVEN[..., ::-1], 2, {"padding": "full"}),
            Setting("complex, stride 2 across", ("Complex", "Stride"), EVEN - 1j * EVEN[:, :, ::-1], 4, {"stride": (1, 2)}),
            Setting("complex, dilation 2 down", ("Complex", "Dilation"), EVEN - 1j * EVEN[..., ::-1], 4,
                    {"padding": "zero", "dilation": (2, 1)}),
        ]
    return found


def plain(drawn: int = 12, *, zero: bool = True, most: int = 99, extreme: bool = True) -> list[Setting]:
    """Circular convolutions without stride, gaps and groups."""
    draws = Draws("kernels", 0)
    sizes = ((1, 1, 3), (2, 1, 2), (1, 2, 3), (2, 2, 2), (3, 1, 1), (1, 1, 2), (2, 2, 1), (1, 3, 2))
    found = _plain()
    for i in range(drawn):
        c_out, c_in, k = sizes[i % len(sizes)]
        n = draws.pick([2, 3, 4, (2, 3), (4, 3)])
        found.append(Setting(f"drawn, {c_out} x {c_in} channels, {k} x {k} taps, image {n}", ("Drawn",),
                             draws.array(c_out, c_in, k, k, high=8, of=4), n))
    return [
        s for s in found if (zero or s.K.any()) and s.K[0].size <= most and (extreme or "Overflow" not in s.flags)
    ]


def geometric(drawn: int = 6) -> list[Setting]:
    """With paddings, strides, gaps, groups."""
    draws, found = Draws("geometry", 0), _geometry()
    for i in range(drawn):
        how = {"padding": PADDINGS[i % 4], "stride": draws.integer(1, 2), "dilation": draws.integer(1, 2)}
        k, n = draws.pick([1, 2, 3]), draws.pick([5, (5, 6)])
        found.append(Setting(f"drawn, {k} x {k} taps, image {n}", ("Drawn",), draws.array(2, 1, k, k, high=8, of=4), n,
                             {**how, "groups": draws.integer(1, 2)}))
    return found


def explicit(settings: Iterable[Setting]) -> list[Setting]:
    """Padding always said, for those whose default is another one."""
    return [Setting(s.comment, s.flags, s.K, s.n, {"padding": "circular", **s.how}) for s in settings]


def bad_kernels(**others: Any) -> list[Case]:
    """Not a finite kernel."""
    return [
        bad("NaN among the taps", K=one([1, NAN]), **others),
        bad("an infinite tap", K=one([1, float("inf")]), **others),
        bad("a matrix for a kernel", K=np.eye(2), **others),
    ]
