"""Piecewise linear networks as affine maps with kinks between them, and all their pieces."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog, nnls

from refimpl._arguments import in_range
from refimpl.network._compositions import LipschitzResidual, Residual, Sequential, outputs_of
from refimpl.network._layers import Activation, Convolution, Dense, Pooling
from refimpl.network._normalizers import FrozenBatchNorm

Array = npt.NDArray[Any]

# A region is taken for empty where no ball of this radius fits into it, in units of the radius (of the distance of
# the farthest kink where that is infinite).
THIN = 1e-9
# A slope this much smaller than its terms is their rounding.
FLAT = 2.0**-42


class Step(NamedTuple):
    """The map from z to y = W z + c, then to ``low * y`` where an entry is negative and ``high * y`` else."""

    W: Array
    c: Array
    low: Array
    high: Array


def steps_of(layer: Any, n: int) -> list[Step]:
    """The steps of a layer on n inputs."""
    if isinstance(layer, Sequential):
        steps = []
        for part in layer.parts:
            steps += steps_of(part, n)
            n = outputs_of(part, n)
        return steps
    if isinstance(layer, Residual):
        shortcut = [_affine(np.eye(n))] if layer.shortcut is None else steps_of(layer.shortcut, n)
        return _sum(steps_of(layer.block, n), shortcut, n)
    if isinstance(layer, LipschitzResidual):
        W, R = layer.weight, layer.rescaling
        hidden = Step(W.T, layer.bias, *_slopes(layer.name, layer.slope, R.size))
        return _sum([_affine(np.eye(n))], [hidden, _affine(-2 * (W * R) * R)], n)
    if isinstance(layer, Activation):
        return [Step(np.eye(n), np.zeros(n), *_slopes(layer.name, layer.slope, n))]
    if isinstance(layer, Pooling) and layer.kind == "max":
        return _maxima(layer)
    if isinstance(layer, (Dense, Convolution, Pooling, FrozenBatchNorm)):
        origin = np.zeros(n)
        return [_affine(layer.jacobian(origin), layer(origin))]
    raise ValueError(f"network must be piecewise linear, of layers that lipref defines, got {layer!r}")


def _affine(W: Array, c: Array | None = None) -> Step:
    ones = np.ones(len(W))
    return Step(W, np.zeros(len(W)) if c is None else c, ones, ones)


def _slopes(name: str, slope: float, n: int) -> tuple[Array, Array]:
    low = {"relu": 0.0, "leaky_relu": slope, "abs": -1.0, "identity": 1.0}
    if name not in low:
        raise ValueError(f"network must be piecewise linear, got the activation {name!r}")
    return np.full(n, low[name]), np.ones(n)


def _sum(first: list[Step], second: list[Step], n: int) -> list[Step]:
    """The sum of two branches on the same n inputs: both on a copy, one after the other."""
    size = len(first[-1].W)
    end = np.eye(size)
    return [
        _affine(np.vstack([np.eye(n), np.eye(n)])),
        *(_beside(step, 0, n) for step in first),
        *(_beside(step, size, 0) for step in second),
        _affine(np.hstack([end, end])),
    ]


def _beside(step: Step, before: int, after: int) -> Step:
    """The step on some of the entries, those before and after it kept."""
    rows, columns = step.W.shape
    W = np.zeros((before + rows + after, before + columns + after))
    W[:before, :before] = np.eye(before)
    W[before : before + rows, before : before + columns] = step.W
    W[before + rows :, before + columns :] = np.eye(after)
    c = np.pad(step.c, (before, after))
    low, high = (np.pad(s, (before, after), constant_values=1.0) for s in (step.low, step.high))
    return Step(W, c, low, high)


def _maxima(layer: Pooling) -> list[Step]:
    """Max-pooling by ``max(m, v) = m + relu(v - m)``, one pixel of all windows after another."""
    windows = np.kron(np.eye(layer.channels), layer.windows)
    count, n = windows.shape
    members = np.array([np.flatnonzero(row) for row in windows])
    pick = np.eye(n)[members]
    steps = [_affine(np.vstack([np.eye(n), pick[:, 0]]))]  # the image, then the maxima so far
    one, image = np.eye(count), np.eye(n, n + count)
    so_far = np.hstack([np.zeros((count, n)), one])
    for place in range(1, members.shape[1]):
        rise = np.hstack([pick[:, place], -one])
        kept, kinked = np.ones(n + count), np.zeros(count)
        ones = np.ones(n + 2 * count)
        steps.append(Step(np.vstack([image, so_far, rise]), 0 * ones, np.append(kept, kinked), ones))
        steps.append(_affine(np.vstack([np.eye(n, n + 2 * count), np.hstack([so_far, one])])))
    steps.append(_affine(so_far))
    return steps


def kinks(steps: list[Step]) -> int:
    """How many neurons have a kink."""
    return sum(int((step.low != step.high).sum()) for step in steps)


def jacobians_of_pieces(steps: list[Step], x: Array, r: float) -> Iterator[Array]:
    """The Jacobians of all pieces that meet the open ball of radius r around x."""
    n = x.size
    # All in coordinates t = z - x, with the sizes of the terms beside the sums, to tell rounding from slopes.
    start = (np.eye(n), x, np.eye(n))
    yield from _pieces(steps, start, (np.zeros((0, n)), np.zeros(0)), r)


def _pieces(
    steps: list[Step], affine: tuple[Array, Array, Array], region: tuple[Array, Array], r: float
) -> Iterator[Array]:
    """The pieces within the region ``G t <= h``; `affine` maps t to the input of the first step."""
    if not steps:
        yield affine[0]
        return
    step = steps[0]
    with np.errstate(over="ignore", invalid="ignore"):
        A = in_range(step.W @ affine[0], "the Jacobian")
        c = in_range(step.W @ affine[1] + step.c, "y")
        sizes = in_range(np.abs(step.W) @ affine[2], "the Jacobian")
    for signs, cut in _patterns(A, c, sizes, step, region, r):
        D = np.where(signs, step.high, step.low)
        yield from _pieces(steps[1:], (D[:, None] * A, D * c, np.abs(D)[:, None] * sizes), cut, r)


def _patterns(
    A: Array, c: Array, sizes: Array, step: Step, region: tuple[Array, Array], r: float
) -> Iterator[tuple[list[bool], tuple[Array, Array]]]:
    """Signs of the neurons of one step that occur in the region, with what they add to it."""
    patterns: list[tuple[list[bool], tuple[Array, Array]]] = [([], region)]
    for a, offset, terms, low, high in zip(A, c, sizes, step.low, step.high, strict=True):
        size = math.hypot(*a)
        flat = size <= FLAT * math.hypot(*terms)
        # The kink lies at distance |offset| / size from the centre.
        if low == high or flat or abs(offset) >= size * r:
            patterns = [([*signs, bool(offset > 0)], cut) for signs, cut in patterns]
            continue
        grown = []
        for signs, (G, h) in patterns:
            for sign in (False, True):
                side = 1 - 2 * sign  # off: a t + offset <= 0
                cut = (np.vstack([G, side * (a / size)]), np.append(h, -side * (offset / size)))
                if _meets(cut, r):
                    grown.append(([*signs, sign], cut))
        patterns = grown
    yield from patterns


def _meets(region: tuple[Array, Array], r: float) -> bool:
    """Whether the polyhedron has an interior that meets the open ball around 0; its rows have length 1."""
    G, h = region
    unit = r if math.isfinite(r) else float(np.abs(h).max()) or 1.0
    d = h / unit
    n = G.shape[1]
    box = [(None, None) if math.isinf(r) else (-1.0, 1.0)] * n
    inside = linprog(
        np.append(np.zeros(n), -1.0), A_ub=np.hstack([G, np.ones((len(G), 1))]), b_ub=d, bounds=[*box, (None, 1.0)]
    )
    if inside.status != 0 or -inside.fun <= THIN:
        return False
    if math.isinf(r) or (d >= 0).all():
        return True
    # The nearest point: least distance programming (Lawson and Hanson).
    _, residual = nnls(np.vstack([-G.T, -d]), np.append(np.zeros(n), 1.0))
    # The residual of that problem is 1 / sqrt(1 + distance^2).
    distance = math.sqrt(max(0.0, 1 / residual**2 - 1)) if residual > 0 else math.inf
    return distance < 1 - THIN
