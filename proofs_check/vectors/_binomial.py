"""Confidence intervals from their definitions in balls: roots of binomial tails, and closed forms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from flint import arb, ctx

from proofs_check.balls import weierstrass


def tail(k: int, n: int, p: arb) -> arb:
    """P(X >= k) of a binomial X with 0 < p < 1: the shorter of the sum and what is missing to 1."""
    if n - k >= k:
        return 1 - _sum(0, k - 1, n, p)
    return _sum(k, n, n, p)


def _sum(first: int, last: int, n: int, p: arb) -> arb:
    """Of binomial probabilities, each from the one before."""
    if last < first:
        return arb(0)
    q = 1 - p
    term = arb(math.comb(n, first)) * p**first * q ** (n - first)
    total, odds = term, p / q
    for j in range(first, last):
        term = term * arb(n - j) / arb(j + 1) * odds
        total += term
    return total


@cache
def _root(k: int, n: int, numerator: int, denominator: int, precision: int) -> arb:
    """Where P(X >= k) is the risk, by bisection and then secants, closed in from both sides."""
    risk = arb(numerator) / denominator
    if k == 1:  # 1 - (1 - p)^n
        return -((-risk).log1p() / n).expm1()
    if k == n:  # p^n
        return (risk.log() / n).exp()
    with ctx.workprec(2 * precision + 64):
        low, high = arb(0), arb(1)
        for _ in range(60):
            middle = _between(low, high)
            if tail(k, n, middle) < risk:
                low = middle
            else:
                high = middle
        while (high - low) / high > arb(2) ** -(precision - 20):
            low, high = _narrowed(k, n, risk, low, high)
        return low.union(high)


def _between(low: arb, high: arb) -> arb:
    """Halfway, of small numbers in logarithms."""
    return ((low * high).sqrt() if low > 0 and high > 2 * low else (low + high) / 2).mid()


def _narrowed(k: int, n: int, risk: arb, low: arb, high: arb) -> tuple[arb, arb]:
    """A secant's zero with a little room on each side; the tail decides where the risk is crossed."""
    at_low, at_high = tail(k, n, low) - risk, tail(k, n, high) - risk
    zero = (low - at_low * (high - low) / (at_high - at_low)).mid()
    room = ((high - low) * ((high - low) / high)).mid() * 16
    for point in ((zero - room).mid(), (zero + room).mid()):
        if low < point < high:
            if tail(k, n, point) < risk:
                low = point
            else:
                high = point
    middle = _between(low, high)
    return (middle, high) if tail(k, n, middle) < risk else (low, middle)


def _parts(risk: arb) -> tuple[int, int]:
    mantissa, exponent = risk.mid().man_exp()
    m, e = int(mantissa), int(exponent)
    return (m << e, 1) if e >= 0 else (m, 1 << -e)


def lower_end(k: int, n: int, risk: Any) -> arb:
    """The Clopper-Pearson lower end at a risk: a fraction (numerator, denominator) or a float."""
    numerator, denominator = risk if isinstance(risk, tuple) else _parts(arb(risk))
    return arb(0) if k == 0 else _root(k, n, numerator, denominator, ctx.prec)


def upper_end(k: int, n: int, risk: Any) -> arb:
    """Of failures the lower end."""
    return 1 - lower_end(n - k, n, risk)


def share(alpha: float, count: int) -> tuple[int, int]:
    """The risk over a number of statements, exactly."""
    numerator, denominator = float(alpha).as_integer_ratio()
    return numerator, denominator * count


def clopper_pearson(counts: int, n: int, alpha: float, side: str = "both") -> dict[str, arb]:
    """Both ends at half the risk, or one at all of it."""
    risk = share(alpha, 2 if side == "both" else 1)
    return {"lower": arb(0) if side == "upper" else lower_end(counts, n, risk),
            "upper": arb(1) if side == "lower" else upper_end(counts, n, risk)}


def _cut(middle: Any, half: arb, side: str, mass: Any) -> dict[str, arb]:
    m, r = arb(middle), arb(mass)
    return {"lower": arb(0) if side == "upper" else (m - half).max(arb(0)),
            "upper": r if side == "lower" else (m + half).min(r)}


def _log(alpha: float, side: str, times: int = 1) -> arb:
    """log(times / alpha'), alpha' = alpha / 2 for two sides."""
    return (arb(times) * (2 if side == "both" else 1) / arb(alpha)).log()


def hoeffding(mean: float, n: int, alpha: float, side: str = "both", mass: float = 1.0) -> dict[str, arb]:
    """The mean and r sqrt(log(1/alpha') / 2n)."""
    return _cut(mean, arb(mass) * (_log(alpha, side) / (2 * n)).sqrt(), side, mass)


def empirical_bernstein(
    mean: float, variance: float, n: int, alpha: float, side: str = "both", mass: float = 1.0
) -> dict[str, arb]:
    """The mean and sqrt(2 V log(2/alpha') / n) + 7 r log(2/alpha') / 3(n - 1)."""
    log = _log(alpha, side, 2)
    half = (2 * arb(variance) * log / n).sqrt() + 7 * arb(mass) * log / (3 * (n - 1))
    return _cut(mean, half, side, mass)


def buckets(counts: Sequence[int]) -> tuple[int, list[list[int]]]:
    """The leading class, and the others: single ones until the rest counts no more than the runner-up."""
    order = sorted(range(len(counts)), key=lambda i: (-counts[i], i))
    top, singles, rest = order[0], [order[1]], order[2:]
    while sum(counts[i] for i in rest) > counts[order[1]]:
        singles.append(rest.pop(0))
    return top, [[i] for i in singles] + ([sorted(rest)] if rest else [])


def _certificate(label: int, p: arb, q: arb, sigma: float) -> dict[str, Any]:
    """Half the distance of the quantiles, nothing where the bounds do not part."""
    if not p > q:
        return {"label": -1, "radius": arb(0), "lower": p, "upper": q}
    radius = arb(sigma) / 2 * (_quantile(p) - _quantile(q))
    return {"label": label, "radius": radius, "lower": p, "upper": q}


def _quantile(p: arb) -> arb:
    """From the nearer end, where 1 - p has its digits."""
    return weierstrass.quantile(p) if p < 0.5 else -weierstrass.quantile(1 - p)


def certify_mono(selection: list[int], estimation: list[int], sigma: float, alpha: float) -> dict[str, Any]:
    """The class of the selection sample, its lower end from the other one."""
    label, n = selection.index(max(selection)), sum(estimation)
    p = lower_end(estimation[label], n, share(alpha, 1))
    return _certificate(label, p, 1 - p, sigma)


def certify_multi(counts: list[int], sigma: float, alpha: float) -> dict[str, Any]:
    """Two-sided intervals of all c classes at the risk alpha / c each."""
    label, n, risk = counts.index(max(counts)), sum(counts), share(alpha, 2 * len(counts))
    others = max(k for i, k in enumerate(counts) if i != label)
    return _certificate(label, lower_end(counts[label], n, risk), upper_end(others, n, risk), sigma)


def certify_partitioned(selection: list[int], estimation: list[int], sigma: float, alpha: float) -> dict[str, Any]:
    """One-sided ends of the class and of every bucket."""
    label, parts = buckets(selection)
    n, risk = sum(estimation), share(alpha, len(parts) + 1)
    others = max(sum(estimation[i] for i in part) for part in parts)
    return _certificate(label, lower_end(estimation[label], n, risk), upper_end(others, n, risk), sigma)
