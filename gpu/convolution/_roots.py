"""Unit roots with a known error: integers, since no library states a bound for its sines."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

BITS = 128


def _arctangent_of_inverse(x: int) -> int:
    """Times 2^BITS, off by less than 2^7: the series in integers."""
    power = total = (1 << BITS) // x
    k = 1
    while power:
        power //= x * x
        k += 2
        total += -(power // k) if k % 4 == 3 else power // k
    return total


@functools.cache
def _pi() -> int:
    """Times 2^BITS, off by less than 2^12: Machin's formula."""
    return 16 * _arctangent_of_inverse(5) - 4 * _arctangent_of_inverse(239)


def _first_octant(j: int, n: int) -> tuple[float, float]:
    """Cosine and sine of ``2 pi j / n`` for 8 j <= n, correctly rounded but for ties nobody meets."""
    angle = 2 * _pi() * j // n
    parts, term, k = [0, 0], 1 << BITS, 0
    while term:
        parts[k % 2] += term if k % 4 < 2 else -term
        k += 1
        term = (term * angle >> BITS) // k
    return parts[0] / (1 << BITS), parts[1] / (1 << BITS)


def _root(j: int, n: int) -> complex:
    """exp(-2 pi i j / n), reduced to the first octant exactly."""
    quadrant, rest = divmod(4 * j, n)  # j / n = (quadrant + rest / n) / 4
    if 2 * rest <= n:
        c, s = _first_octant(rest, 4 * n)
    else:
        s, c = _first_octant(n - rest, 4 * n)
    return complex(c, -s) * (1, -1j, -1, 1j)[quadrant % 4]


@functools.lru_cache(maxsize=64)
def unit_roots(n: int) -> Any:
    """exp(-2 pi i j / n) for j = 0, ..., n - 1, each part off by at most the unit roundoff."""
    roots = np.array([_root(j, n) for j in range(n)])
    roots.setflags(write=False)
    return roots
