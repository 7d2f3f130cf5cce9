"""Convolutions of any number of axes, and their transposes."""

from __future__ import annotations

import numpy as np

from proofs_check.audit.rounding import root
from proofs_check.audit.rules import Call, only_first_moves, rule
from proofs_check.audit.rules._windows import Windows, windows
from proofs_check.audit.value import ANYTHING, Array, Effect, Refused


def _effect(call: Call, kernel: Array, at: Windows, groups: int) -> Effect:
    factors, low, note = {}, None, ""
    if call.moves(0):
        slopes = call.attribute("slopes")
        if slopes is not None:  # constant factors behind it
            kernel = kernel * slopes.reshape(-1, *(1,) * (kernel.ndim - 1))
        low, high = call.norms.convolution(kernel, at.image, at.stride, at.dilation, at.pads, groups)
        if slopes is not None:  # which were rounded
            low, high = low * (1 - 2.0**-46), high * (1 + 2.0**-46)
        factors[0], note = high, f"kernel {'x'.join(map(str, kernel.shape))}"
    if call.has(2) and call.moves(2):  # a bias of each channel goes to every pixel
        factors[2] = root(call.repeats(2))
        low = None if 0 in factors else low
    return Effect(factors, *call.scaled(*_interval(call), 1), at_least=low or None, note=note)


def _interval(call: Call) -> tuple[Array, Array]:
    """By the images of the middle and of the radius, the latter under the absolute kernel."""
    ends = call.interval(0)
    if np.isinf(ends[0]).any() or np.isinf(ends[1]).any() or (call.has(2) and call.moves(2)):
        return ANYTHING
    W = call.weight(1)
    low, high = (np.broadcast_to(end, call.shape(0)) for end in ends)
    middle = low / 2 + high / 2
    radius = np.nextafter(np.maximum(high - middle, middle - low), np.inf)
    bias = call.weight(2) if call.has(2) else None
    center = call.evaluate([middle, W, bias][: len(call.args)])
    absolute = None if bias is None else np.abs(bias)
    spread = call.evaluate([radius, np.abs(W), None if bias is None else np.zeros_like(bias)][: len(call.args)])
    sizes = call.evaluate([np.abs(middle) + radius, np.abs(W), absolute][: len(call.args)])
    error = (W[0].size + 4) * 2.0**-52 * sizes + 1e-300
    return center - spread - error, center + spread + error


@rule("Conv", (1, 11, 22), moves=(0, 2), apart=only_first_moves)
def conv(call: Call) -> Effect:
    """The norm of the convolution, each group by itself; a moving bias is repeated."""
    kernel = call.weight(1, "a kernel")
    at = windows(call, call.shape(0)[2:], call.out()[2:], kernel.shape[2:])
    return _effect(call, kernel, at, int(call.attribute("group", 1)))


@rule("ConvTranspose", (1, 11, 22), moves=(0, 2), apart=only_first_moves)
def conv_transpose(call: Call) -> Effect:
    """The adjoint of the convolution that maps its output to its input: the same norm."""
    kernel = call.weight(1, "a kernel")
    n, out, rank = call.shape(0)[2:], call.out()[2:], len(kernel.shape) - 2
    stride = tuple(call.attribute("strides") or (1,) * rank)
    dilation = tuple(call.attribute("dilations") or (1,) * rank)
    extra = tuple(call.attribute("output_padding") or (0,) * rank)
    full = [(i - 1) * s + (k - 1) * d + 1 for i, s, d, k in zip(n, stride, dilation, kernel.shape[2:], strict=True)]
    auto = call.attribute("auto_pad", "NOTSET")
    if auto not in ("NOTSET", "VALID") or call.attribute("output_shape"):
        total = [max(0, f + e - o) for f, e, o in zip(full, extra, out, strict=True)]
        pads = tuple((p // 2, p - p // 2) if auto == "SAME_UPPER" else (p - p // 2, p // 2) for p in total)
    else:
        given = list(call.attribute("pads") or (0,) * (2 * rank))
        pads = tuple(zip(given[:rank], given[rank:], strict=True))
    if any(p < 0 for pair in pads for p in pair):
        raise Refused("a negative padding")
    # A crop of the full transpose; what output_padding adds holds at most a part of it.
    at = Windows(tuple(max(o, 1) for o in out), n, kernel.shape[2:], stride, dilation, pads)
    return _effect(call, kernel, at, int(call.attribute("group", 1)))
