"""Two calls timed in turn in one process, and what the machine can do at most."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks._places import Place

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
    ours: Callable[[], Any], theirs: Callable[[], Any], place: Place, *, once: bool = False, peer_share: float = 1.0
) -> Comparison:
    """Both in turn, after one call of each to warm up; in both orders, so that neither is always first.

    `once`: for calls of minutes the first ones are all. `peer_share`: the part of the work that the peer does.
    """
    (first, value), (second, other) = _timed(ours, place), _timed(theirs, place)
    if once:
        return Comparison((first / second * peer_share,), first, value, other)
    ratios, mine = [], []
    begun = time.perf_counter()
    for repeat in range(MOST_REPEATS):
        calls = (ours, theirs) if repeat % 2 == 0 else (theirs, ours)
        times = [_timed(call, place)[0] for call in calls]
        own, peer = times if repeat % 2 == 0 else times[::-1]
        ratios.append(own / peer * peer_share)
        mine.append(own)
        if repeat + 1 >= LEAST_REPEATS and time.perf_counter() - begun > SECONDS:
            break
    return Comparison(tuple(ratios), min(mine), value, other)


def _timed(call: Callable[[], Any], place: Place) -> tuple[float, Any]:
    begun = place.clock()
    value = call()
    place.finish()
    return place.clock() - begun, value


@dataclass(frozen=True)
class Limits:
    """What one core, or the device, does at most: products of matrices in flop/s, and bytes/s from memory."""

    products: float
    memory: float


def limits(place: Place) -> Limits:
    """Measured now: a product of matrices of some side, and the copy of 256 MB."""
    side = 1500 if place.name == "host" else 8000
    A = place.array(np.random.default_rng(0).standard_normal((side, side)))
    source = place.array(np.zeros(2**25))
    product = min(_timed(lambda: A @ A, place)[0] for _ in range(5))
    copy = min(_timed(lambda: source + 0.0, place)[0] for _ in range(5))
    return Limits(2 * side**3 / product, 2 * source.nbytes / copy)
