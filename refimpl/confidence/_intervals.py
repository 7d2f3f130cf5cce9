"""Confidence intervals for means of numbers in [0, 1]: Clopper-Pearson, Hoeffding, empirical Bernstein."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, gammaln, log_expit
from scipy.stats import beta

from refimpl._arguments import as_choice, as_count, as_number, as_real_array

Array = npt.NDArray[Any]
Side = Literal["both", "lower", "upper"]

SIDES = ("both", "lower", "upper")
# Halves of smaller risks have fewer digits.
LEAST = 1e-307
# Above this a float does not hold every count.
MOST = 2**53
# The library's quantile is taken where its tail is the risk up to this times the number of successes, which is what a
# roundoff of the quantile changes at most; else it is searched for.
CLOSE = 1e-13
# Below this risk the library's tails have too few digits; the series tells then whether its quantile is right.
TINY = 1e-20
# Binomial coefficients of so few factors are multiplied, others are taken from the gamma function.
FACTORS = 2000
# The odds of the least positive float, and how often that interval is halved.
ODDS, HALVINGS = 745.0, 80


class Interval(NamedTuple):
    """Lower and upper ends, floats or arrays of one shape."""

    lower: Any
    upper: Any


def _risk(alpha: Any, side: Any) -> tuple[float, Side]:
    """The risk of each end that is asked for."""
    risk = as_number(alpha, "alpha", above=0)
    if not LEAST <= risk < 1:
        raise ValueError(f"alpha must be at least {LEAST:g} and below 1, got {risk}")
    as_choice(side, "side", SIDES)
    return risk / 2 if side == "both" else risk, side


def _ends(lower: Array, upper: Array, side: Side, mass: float) -> Interval:
    """Both ends within the range; the one that is not asked for is that of the range."""
    low = np.zeros_like(upper) if side == "upper" else np.clip(lower, 0, mass)
    high = np.full_like(lower, mass) if side == "lower" else np.clip(upper, 0, mass)
    return Interval(low[()], high[()])


def clopper_pearson(counts: npt.ArrayLike, n: int, alpha: float, *, side: Side = "both") -> Interval:
    r"""Clopper-Pearson interval of a probability from a number of successes, right to eleven digits.

    .. math::

        \mathbb{P}_{\underline p}(X \ge k) = \alpha', \qquad \mathbb{P}_{\overline p}(X \le k) = \alpha', \qquad
        X \sim \mathrm{Bin}(n, p)

    with :math:`\alpha' = \alpha / 2` for both ends and :math:`\alpha` for one. It covers with at least 1 - alpha.

    Parameters
    ----------
    counts : int or array_like of int
        k, the numbers of successes, in [0, n].
    n : int
        Number of trials, at least 1.
    alpha : float
        Risk, in (0, 1).
    side : {"both", "lower", "upper"}
        Which end is bounded; the other one is then 0 or 1.

    Returns
    -------
    interval : Interval
        `lower` and `upper` of the shape of `counts`, in [0, 1].

    Raises
    ------
    ValueError
        If an argument is out of its range, or a count is no integer.

    References
    ----------
    thesis.def-6.1.1, lipref.clopper-pearson

    Examples
    --------
    >>> low, high = clopper_pearson(9, 10, 0.05)
    >>> round(float(low), 6), round(float(high), 6)
    (0.554984, 0.997471)
    >>> round(float(clopper_pearson(10, 10, 0.05, side="lower").lower), 6)
    0.741134
    """
    trials = _trials(n, 1)
    risk, side = _risk(alpha, side)
    k = as_real_array(counts, "counts", "an integer or an array of integers")
    if (k != np.floor(k)).any() or (k < 0).any() or (k > trials).any():
        wrong = k[(k != np.floor(k)) | (k < 0) | (k > trials)].flat[0]
        raise ValueError(f"counts must be integers from 0 to {trials}, the number of trials, got {wrong:.17g}")
    different, place = np.unique(k, return_inverse=True)
    lower = _lower_ends(different, trials, risk)[place].reshape(k.shape)
    upper = _upper_ends(different, trials, risk)[place].reshape(k.shape)
    return _ends(lower, upper, side, 1.0)


def _trials(n: Any, minimum: int) -> int:
    trials = as_count(n, "n", minimum=minimum)
    if trials > MOST:
        raise ValueError(f"n must be at most 2^53, got {trials}")
    return trials


def _lower_ends(k: Array, n: int, risk: float) -> Array:
    """Where P(X >= k) is the risk: a quantile of the beta distribution; 0 without a success."""
    inner = np.maximum(k, 1)
    with _quiet():
        found = np.array(beta.ppf(risk, inner, n - inner + 1))
        right = np.abs(beta.cdf(found, inner, n - inner + 1) / risk - 1) < CLOSE * (inner + 10)
    for i in np.flatnonzero(~right | (risk < TINY)):
        count = int(inner[i])
        if not (0 < found[i] < 1 and _solves(_log_tail(count, n, _logit(found[i])), risk, count)):
            found[i] = expit(_log_odds(count, n, risk))
    return np.where(k == 0, 0.0, found)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Where a library's quantile warns or fails, the check beside it finds that out."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _solves(log_tail: float, risk: float, k: int) -> bool:
    return abs(log_tail - math.log(risk)) < CLOSE * (k + 1000)


def _logit(p: float) -> float:
    return math.log(p) - math.log1p(-p)


def _upper_ends(k: Array, n: int, risk: float) -> Array:
    """Where P(X <= k) is the risk; 1 without a failure."""
    inner = np.minimum(k, n - 1)
    with _quiet():
        found = np.array(beta.isf(risk, inner + 1, n - inner))
        right = np.abs(beta.sf(found, inner + 1, n - inner) / risk - 1) < CLOSE * (inner + 10)
    for i in np.flatnonzero(~right | (risk < TINY)):
        count = n - int(inner[i])  # failures for successes
        if not (0 < found[i] < 1 and _solves(_log_tail(count, n, -_logit(found[i])), risk, int(inner[i]))):
            found[i] = expit(-_log_odds(count, n, risk))
    return np.where(k == n, 1.0, found)


def _log_odds(k: int, n: int, risk: float) -> float:
    """Of the lower end for k successes, by bisection, in the logarithm of the tail's series."""
    low, high = -ODDS, ODDS
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _log_tail(k, n, middle) < math.log(risk) else (low, middle)
    return low


