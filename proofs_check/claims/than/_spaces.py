"""Finite spaces in cells, for the bounds on the expected loss: all there is to a sample are its counts."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from flint import arb
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison
from proofs_check.claims._counts import ROOM
from proofs_check.claims._sides import largest
from proofs_check.strategies import dyadics

DELTAS = st.sampled_from([0.5, 0.25, 0.125, 0.05])
# Samples for each number of points: some 150 outcomes at most.
_MOST = {2: 60, 3: 15, 4: 7, 5: 5}


@st.composite
def cells_of(draw: st.DrawFn, k: int) -> list[int]:
    """A partition of k points: each in a cell that there is already or in the next."""
    cells = [0]
    for _ in range(k - 1):
        cells.append(draw(st.integers(0, max(cells) + 1)))
    return cells


@st.composite
def spaces(draw: st.DrawFn, most: int = 5) -> Case:
    """Different points of a line or a plane with weights, losses of at least 0, cells, and a sample as counts."""
    k, n = draw(st.integers(1, most)), draw(st.integers(1, 2))
    points = draw(st.lists(st.tuples(*[dyadics(-4, 4)] * n), min_size=k, max_size=k, unique=True))
    return {
        "points": np.array(points).reshape(k, n), "cells": draw(cells_of(k)),
        "p": draw(st.lists(st.integers(1, 6), min_size=k, max_size=k)),
        "losses": np.array(draw(st.lists(dyadics(0, 4), min_size=k, max_size=k))),
        "counts": draw(st.lists(st.integers(0, 4), min_size=k, max_size=k).filter(any)),
    }


@st.composite
def experiments(draw: st.DrawFn) -> Case:
    """A space in cells, the size of a sample, a risk, and models to choose from by the sample."""
    k = draw(st.integers(2, 5))
    row = st.lists(st.integers(0, 4).map(float), min_size=k, max_size=k)
    return {
        "cells": draw(cells_of(k)), "p": draw(st.lists(st.integers(1, 4), min_size=k, max_size=k)),
        "m": draw(st.integers(1, _MOST[k])), "delta": draw(DELTAS),
        "models": np.array(draw(st.lists(row, min_size=1, max_size=2))),
    }


def positive_part(value: Any) -> Any:
    return value.max(arb(0)) if isinstance(value, arb) else max(value, 0.0)


def shares(weights: Any, one: Any) -> list[Any]:
    """Weights over their sum, in the arithmetic of `one`."""
    total = sum(weights)
    return [one * v / total for v in weights]


def gap(losses: Any, p: Any, counts: Any) -> Any:
    """F(P, h) - F(D, h)."""
    one = losses[0] * 0 + 1
    return sum((a - b) * f for a, b, f in zip(shares(p, one), shares(counts, one), losses, strict=True))


def excess(cells: Any, p: Any, counts: Any, one: Any) -> Any:
    """The total variation distance between the cells' probabilities and their frequencies."""
    total = one * 0
    for i in range(max(cells) + 1):
        inside = [j for j, cell in enumerate(cells) if cell == i]
        total = total + positive_part(
            sum((shares(p, one)[j] for j in inside), one * 0) - sum((shares(counts, one)[j] for j in inside), one * 0))
    return total


def transport(found: Any) -> Any:
    """The sum of m_i / m lambda_i L_i."""
    counts, distances, lipschitz = (np.asarray(part) for part in found)
    return (counts * distances * lipschitz).sum() / counts.sum()


def decomposition(impl: Any, points: Any, cells: Any, p: Any, losses: Any, counts: Any, *, far: Any = 1, drift: Any = 1, spread: bool = False) -> Comparison:
    """F(P) - F(D) against the sum over the cells and C (sup f, or sup f - inf f) times the distance of the frequencies."""
    found = impl.generalization.cell_statistics(points, losses, np.array(cells), np.array(p, dtype=float), np.array(counts), max(cells) + 1)
    one = losses[0] * 0 + 1
    size = largest(losses) + (largest(-losses) if spread else 0)
    rest = size * excess(cells, p, counts, one)
    return Comparison(gap(losses, p, counts), "<=", far * transport(found) + drift * rest, largest(abs(losses)))


def failing(impl: Any, cells: Any, p: Any, m: int, delta: float, models: Any, remainder: Any) -> float:
    """The exact probability that the bound fails for the worst of the models, chosen after the sample.

    To the models given come those that are 0 on some cells and 1 on the others. The points are 0, 1, 2, ... on a line.
    `remainder` takes the number of cells with samples.
    """
    k, N = len(p), max(cells) + 1
    points, places = np.arange(float(k))[:, None], np.array(cells)
    on_cells = np.array(list(itertools.product((0.0, 1.0), repeat=N)))[:, places]
    losses = np.vstack([on_cells, models])
    far, L = np.zeros(k), np.zeros((len(losses), N))  # a loss that is constant on cells has the constants 0
    for s in range(k):
        far[s] = _of(impl, points, losses[0], places, p, np.eye(k)[s]).distances[places[s]]
    for row in range(len(on_cells), len(losses)):
        L[row] = _of(impl, points, losses[row], places, p, np.eye(k)[0]).lipschitz
    known = (losses + far * L[:, places]) / m
    expected, C = losses @ np.array(p) / sum(p), losses.max(axis=1)
    g = [0.0, *(remainder(T) for T in range(1, min(N, m) + 1))]

    def covers(counts: Any) -> bool:
        filled = len({cell for cell, count in zip(cells, counts, strict=True) if count})
        return bool((expected <= known @ counts + C * g[filled] + ROOM).all())

    return 1 - float(impl.confidence.exact_coverage(covers, p, m).low)


def _of(impl: Any, points: Any, losses: Any, places: Any, p: Any, counts: Any) -> Any:
    return impl.generalization.cell_statistics(points, losses, places, p, counts, places.max() + 1)


def spread_out(m: int, filled: int, N: int) -> list[int]:
    """Counts of m samples in so many of N cells: the remainder knows no more of them."""
    return [m - filled + 1, *[1] * (filled - 1), *[0] * (N - filled)]
