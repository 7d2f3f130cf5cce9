"""Gaussian smoothing in balls: closed forms, and roots enclosed by bisection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb, ctx

from proofs_check.balls._lift import ball_array, euclidean_norm


def distribution(t: Any) -> arb:
    """Phi."""
    return (-arb(t) / arb(2).sqrt()).erfc() / 2


def density(t: Any) -> arb:
    """The standard normal density."""
    return (-arb(t) * arb(t) / 2).exp() / (2 * arb.pi()).sqrt()


def quantile(p: arb) -> arb:
    """Phi^-1."""
    return _root(lambda t: distribution(t) - p, arb(-2), arb(2))


def _root(rising: Callable[[arb], arb], low: arb, high: arb) -> arb:
    """The zero of a function that rises, from a bracket that is widened: an enclosure of it."""
    while not rising(low) < 0:
        low = low * 2 - high
        _give_up(low)
    while not rising(high) > 0:
        high = high * 2 - low
        _give_up(high)
    for _ in range(4 * ctx.prec):
        middle = ((low + high) / 2).mid()
        value = rising(middle)
        if value < 0:
            low = middle
        elif value > 0:
            high = middle
        else:
            # Undecided there: the value is as near to zero as it can be told. Close in from both sides.
            low = _closest(rising, low, middle, -1)
            high = _closest(rising, high, middle, 1)
            break
    return low.union(high)


def _closest(rising: Callable[[arb], arb], end: arb, middle: arb, sign: int) -> arb:
    """Towards the middle as long as the sign is certain."""
    for _ in range(4 * ctx.prec):
        next_ = ((end + middle) / 2).mid()
        value = rising(next_)
        if not (value * sign > 0) or next_ == end:
            break
        end = next_
    return end


def _give_up(end: arb) -> None:
    if abs(end) > arb(2) ** 40:
        raise ArithmeticError("no sign change")


def lipschitz_bounded(sigma: Any, *, mass: Any = 1.0, into: str = "interval") -> arb:
    """The slope of a smoothed step."""
    height = arb(mass) if into == "interval" else arb(mass) * arb(2).sqrt()
    return height * density(0) / arb(sigma)


def lipschitz_smoothed(lipschitz: Any, sigma: Any, *, mass: Any = 1.0) -> arb:
    """The slope of the smoothed ramp in its middle: the mass of its rise."""
    L, s = arb(lipschitz), arb(sigma)
    if L == 0 or s == 0:
        return L
    if not L.is_finite():
        return lipschitz_bounded(sigma, mass=mass)
    half = arb(mass) / L / 2 / s
    return L * (distribution(half) - distribution(-half))


def lipschitz_smoothed_simplex(lipschitz: Any, sigma: Any, *, mass: Any = 1.0) -> arb:
    """A ramp along an edge, which is root two times the mass long."""
    return lipschitz_smoothed(lipschitz, sigma, mass=arb(mass) * arb(2).sqrt())


def optimal_sigma(lipschitz: Any, *, mass: Any = 1.0, into: str = "interval") -> arb:
    """Where the bound that knows only the noise is the Lipschitz constant."""
    return lipschitz_bounded(arb(1), mass=mass, into=into) / arb(lipschitz)


def extremal_ramp(s: Any, lipschitz: Any, *, start: Any = 0.0, mass: Any = 1.0) -> np.ndarray:
    """Clipped."""
    values = ball_array(s)
    out = np.empty(values.shape, dtype=object)
    out.ravel()[:] = [
        (arb(lipschitz) * (v - arb(start))).max(arb(0)).min(arb(mass)) for v in values.ravel()
    ]
    return out


def probit(z: Any, scale: Any = 1.0) -> np.ndarray:
    """Phi of each."""
    values = ball_array(z)
    out = np.empty(values.shape, dtype=object)
    out.ravel()[:] = [distribution(v * arb(scale)) for v in values.ravel()]
    return out


def _argument(x: Any, weight: Any, bias: Any, sigma: Any, scale: Any) -> tuple[arb, arb]:
    w, factor = ball_array(weight), arb(scale)
    slope = factor * arb(sigma) * euclidean_norm(w)
    root = (1 + slope * slope).sqrt()
    return factor * (w.dot(ball_array(x)) + arb(bias)) / root, root


def smoothed_probit(x: Any, weight: Any, bias: Any, sigma: Any, *, scale: Any = 1.0) -> arb:
    """The closed form."""
    return distribution(_argument(x, weight, bias, sigma, scale)[0])


def smoothed_probit_gradient(x: Any, weight: Any, bias: Any, sigma: Any, *, scale: Any = 1.0) -> np.ndarray:
    """The density at the same place."""
    argument, root = _argument(x, weight, bias, sigma, scale)
    gradient: np.ndarray = ball_array(weight) * (arb(scale) / root * density(argument))
    return gradient


def _loss(t: arb) -> arb:
    """E[(Z - t)+]."""
    return density(t) - t * distribution(-t)


def ramp_start(p: Any, lipschitz: Any, sigma: Any) -> arb:
    """Where the ramp of height 1 starts whose smoothed value at 0 is p."""
    L, s, target = arb(lipschitz), arb(sigma), arb(p)
    if not L.is_finite():
        return -s * quantile(target)
    # Mirrored above one half, so that what is compared is small.
    if target > arb(0.5):
        return -ramp_start(1 - target, L, s) - 1 / L
    return s * _root(lambda a: target - ramp_value(s * a, L, s), -1 / (L * s) - 4, arb(4))


def ramp_value(start: Any, lipschitz: Any, sigma: Any) -> arb:
    """The smoothed value at 0 of a ramp of height 1 that starts there."""
    L, a = arb(lipschitz), arb(start) / arb(sigma)
    if not L.is_finite():
        return distribution(-a)
    width = 1 / (L * arb(sigma))
    return (_loss(a) - _loss(a + width)) / width


def quantile_lipschitz(p: Any, lipschitz: Any, sigma: Any) -> Any:
    """The slope of the ramp's smoothed value over the density at its quantile."""
    if np.ndim(p) > 0:
        values = ball_array(p)
        out = np.empty(values.shape, dtype=object)
        out.ravel()[:] = [quantile_lipschitz(v, lipschitz, sigma) for v in values.ravel()]
        return out
    L, s = arb(lipschitz), arb(sigma)
    if not L.is_finite():
        return 1 / s
    start = ramp_start(p, L, s)
    # By upper tails where the ramp starts late.
    rise = distribution(-start / s) - distribution(-(start + 1 / L) / s)
    return L * rise / density(quantile(arb(p)))
