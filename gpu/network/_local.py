"""Local Lipschitz constants of networks, from below."""

from __future__ import annotations

from typing import Any

from gpu._arguments import as_real_vector
from gpu._namespace import (
    Array,
    Namespace,
    any_nonzero,
    from_host,
    namespace_of,
    rescale,
    scaled_by_power_of_two,
    working,
)
from gpu.network._compositions import pullback
from gpu.network._jacobians import check_network
from refimpl._arguments import as_count, as_generator, as_number, check_one_start


def length(xp: Namespace, v: Array) -> float:
    """The length of a vector whose squares may leave the range of floats."""
    scaled, exponent = scaled_by_power_of_two(xp, v)
    return rescale(float(xp.linalg.vector_norm(scaled)), exponent)


def direction_of(xp: Namespace, start: Any, rng: Any, like: Array, name: str) -> Array:
    """The given start, or one drawn on the host, so that a seed means the same."""
    size = like.shape[0]
    if start is None:
        return working(xp, from_host(xp, as_generator(rng).standard_normal(size), like))
    return working(xp, as_real_vector(start, name, size=size, xp=xp))


def local_lipschitz(
    network: Any, x: Any, radius: float, n_iter: int, *, step: float | None = None, start: Any = None, rng: Any = None
) -> float:
    """`refimpl.network.local_lipschitz`."""
    check_network(network)
    xp = namespace_of(x, start)
    centre = working(xp, as_real_vector(x, size=network.inputs, xp=xp))
    r, n_iter = as_number(radius, "radius", above=0), as_count(n_iter, "n_iter")
    move = r / 4 if step is None else as_number(step, "step", above=0)
    check_one_start(start, rng)
    point = direction_of(xp, start, rng, centre, "start")
    if start is None:
        point = centre + r * point / float(xp.linalg.vector_norm(point))
    distance = length(xp, point - centre)
    if not 0 < distance <= r * (1 + 1e-12 + 8 * float(xp.finfo(point.dtype).eps)):
        raise ValueError(f"start must lie in the ball of radius {r:g} around x and not be x, got distance {distance:g}")
    value, best = network(centre), 0.0
    for _ in range(n_iter + 1):
        d, delta = network(point) - value, point - centre
        rise, run = length(xp, d), length(xp, delta)
        best = max(best, rise / run)
        if rise == 0:
            break
        # The gradient of rise / run, times run.
        slope = pullback(network, point, (d / rise)[None, :])[0, :] - rise / run * (delta / run)
        if not any_nonzero(xp, slope):
            break
        moved = delta + move * (slope / length(xp, slope))
        size = length(xp, moved)
        if size < r / 100:  # the quotient loses digits near the centre
            break
        point = centre + moved * min(1.0, r / size)
    return best
