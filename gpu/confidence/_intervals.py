"""Clopper-Pearson, Hoeffding and empirical Bernstein intervals, entry by entry."""

from __future__ import annotations

import math
from typing import Any

import array_api_compat
import numpy as np

from gpu._arguments import as_real_array
from gpu._namespace import Array, Namespace, from_host, namespace_of, quiet, special, working
from refimpl._arguments import as_choice, as_count, as_number
from refimpl.confidence import Interval

__all__ = ["Interval", "clopper_pearson", "empirical_bernstein", "hoeffding"]

SIDES = ("both", "lower", "upper")
LEAST = 1e-307
MOST = 2**53
# The odds of the least positive float, and how often that interval is halved.
ODDS, HALVINGS = 745.0, 80
# Below these risks the library's tails have few digits, and none.
SMALL, TINY = 1e-6, 1e-200
# Steps of this relative size or less may be rounding.
STALLED = 1e-9
# Binomial coefficients of so few factors are summed; so many terms of the tail are, and so many steps are made.
FACTORS, MOST_TERMS, NEWTON_STEPS = 2000, 50_000, 60
# A table of so many counts costs nothing.
LEAST_TABLE = 2**10


def _risk(alpha: Any, side: Any) -> tuple[float, str]:
    """The risk of each end that is asked for."""
    risk = as_number(alpha, "alpha", above=0)
    if not LEAST <= risk < 1:
        raise ValueError(f"alpha must be at least {LEAST:g} and below 1, got {risk}")
    as_choice(side, "side", SIDES)
    return risk / 2 if side == "both" else risk, side


def _trials(n: Any, minimum: int) -> int:
    trials = as_count(n, "n", minimum=minimum)
    if trials > MOST:
        raise ValueError(f"n must be at most 2^53, got {trials}")
    return trials


def _first(xp: Namespace, values: Array, wrong: Array) -> float:
    flat = xp.reshape(xp.broadcast_to(wrong, values.shape), (-1,))
    return float(xp.reshape(values, (-1,))[int(xp.argmax(xp.astype(flat, xp.int8)))])


def _ends(xp: Namespace, lower: Array, upper: Array, side: str, mass: float) -> Interval:
    """Both ends within the range; the one that is not asked for is that of the range."""
    low = xp.zeros_like(upper) if side == "upper" else xp.clip(lower, 0.0, mass)
    high = xp.full_like(lower, mass) if side == "lower" else xp.clip(upper, 0.0, mass)
    ends = (working(xp, xp.asarray(end)) for end in (low, high))
    return Interval(*(float(end) if end.ndim == 0 else end for end in ends))


def clopper_pearson(counts: Any, n: int, alpha: float, *, side: Any = "both") -> Interval:
    """`refimpl.confidence.clopper_pearson`; the ends of every count that occurs, by Newton's iteration on the tail.

    Risks below a millionth are refused for some counts of more than ten million trials.
    """
    xp = namespace_of(counts)
    trials = _trials(n, 1)
    risk, side = _risk(alpha, side)
    k = as_real_array(counts, "counts", "an integer or an array of integers", xp=xp)
    wrong = (k != xp.floor(k)) | (k < 0) | (k > trials)
    if bool(xp.any(wrong)):
        got = _first(xp, k, wrong)
        raise ValueError(f"counts must be integers from 0 to {trials}, the number of trials, got {got:.17g}")
    shape = k.shape
    k, places = _distinct(xp, k, trials)
    zero = xp.zeros_like(k)
    lower = upper = zero
    if side != "upper":
        lower = xp.where(k == 0, zero, special("expit", _log_odds(xp, xp.maximum(k, zero + 1), trials, risk)))
    if side != "lower":
        # By failures instead of successes, and from the other end.
        odds = _log_odds(xp, xp.maximum(trials - k, zero + 1), trials, risk)
        upper = xp.where(k == trials, zero + 1, special("expit", -odds))
    lower, upper = (xp.reshape(xp.take(end, places), shape) for end in (lower, upper))
    return _ends(xp, lower, upper, side, 1.0)


def _distinct(xp: Namespace, k: Array, n: int) -> tuple[Array, Array]:
    """The counts that occur, and for each entry in a row the place of its own among them."""
    if array_api_compat.is_numpy_namespace(xp) and n <= max(k.size, LEAST_TABLE):
        # A table of all counts instead of sorting the entries.
        whole = k.ravel().astype(np.intp)
        occurs = np.bincount(whole) > 0
        return np.flatnonzero(occurs).astype(k.dtype), (np.cumsum(occurs) - 1)[whole]
    k, places = xp.unique_inverse(k)
    return k, xp.reshape(places, (-1,))


def _log_odds(xp: Namespace, k: Array, n: int, risk: float) -> Array:
    """Of the probability at which k or more successes have this risk; in odds, so that ends near 0 keep their digits.

    Newton's iteration on the logarithm of the tail, which is concave, from below. The library's function gives the
    start, or where it has no digits the leading term of the tail.
    """
    with quiet():
        ways = _log_ways(xp, k, n)
        odds = (math.log(risk) - ways) / k if risk < TINY else _start(xp, k, n, risk)
        last = math.inf
        for _ in range(NEWTON_STEPS):
            tail, slope = _log_tail(xp, k, n, odds, ways)
            # Where the series says nothing the start has to do.
            step = xp.where(slope > 0, (math.log(risk) - tail) / slope, xp.zeros_like(k))
            odds = odds + step
            size = float(xp.max(xp.abs(step) / (1 + xp.abs(odds))))
            # Steps that no longer shrink are rounding.
            if size <= 2.0**-50 or last <= size <= STALLED:
                break
            last = size
        if risk < SMALL and not bool(xp.all(slope > 0)):
            raise ValueError(f"n must be smaller for a risk of {risk:g}, whose tail has too many terms, got {n}")
    return odds