def _log_tail(k: int, n: int, odds: float) -> float:
    """Logarithm of P(X >= k): the leading term, and the others by their quotients."""
    if k == 0:
        return 0.0
    if odds > math.log(k / max(n - k, 0.5)) and -odds <= math.log((n - k + 1) / max(k - 1, 0.5)):
        # Before the mean the series would be long: by that of the other tail.
        return math.log1p(-math.exp(_log_tail(n - k + 1, n, -odds)))
    total, term, quotient = 1.0, 1.0, math.exp(odds)
    for j in range(k, n):
        term *= (n - j) / (j + 1) * quotient
        total += term
        if term < 2.0**-60 * total:
            break
    return float(_log_ways(k, n) + k * log_expit(odds) + (n - k) * log_expit(-odds) + math.log(total))


def _log_ways(k: int, n: int) -> float:
    """Logarithm of the binomial coefficient."""
    few = min(k, n - k)
    if few <= FACTORS:
        return math.fsum(math.log((n - i) / (i + 1)) for i in range(few))
    return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def hoeffding(mean: npt.ArrayLike, n: int, alpha: float, *, side: Side = "both", mass: float = 1.0) -> Interval:
    r"""Hoeffding's interval of a mean of independent numbers in [0, r], exact up to rounding.

    .. math:: \hat p \pm r \sqrt{\frac{\ln(1 / \alpha')}{2 n}}

    with :math:`\alpha' = \alpha / 2` for both ends and :math:`\alpha` for one. It covers with at least 1 - alpha.

    Parameters
    ----------
    mean : float or array_like
        Sample means, in [0, r].
    n : int
        Number of samples, at least 1.
    alpha : float
        Risk, in (0, 1).
    side : {"both", "lower", "upper"}
        As in `clopper_pearson`.
    mass : float
        r, above 0.

    Returns
    -------
    interval : Interval
        `lower` and `upper` of the shape of `mean`, cut to [0, r].

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.sec-6.2.2-hoeffding, lipref.hoeffding-ends

    Examples
    --------
    >>> low, high = hoeffding(0.5, 200, 0.05)
    >>> round(float(low), 6), round(float(high), 6)
    (0.403968, 0.596032)
    """
    trials = _trials(n, 1)
    risk, side = _risk(alpha, side)
    values, r = _means(mean, mass)
    with np.errstate(over="ignore"):  # what leaves the range of floats is cut
        half = r * np.sqrt(-np.log(risk) / (2 * trials))
        return _ends(values - half, values + half, side, r)


