"""Certified radii in balls: the quotients one class after another."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb

from proofs_check.balls import weierstrass
from proofs_check.balls._lift import ball_array


def _samples(scores: Any, labels: Any) -> tuple[list[tuple[np.ndarray, int]], bool]:
    array = ball_array(scores)
    if array.ndim == 1:
        return [(array, int(labels))], True
    return list(zip(array, map(int, labels), strict=True)), False


def _result(values: list[arb], single: bool) -> Any:
    if single:
        return values[0]
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _least(scores: Any, labels: Any, constant: Any) -> Any:
    samples, single = _samples(scores, labels)
    radii = []
    for row, y in samples:
        quotients = [_quotient(row[y] - row[k], constant(y, k)) for k in range(len(row)) if k != y]
        least = quotients[0]
        for quotient in quotients[1:]:
            least = least.min(quotient)
        radii.append(least)
    return _result(radii, single)


def _quotient(gap: arb, constant: arb) -> arb:
    if gap <= 0:
        return arb(0)
    return arb.pos_inf() if constant == 0 else gap.max(arb(0)) / constant


def margin(scores: Any, labels: Any) -> Any:
    """With the constant 1 for every pair."""
    return _least(scores, labels, lambda y, k: arb(1))


def radius_global(scores: Any, labels: Any, lipschitz: Any, *, certified: bool = False) -> Any:
    """Root 2 times one constant."""
    return _least(scores, labels, lambda y, k: arb(2).sqrt() * arb(lipschitz))


def radius_coordinate(scores: Any, labels: Any, lipschitz: Any, *, certified: bool = False) -> Any:
    """The sum of two constants."""
    classes = ball_array(scores).shape[-1]
    L = np.broadcast_to(ball_array(lipschitz), classes)
    return _least(scores, labels, lambda y, k: L[y] + L[k])


def radius_pairwise(scores: Any, labels: Any, lipschitz: Any, *, certified: bool = False) -> Any:
    """One constant for each pair."""
    L = ball_array(lipschitz)
    return _least(scores, labels, lambda y, k: L[y, k])


def _paired(p_lower: Any, p_upper: Any, one: Any) -> Any:
    p, q = np.broadcast_arrays(ball_array(p_lower), ball_array(p_upper))
    radii = np.empty(p.shape, dtype=object)
    radii.ravel()[:] = [arb(0) if not a > b else one(a, b) for a, b in zip(p.flat, q.flat, strict=True)]
    return radii[()]


def radius_mono(p_lower: Any, sigma: Any, *, certified: bool = False) -> Any:
    """The quantile of the top class."""
    return _paired(p_lower, 0.5, lambda p, half: arb(sigma) * weierstrass.quantile(p))


def radius_multi(p_lower: Any, p_upper: Any, sigma: Any, *, certified: bool = False) -> Any:
    """Half the distance of the quantiles."""
    quantile = weierstrass.quantile
    return _paired(p_lower, p_upper, lambda p, q: arb(sigma) / 2 * (quantile(p) - quantile(q)))


def radius_multi_lipschitz(
    p_lower: Any, p_upper: Any, sigma: Any, lipschitz: Any, *, certified: bool = False
) -> Any:
    """Half the distance of the ramps of one slope; of two slopes, where the two ramps' smoothed values meet."""
    if isinstance(lipschitz, tuple):
        first, second = lipschitz
        return _paired(p_lower, p_upper, lambda p, q: _meeting(p, q, first, second, sigma))

    def one(p: arb, q: arb) -> arb:
        return (weierstrass.ramp_start(q, lipschitz, sigma) - weierstrass.ramp_start(p, lipschitz, sigma)) / 2

    return _paired(p_lower, p_upper, one)


def _meeting(p: arb, q: arb, first: Any, second: Any, sigma: Any) -> arb:
    """The distance at which the falling value of the one ramp is the rising value of the other."""
    start, other = weierstrass.ramp_start(p, first, sigma), weierstrass.ramp_start(q, second, sigma)

    def lead_of_the_other(radius: arb) -> arb:
        falling, rising = ((start + radius, first), (other - radius, second))
        return weierstrass.ramp_value(*rising, sigma) - weierstrass.ramp_value(*falling, sigma)

    return weierstrass._root(lead_of_the_other, arb(0), arb(sigma))


def certified_accuracy(radii: Any, epsilon: Any) -> Any:
    """Counted; for radii that are known to lie on one side of every level."""
    R, levels = ball_array(radii), np.atleast_1d(ball_array(epsilon))
    shares = [arb(sum(1 for r in R if r > level)) / len(R) for level in levels]
    return _result(shares, np.ndim(epsilon) == 0)
