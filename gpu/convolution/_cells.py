"""Cells of frequencies around a sample: how far a norm can rise inside of one, so that most are never looked at.

A norm of a block D(w) is the largest ``|f(D(w))|`` of some linear functionals, each a trigonometric polynomial of
degree ``d = (k - 1)/2`` in an angle. So (thesis.thm-A.0.1.beside) a norm that is ``S sin(p)`` at the centre, with S
the largest norm at any angle, is at most ``S sin(p + d_1 |w_1| + d_2 |w_2|)`` beside it, as long as that angle is at
most pi/2; and S is at most the largest norm at the centres over a cosine an axis (thesis.thm-A.0.1.cosine).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpu._namespace import to_host
from gpu.convolution._blocks import Spectrum
from gpu.convolution._geometry import Pair, kernel_size

# Below so many frequencies there is nothing to gain.
LEAST = 256
# Of an axis, d times half the side of a cell: beyond it too little lies below the floor.
WIDEST = 0.3
# Frequencies that are looked at to choose the size of the cells.
SAMPLES = 16


@dataclass(frozen=True)
class Cells:
    """Cells of `sides` frequencies around `centres`; where a centre is below `floor` times a norm the cell is too."""

    spectrum: Spectrum
    sides: Pair
    floor: float

    @property
    def _axes(self) -> list[tuple[int, int]]:
        """Frequencies and side of each axis."""
        return list(zip((self.spectrum.n[0], self.spectrum.width), self.sides, strict=True))

    @property
    def count(self) -> int:
        """How many there are."""
        return math.prod(math.ceil(length / side) for length, side in self._axes)

    @property
    def centres(self) -> Any:
        """Their indices; the last of an axis is not beyond its end."""
        u, v = (np.minimum(np.arange(side // 2, length + side // 2, side), length - 1) for length, side in self._axes)
        return np.add.outer(u * self.spectrum.width, v).ravel()

    def inside(self, centres: Any) -> Any:
        """Indices of all frequencies in the cells of these centres, in order."""
        found = np.zeros((self.spectrum.n[0], self.spectrum.width), dtype=bool)
        reach = [side // 2 for side in self.sides]
        for u, v in zip(*self.spectrum.places(centres), strict=True):
            found[max(u - reach[0], 0) : u + reach[0] + 1, max(v - reach[1], 0) : v + reach[1] + 1] = True
        return np.flatnonzero(found)


def cells_for(spectrum: Spectrum, norms: Callable[[Any], Any]) -> Cells | None:
    """The cells with which the fewest blocks have to be looked at, to judge by a few; None where that is all of them.

    `norms` gives the norms at these frequencies; any norm will do.
    """
    choices = list(_possible(spectrum)) if spectrum.count >= LEAST else []
    if not choices:
        return None
    sample = np.unique(np.linspace(0, spectrum.count - 1, SAMPLES + 2).astype(int)[1:-1])
    values = to_host(norms(sample))
    top = float(values.max())

    def looked_at(cells: Cells) -> float:
        # The largest of the sample itself says nothing about how many are near it.
        share = (np.count_nonzero(values > cells.floor * top) - 1) / (len(values) - 1)
        return cells.count / spectrum.count + share

    best = min(choices, key=looked_at)
    return best if looked_at(best) < 1 else None


def _possible(spectrum: Spectrum) -> Iterator[Cells]:
    axes = [list(_sides(k, n)) for k, n in zip(kernel_size(spectrum.K), spectrum.n, strict=True)]
    for (h, rise_h, cosine_h), (w, rise_w, cosine_w) in itertools.product(*axes):
        floor = _floor(rise_h + rise_w, cosine_h * cosine_w)
        if (h > 1 or w > 1) and floor > 0:
            yield Cells(spectrum, (h, w), floor)


def _sides(k: int, n: int) -> Iterator[tuple[int, float, float]]:
    """Odd sides of cells on an axis, the rise of the angle inside of them, and the cosine of half their side."""
    if k == 1:
        yield 2 * (n // 2) + 1, 0.0, 1.0
        return
    step = (k - 1) * math.pi / n  # of the angle d w, from a frequency to the next
    for side in range(1, n + 1, 2):
        if side > 1 and side * step / 2 > WIDEST:
            return
        yield side, (side - 1) * step / 2, math.cos(side * step / 2)


def _floor(rise: float, cosine: float) -> float:
    """What the norm at a centre may be, in units of the largest of all centres, for none inside to be above that."""
    if cosine <= 0:
        return 0.0
    angle = math.asin(cosine) - rise
    # The last factor is more than the rounding of the functions.
    return math.sin(angle) / cosine * (1 - 2.0**-40) if angle > 0 else 0.0