def _means(mean: Any, mass: Any) -> tuple[Array, float]:
    r = as_number(mass, "mass", above=0)
    values = as_real_array(mean, "mean", "a number or an array")
    if (values < 0).any() or (values > r).any():
        wrong = values[(values < 0) | (values > r)].flat[0]
        raise ValueError(f"mean must lie in [0, {r:g}], got {wrong}")
    return values, r


def empirical_bernstein(
    mean: npt.ArrayLike, variance: npt.ArrayLike, n: int, alpha: float, *, side: Side = "both", mass: float = 1.0
) -> Interval:
    r"""Empirical Bernstein interval of a mean of independent numbers in [0, r], exact up to rounding.

    .. math::

        \hat p \pm \Bigl(\sqrt{\frac{2 V \ln(2 / \alpha')}{n}} + \frac{7 r \ln(2 / \alpha')}{3 (n - 1)}\Bigr), \qquad
        V = \frac{1}{n - 1} \sum_i (Z_i - \hat p)^2

    with :math:`\alpha' = \alpha / 2` for both ends and :math:`\alpha` for one, as Maurer and Pontil prove it. It covers
    with at least 1 - alpha.

    Parameters
    ----------
    mean : float or array_like
        Sample means, in [0, r].
    variance : float or array_like
        V, the sample variances (`ddof=1`), of a shape that fits; at least 0 and at most :math:`n r^2 / (4 (n - 1))`.
    n : int
        Number of samples, at least 2.
    alpha : float
        Risk, in (0, 1).
    side : {"both", "lower", "upper"}
        As in `clopper_pearson`.
    mass : float
        r, above 0.

    Returns
    -------
    interval : Interval
        `lower` and `upper` of the broadcast shape, cut to [0, r].

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.prop-6.2.3, lipref.empirical-bernstein-ends

    Examples
    --------
    >>> low, high = empirical_bernstein(0.5, 0.01, 1000, 0.05)
    >>> round(float(low), 6), round(float(high), 6)
    (0.480403, 0.519597)
    """
    trials = _trials(n, 2)
    risk, side = _risk(alpha, side)
    values, r = _means(mean, mass)
    V = as_real_array(variance, "variance", "a number or an array")
    most = trials * r * r / (4 * (trials - 1))
    if (V < 0).any() or (most * (1 + 1e-9) < V).any():
        wrong = V[(V < 0) | (most * (1 + 1e-9) < V)].flat[0]
        raise ValueError(f"variance must lie in [0, {most:g}], as of numbers in [0, {r:g}], got {wrong}")
    try:
        values, V = np.broadcast_arrays(values, V)
    except ValueError:
        raise ValueError(f"variance must fit mean of shape {values.shape}, got shape {V.shape}") from None
    log = np.log(2) - np.log(risk)  # 2 / alpha may leave the range of floats
    with np.errstate(over="ignore"):  # what leaves the range of floats is cut
        half = np.sqrt(2 * V * log / trials) + 7 * r * log / (3 * (trials - 1))
        return _ends(values - half, values + half, side, r)


def bonferroni(alpha: float, m: int) -> float:
    r"""Risk of each of some statements such that all of them together have a given risk (exact up to rounding).

    .. math:: \alpha' = \alpha / m

    Parameters
    ----------
    alpha : float
        Risk that any of them fails, in (0, 1).
    m : int
        Number of statements, at least 1; they may depend on each other.

    Returns
    -------
    risk : float
        For each.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.thm-6.1.2, lipref.bonferroni-share

    Examples
    --------
    >>> bonferroni(0.25, 5)
    0.05
    """
    risk, _ = _risk(alpha, "lower")
    count = as_count(m, "m", minimum=1)
    if count > risk / LEAST:
        raise ValueError(f"m must be at most {risk / LEAST:g}, so that alpha / m is at least {LEAST:g}, got {m}")
    return risk / count
