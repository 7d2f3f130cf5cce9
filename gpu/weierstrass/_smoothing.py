"""The Weierstrass transform of a function of arrays where they are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import roots_hermitenorm

from gpu._arguments import as_real_array, as_real_vector
from gpu._namespace import (
    Array,
    Namespace,
    any_nonzero,
    chunk_size,
    from_host,
    namespace_of,
    roundoff,
    working,
)
from refimpl._arguments import as_count, as_generator, as_number, check_callable
from refimpl.weierstrass import Smoothed

__all__ = ["Smoothed", "smooth", "smooth_monte_carlo", "stein_gradient"]

MOST_DIMENSIONS = 4
# By the number of dimensions, so that a call takes a few thousand values of the function.
# Arrays of the size of a value that are alive at once, for each value kept, at least.
COPIES = 8
NODES = {1: 128, 2: 48, 3: 18, 4: 10}


def smooth(f: Any, x: Any, sigma: float, *, direction: Any = None, nodes: int | None = None) -> Smoothed:
    """`refimpl.weierstrass.smooth`; f gets and may return arrays of the namespace of `x`."""
    check_callable(f, "f")
    xp = namespace_of(x, direction)
    point, s = as_real_vector(x, xp=xp), as_number(sigma, "sigma", minimum=0)
    return _smoothed(xp, lambda at, noise: _value(xp, f, at), working(xp, point), s, direction, nodes)


def _smoothed(
    xp: Namespace, g: Callable[[Array, Array], Array], x: Array, sigma: float, direction: Any, nodes: Any
) -> Smoothed:
    """The mean of a function of the moved point and of the noise."""
    size = x.shape[0]
    if direction is None:
        axes = [from_host(xp, row, x) for row in np.eye(size)[: MOST_DIMENSIONS + 1]]
    else:
        axes = [_unit(xp, direction, size)]
    if len(axes) > MOST_DIMENSIONS:
        raise ValueError(f"x must have at most {MOST_DIMENSIONS} dimensions without a direction, got {size}")
    axes = [working(xp, axis) for axis in axes]
    count = NODES[len(axes)] if nodes is None else as_count(nodes, "nodes", minimum=4)
    if sigma > 0 and any(bool(xp.all(x + sigma * axis == x)) for axis in axes):
        raise ValueError(f"sigma must be large enough to move x in the last digit, got {sigma}")
    # Even and odd rules err differently where f has a jump.
    fine, *others = (_quadrature(g, x, sigma, axes, n) for n in (count, count - 1, count // 2, count // 2 + 1))
    error = xp.max(xp.stack([xp.abs(fine - other) for other in others]), axis=0)
    return Smoothed(_number_or_array(fine), _number_or_array(error))


def _number_or_array(value: Array) -> Any:
    return float(value) if value.ndim == 0 else value


def _unit(xp: Namespace, direction: Any, size: int) -> Array:
    v = as_real_vector(direction, "direction", size=size, xp=xp)
    if not any_nonzero(xp, v):
        raise ValueError("direction must not be zero, got a zero vector")
    v = v / xp.max(xp.abs(v))
    return v / xp.linalg.vector_norm(v)


def _quadrature(g: Callable[[Array, Array], Array], x: Array, sigma: float, axes: list[Array], count: int) -> Array:
    nodes, weights = roots_hermitenorm(count)
    weights = weights / weights.sum()
    total: Any = None
    for places in itertools.product(range(count), repeat=len(axes)):
        noise = sum(sigma * float(nodes[i]) * axis for i, axis in zip(places, axes, strict=True))
        value = g(x + noise, noise)
        _check_same_shape(value, value if total is None else total)
        term = float(math.prod(weights[i] for i in places)) * value
        total = term if total is None else total + term
    return total


def _check_same_shape(value: Array, before: Array) -> None:
    if value.shape != before.shape:
        raise ValueError(f"f(x) must be of one shape, got {tuple(before.shape)} and then {tuple(value.shape)}")


def _value(xp: Namespace, f: Any, point: Array) -> Array:
    # Copies: f may write into what it gets, or return the same array again.
    found = as_real_array(f(xp.asarray(point, copy=True)), "f(x)", "a number or an array", xp=xp)
    return xp.asarray(working(xp, found), copy=True)


def smooth_monte_carlo(
    f: Any, x: Any, sigma: float, samples: int, *, rng: Any, memory_limit: int | None = None
) -> Smoothed:
    """`refimpl.weierstrass.smooth_monte_carlo`; the noise is drawn on the host, so that a seed means the same.

    `memory_limit`: bytes that the values of f which are kept may take with what is made of them, eight of a value at
    least; by default half of the free memory of the device, or 64 MB on the host.
    """
    check_callable(f, "f")
    xp = namespace_of(x)
    point, s = as_real_vector(x, xp=xp), as_number(sigma, "sigma", minimum=0)
    n, generator = as_count(samples, "samples", minimum=2), as_generator(rng)
    limit = None if memory_limit is None else as_count(memory_limit, "memory_limit", minimum=1)
    kept: list[Array] = []
    done, mean, squares, size = 0, None, None, n
    for drawn in range(1, n + 1):
        noise = from_host(xp, generator.standard_normal(point.shape[0]), point)
        kept.append(_value(xp, f, working(xp, point + s * noise)))
        _check_same_shape(kept[-1], kept[0] if mean is None else mean)
        if drawn == 1:
            each = COPIES * max(1, math.prod(kept[0].shape)) * (8 if roundoff() == 2.0**-53 else 4)
            size = chunk_size(xp, n, each, limit, "memory_limit", "value")
        if len(kept) == size or drawn == n:
            mean, squares = _joined(xp, done, mean, squares, xp.stack(kept))
            done, kept = drawn, []
    deviation = xp.sqrt(squares / (n - 1)) / math.sqrt(n)
    return Smoothed(_number_or_array(mean), _number_or_array(deviation))


def _joined(xp: Namespace, done: int, mean: Any, squares: Any, values: Array) -> tuple[Array, Array]:
    """Mean and sum of squared deviations of some values and others (Chan, Golub and LeVeque 1979)."""
    count = values.shape[0]
    new = xp.mean(values, axis=0)
    spread = xp.sum((values - new) ** 2, axis=0)
    if mean is None:
        return new, spread
    rise = new - mean
    return mean + rise * (count / (done + count)), squares + spread + rise**2 * (done * count / (done + count))


def stein_gradient(f: Any, x: Any, sigma: float, *, direction: Any = None, nodes: int | None = None) -> Smoothed:
    """`refimpl.weierstrass.stein_gradient`; f gets and may return arrays of the namespace of `x`."""
    check_callable(f, "f")
    xp = namespace_of(x, direction)
    point, s = as_real_vector(x, xp=xp), as_number(sigma, "sigma", above=0)
    point = working(xp, point)
    start = _value(xp, f, point)  # f less a constant has the same gradient, and less to cancel

    def weighted(at: Array, noise: Array) -> Array:
        value = _value(xp, f, at)
        _check_same_shape(value, start)
        return xp.reshape(noise / s / s, (-1, *(1,) * value.ndim)) * (value - start)

    return _smoothed(xp, weighted, point, s, direction, nodes)