def _start(xp: Namespace, k: Array, n: int, risk: float) -> Array:
    """The odds from the library's quantiles of success and of failure, by bisection where it has none."""
    ones = xp.ones_like(k)
    success = special("betaincinv", k, n - k + 1, risk * ones)
    failure = special("betaincinv", n - k + 1, k, (1 - risk) * ones)
    odds = xp.log(success) - xp.log(failure)
    found = xp.isfinite(odds)
    return odds if bool(xp.all(found)) else xp.where(found, odds, _by_bisection(xp, k, n, risk))


def _by_bisection(xp: Namespace, k: Array, n: int, risk: float) -> Array:
    low, high = xp.full_like(k, -ODDS), xp.full_like(k, ODDS)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = _tail(xp, k, n - k + 1, middle) < risk
        low, high = xp.where(below, middle, low), xp.where(below, high, middle)
    return low


def _tail(xp: Namespace, a: Array, b: Array, odds: Array) -> Array:
    """The incomplete beta function of a probability above 1/2 by that of the other one, which has all its digits."""
    direct = special("betainc", a, b, special("expit", odds))
    return xp.where(odds <= 0, direct, 1 - special("betainc", b, a, special("expit", -odds)))


def _log_ways(xp: Namespace, k: Array, n: int) -> Array:
    """Logarithm of the binomial coefficient: of few factors as a sum, of many from the gamma function."""
    few = xp.minimum(k, n - k)
    i = np.arange(int(min(FACTORS, float(xp.max(few)))))
    sums = from_host(xp, np.concatenate([[0.0], np.cumsum(np.log((n - i) / (i + 1)))]), k)
    total = xp.take(sums, xp.astype(xp.minimum(few, xp.full_like(k, float(i.size))), xp.int64))
    one = xp.ones_like(k)
    by_gamma = special("gammaln", one * (n + 1)) - special("gammaln", k + 1) - special("gammaln", n - k + 1)
    return xp.where(few <= FACTORS, total, by_gamma)


def _log_tail(xp: Namespace, k: Array, n: int, odds: Array, ways: Array) -> tuple[Array, Array]:
    """Logarithm of P(X >= k) and its slope by the odds; 0 twice beyond the mean or where the series is too long.

    The leading term times a sum of positive terms, each the one before times a quotient: nothing cancels.
    """
    p, q = special("expit", odds), special("expit", -odds)
    quotient, useful = xp.exp(odds), p * (n + 1) < k
    term = total = xp.ones_like(k)
    for j in range(MOST_TERMS):
        term = term * (xp.maximum(n - k - j, xp.zeros_like(k)) / (k + j + 1) * quotient)
        total = total + term
        if j % 16 == 0 and not bool(xp.any((term > 2.0**-60 * total) & useful)):
            break
    useful = useful & (term <= 2.0**-60 * total)
    tail = ways + k * special("log_expit", odds) + (n - k) * special("log_expit", -odds) + xp.log(total)
    zero = xp.zeros_like(k)
    return xp.where(useful, tail, zero), xp.where(useful, k * q / total, zero)


def hoeffding(mean: Any, n: int, alpha: float, *, side: Any = "both", mass: float = 1.0) -> Interval:
    """`refimpl.confidence.hoeffding`."""
    xp = namespace_of(mean)
    trials = _trials(n, 1)
    risk, side = _risk(alpha, side)
    values, r = _means(xp, mean, mass)
    half = r * math.sqrt(-math.log(risk) / (2 * trials))
    with quiet():  # what leaves the range of floats is cut
        return _ends(xp, values - half, values + half, side, r)


def _means(xp: Namespace, mean: Any, mass: Any) -> tuple[Array, float]:
    r = as_number(mass, "mass", above=0)
    values = as_real_array(mean, "mean", "a number or an array", xp=xp)
    wrong = (values < 0) | (values > r)
    if bool(xp.any(wrong)):
        raise ValueError(f"mean must lie in [0, {r:g}], got {_first(xp, values, wrong)}")
    return values, r


def empirical_bernstein(
    mean: Any, variance: Any, n: int, alpha: float, *, side: Any = "both", mass: float = 1.0
) -> Interval:
    """`refimpl.confidence.empirical_bernstein`."""
    xp = namespace_of(mean, variance)
    trials = _trials(n, 2)
    risk, side = _risk(alpha, side)
    values, r = _means(xp, mean, mass)
    V = as_real_array(variance, "variance", "a number or an array", xp=xp)
    most = trials * r * r / (4 * (trials - 1))
    wrong = (V < 0) | (most * (1 + 1e-9) < V)
    if bool(xp.any(wrong)):
        got = _first(xp, V, wrong)
        raise ValueError(f"variance must lie in [0, {most:g}], as of numbers in [0, {r:g}], got {got}")
    try:
        shape = np.broadcast_shapes(tuple(values.shape), tuple(V.shape))
    except ValueError:
        raise ValueError(
            f"variance must fit mean of shape {tuple(values.shape)}, got shape {tuple(V.shape)}") from None
    values, V = xp.broadcast_to(values, shape), xp.broadcast_to(V, shape)
    log = math.log(2) - math.log(risk)  # 2 / alpha may leave the range of floats
    with quiet():  # what leaves the range of floats is cut
        half = xp.sqrt(2 * V * log / trials) + 7 * r * log / (3 * (trials - 1))
        return _ends(xp, values - half, values + half, side, r)
