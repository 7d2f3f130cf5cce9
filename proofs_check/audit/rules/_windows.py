"""Where the windows of convolutions and pools lie: sizes, strides, dilations and paddings of every spatial axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proofs_check.audit.rules import Call
from proofs_check.audit.value import Array, Refused


@dataclass(frozen=True)
class Windows:
    """By spatial axis: sizes of image, output and window, stride, dilation, padding at both ends."""

    image: tuple[int, ...]
    out: tuple[int, ...]
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]

    def places(self, axis: int) -> Array:
        """1 where a window (row) holds a pixel (column) of an axis."""
        n, k, d = self.image[axis], self.size[axis], self.dilation[axis]
        starts = np.arange(self.out[axis]) * self.stride[axis] - self.pads[axis][0]
        held = np.zeros((len(starts), n))
        for tap in range(k):
            at = starts + tap * d
            inside = (at >= 0) & (at < n)
            held[np.nonzero(inside)[0], at[inside]] = 1
        return held

    def overlap(self) -> int:
        """How many windows hold the pixel that most of them hold."""
        return int(np.prod([int(self.places(a).sum(axis=0).max()) for a in range(len(self.image))], dtype=object))


def windows(call: Call, image: tuple[int, ...], out: tuple[int, ...], size: tuple[int, ...]) -> Windows:
    """From the attributes of a node, automatic padding computed."""
    rank = len(image)
    stride = tuple(call.attribute("strides") or (1,) * rank)
    dilation = tuple(call.attribute("dilations") or (1,) * rank)
    auto = call.attribute("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        total = [max(0, (o - 1) * s + (k - 1) * d + 1 - n)
                 for n, o, s, d, k in zip(image, out, stride, dilation, size, strict=True)]
        pads = tuple((p // 2, p - p // 2) if auto == "SAME_UPPER" else (p - p // 2, p // 2) for p in total)
    elif auto == "VALID":
        pads = ((0, 0),) * rank
    elif auto == "NOTSET":
        given = list(call.attribute("pads") or (0,) * (2 * rank))
        pads = tuple(zip(given[:rank], given[rank:], strict=True))
    else:
        raise Refused(f"auto_pad {auto!r}")
    if any(p < 0 for pair in pads for p in pair):
        raise Refused("a negative padding")
    return Windows(image, out, size, stride, dilation, pads)
