"""Bounds on the expected loss in balls: sums over samples and pairs of points, one after another."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from proofs_check.balls._lift import ball_array, euclidean_norm


class Cells(NamedTuple):
    """Samples, mean distance and Lipschitz constant of every cell."""

    counts: np.ndarray
    distances: np.ndarray
    lipschitz: np.ndarray


def _whole(values: Any) -> list[int]:
    return [round(float(v)) for v in np.ravel(np.asarray(values, dtype=object))]


def _every(value: Any, size: int) -> list[arb]:
    return [arb(value)] * size if np.ndim(value) == 0 else list(ball_array(value))


def partition_by_nearest(points: Any, centres: Any) -> np.ndarray:
    """The first centre that none is nearer than."""
    x, c = ball_array(points), ball_array(centres)
    cells = []
    for row in x:
        squares = [sum(((v - w) ** 2 for v, w in zip(row, centre, strict=True)), arb(0)) for centre in c]
        cells.append(next(i for i, own in enumerate(squares) if not any(other < own for other in squares)))
    return np.array(cells)


def cell_statistics(points: Any, losses: Any, cells: Any, probabilities: Any, counts: Any, n_cells: Any) -> Cells:
    """Every sample against every point of its cell, every pair of points for the slope."""
    x, f, p = ball_array(points), ball_array(losses), ball_array(probabilities)
    places, drawn, size = _whole(cells), _whole(counts), round(float(n_cells))
    found = [np.array([arb(0)] * size, dtype=object) for _ in range(3)]
    for i in range(size):
        inside = [j for j, place in enumerate(places) if place == i]
        samples = sum(drawn[j] for j in inside)
        found[0][i] = arb(samples)
        if samples:
            mass, total = sum((p[j] for j in inside), arb(0)), arb(0)
            for s, j in itertools.product(inside, repeat=2):
                total += drawn[s] * p[j] * euclidean_norm(x[s] - x[j])
            found[1][i] = total / mass / samples
        for s, j in itertools.combinations(inside, 2):
            found[2][i] = found[2][i].max(abs(f[s] - f[j]) / euclidean_norm(x[s] - x[j]))
    return Cells(*found)


def sampling_remainder(counts: Any, delta: Any, largest_loss: Any, *, form: str = "printed") -> arb:
    """Term by term, with the logarithm of the quotient."""
    drawn = _whole(counts)
    cells, m, N = sum(1 for c in drawn if c), arb(sum(drawn)), len(drawn)
    C, risk = arb(largest_loss), arb(delta)
    if form == "chernoff":
        return (C * C * 2 * cells * (N / risk).log() / m).sqrt()
    if form == "differences":
        return (C * C * N / m / 4).sqrt() + (C * C * (1 / risk).log() / m / 2).sqrt()
    log = (2 * N / risk).log()
    return C * (arb(2).sqrt() + 1) * (cells * log / m).sqrt() + 2 * C * cells * log / m


def local_lipschitz_bound(
    empirical_loss: Any, counts: Any, distances: Any, lipschitz: Any, delta: Any, largest_loss: Any, *,
    form: str = "printed",
) -> arb:
    """The sum over the cells with samples, and the remainder."""
    drawn = _whole(counts)
    total, m = arb(empirical_loss), sum(drawn)
    for c, far, L in zip(drawn, _every(distances, len(drawn)), _every(lipschitz, len(drawn)), strict=True):
        if c:
            total += c * far * L / m
    return total + sampling_remainder(counts, delta, largest_loss, form=form)


def optimal_transport_bound(
    empirical_loss: Any, counts: Any, distances: Any, lipschitz: Any, delta: Any, *, constant: Any
) -> arb:
    """Five terms."""
    drawn = _whole(counts)
    m, transport, largest = arb(sum(drawn)), arb(0), arb(0)
    for c, far, L in zip(drawn, _every(distances, len(drawn)), _every(lipschitz, len(drawn)), strict=True):
        if c:
            transport += c * far * L.max(arb(1)) / m
            largest = largest.max(far * L)
    deviation = largest * ((4 / arb(delta)).log() / m).sqrt()
    return arb(empirical_loss) + transport + deviation + (len(drawn) / m).sqrt() + arb(constant)


def spherical_sharpness_bound(
    empirical_loss: Any, sharpness: Any, mu: Any, m: Any, *, log_constant: Any, constant: Any
) -> arb:
    """Four terms."""
    noise, samples = arb(mu), arb(round(float(m)))
    third = arb(log_constant) * samples.log() / (noise * samples.sqrt())
    return arb(empirical_loss) + arb(sharpness) * noise * noise / 2 + third + arb(constant)


def iteration_complexity(scales: Any, alpha: Any, layer: Any, *, power: Any = 1, deviation: Any = None) -> arb:
    """Factor by factor."""
    s, i = list(ball_array(scales)), round(float(layer))
    order = arb(1)
    for later in s[i:]:
        order *= later
    for _ in range(power):
        order /= arb(alpha)
    for _ in range(len(s) - i + 1 if deviation is not None else 0):
        order /= arb(deviation)
    return order
