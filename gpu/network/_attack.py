"""Projected gradient attacks."""

from __future__ import annotations

from typing import Any

from gpu._arguments import as_real_vector
from gpu._namespace import Array, any_nonzero, namespace_of, working
from gpu.network._compositions import pullback
from gpu.network._jacobians import check_network
from gpu.network._local import direction_of
from gpu.simplex import softmax
from refimpl._arguments import as_count, as_number, check_one_start


def pgd_attack(
    network: Any, x: Any, label: int, radius: float, n_iter: int, *, step: float, start: Any = None, rng: Any = None
) -> Array:
    """`refimpl.network.pgd_attack`."""
    check_network(network)
    xp = namespace_of(x, start)
    point = working(xp, as_real_vector(x, size=network.inputs, xp=xp))
    epsilon, alpha = as_number(radius, "radius", above=0), as_number(step, "step", above=0)
    n_iter, y = as_count(n_iter, "n_iter"), as_count(label, "label")
    check_one_start(start, rng)
    direction = direction_of(xp, start, rng, point, "start")
    if not any_nonzero(xp, direction):
        raise ValueError("start must not be zero, got a zero vector")
    scores = network(point)
    if y >= scores.shape[0]:
        raise ValueError(f"label must be below the number of scores {scores.shape[0]}, got {y}")
    eta = epsilon * direction / float(xp.linalg.vector_norm(direction))
    for _ in range(n_iter):
        error = softmax(network(point + eta))
        error[y] -= 1
        g = pullback(network, point + eta, error[None, :])[0, :]
        if not any_nonzero(xp, g):
            break
        eta = eta + alpha * g / float(xp.linalg.vector_norm(g))
        eta = eta * (epsilon / max(epsilon, float(xp.linalg.vector_norm(eta))))
    return point + eta
