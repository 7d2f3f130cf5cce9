"""Two calls timed in turn in one process, and what the machine can do at most."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# A pair of calls that takes longer than this is not repeated as often.
SECONDS = 20.0
MOST_REPEATS, LEAST_REPEATS = 15, 3


@dataclass(frozen=True)
class Comparison:
    """Ratios of our time to the peer's, our seconds, and both values."""

    ratios: tuple[float, ...]
    seconds: float
    ours: Any
    theirs: Any


def compare(
    ours: Callable[[], Any], theirs: Callable[[], Any], *, once: bool = False, peer_share: float = 1.0
) -> Comparison:
    """Both in turn, after one call of each to warm up; in both orders, so that neither is always first.

    `once`: for calls of minutes the first ones are all. `peer_share`: the part of the work that the peer does.
    """
    (first, value), (second, other) = _timed(ours), _timed(theirs)
    if once:
        return Comparison((first / second * peer_share,), first, value, other)
    ratios, mine = [], []
    begun = time.perf_counter()
    for repeat in range(MOST_REPEATS):
        calls = (ours, theirs) if repeat % 2 == 0 else (theirs, ours)
        times = [_timed(call)[0] for call in calls]
        own, peer = times if repeat % 2 == 0 else times[::-1]
        ratios.append(own / peer * peer_share)
        mine.append(own)
        if repeat + 1 >= LEAST_REPEATS and time.perf_counter() - begun > SECONDS:
            break
    return Comparison(tuple(ratios), min(mine), value, other)


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    value = call()
    return time.perf_counter() - begun, value


@dataclass(frozen=True)
class Limits:
    """What one core does at most: products of matrices in flop/s, and bytes/s from memory."""

    products: float
    memory: float


def limits() -> Limits:
    """Measured now: a product of matrices of side 1500, and the copy of 256 MB."""
    A = np.random.default_rng(0).standard_normal((1500, 1500))
    source = np.zeros(2**25)
    target = np.empty_like(source)
    product = min(_timed(lambda: A @ A)[0] for _ in range(5))
    copy = min(_timed(lambda: np.copyto(target, source))[0] for _ in range(5))
    return Limits(2 * 1500**3 / product, 2 * source.nbytes / copy)
