"""How often an interval procedure covers: exactly, by enumeration of all counts in integers, or by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from refimpl._arguments import as_count, as_generator, as_number, as_sequence, check_callable
from refimpl.confidence._intervals import Interval, clopper_pearson

# Above this an enumeration would not end.
MOST_OUTCOMES = 20_000_000
MOST_CLASSES = 100


class Coverage(NamedTuple):
    """Two neighbouring floats (or one) that enclose the exact probability."""

    low: float
    high: float


def exact_coverage(covers: Callable[[tuple[int, ...]], bool], p: Sequence[Any], n: int) -> Coverage:
    r"""Exact probability of an event of multinomial counts, as the tightest enclosure by floats.

    .. math:: \sum_{k \text{ covered}} \frac{n!}{k_1! \cdots k_c!} p_1^{k_1} \cdots p_c^{k_c}

    over all counts of n trials, summed in integers. That is the coverage of every procedure that sees counts: `covers`
    says of given counts whether what it makes of them holds.

    Parameters
    ----------
    covers : callable
        Takes a tuple of c counts with the sum n and returns a truth value.
    p : sequence of int, Fraction or float
        Weights of the c classes, at least 0 and not all 0, taken as exact numbers; divided by their sum.
    n : int
        Number of trials, at least 1. The number of outcomes, :math:`\binom{n + c - 1}{c - 1}`, may be 2e7 at most.

    Returns
    -------
    coverage : Coverage
        `low` and `high`, equal where the probability is a float.

    Raises
    ------
    ValueError
        If an argument is out of its range or there are too many outcomes.

    References
    ----------
    thesis.def-6.1.1, thesis.app-C.1

    Examples
    --------
    With two trials and a risk of 0.3 the lower end after two successes lies above 1/2, which happens once in four:

    >>> from refimpl.confidence import clopper_pearson
    >>> lower = [clopper_pearson(k, 2, 0.3, side="lower").lower for k in range(3)]
    >>> exact_coverage(lambda counts: lower[counts[0]] <= 0.5, [1, 1], 2)
    Coverage(low=0.75, high=0.75)
    """
    check_callable(covers, "covers")
    weights = _weights(p)
    trials = as_count(n, "n", minimum=1)
    if len(weights) > MOST_CLASSES:
        raise ValueError(f"p must be of at most {MOST_CLASSES} classes, got {len(weights)}")
    outcomes = math.comb(trials + len(weights) - 1, len(weights) - 1)
    if outcomes > MOST_OUTCOMES:
        raise ValueError(f"n must be smaller for {len(weights)} classes: {outcomes} outcomes, at most {MOST_OUTCOMES}")
    # Common denominator: all is integers then.
    scale = math.lcm(*(w.denominator for w in weights))
    integers = [int(w * scale) for w in weights]
    powers = [[w**k for k in range(trials + 1)] for w in integers]
    favourable = sum(
        coefficient * math.prod(power[k] for power, k in zip(powers, counts, strict=True))
        for counts, coefficient in _outcomes(trials, len(integers)) if _truth(covers(counts))
    )
    return _enclosed(Fraction(favourable, sum(integers) ** trials))


def simulated_coverage(
    covers: Callable[[tuple[int, ...]], bool], p: Sequence[Any], n: int, runs: int, alpha: float, *,
    rng: np.random.Generator | int,
) -> Interval:
    r"""Confidence interval for the probability of an event of multinomial counts, from simulated ones.

    For what `exact_coverage` cannot enumerate. The event is looked at in `runs` independent draws of counts; how often
    it holds is binomial, and the interval that of Clopper and Pearson.

    Parameters
    ----------
    covers : callable
        Takes a tuple of c counts with the sum n and returns a truth value.
    p : sequence of int, Fraction or float
        Weights of the c classes, at least 0 and not all 0; divided by their sum and rounded.
    n : int
        Number of trials, at least 1.
    runs : int
        Number of draws, at least 1.
    alpha : float
        Risk that the interval, of both ends, misses the probability, in (0, 1).
    rng : numpy.random.Generator or int
        Source of the counts.

    Returns
    -------
    coverage : Interval

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    lipref.simulated-coverage

    Examples
    --------
    A fair coin shows heads at least 5 times in 10 with the probability 0.623:

    >>> low, high = simulated_coverage(lambda counts: counts[0] >= 5, [1, 1], 10, 10_000, 0.001, rng=0)
    >>> round(low, 2), round(high, 2)
    (0.61, 0.64)
    """
    check_callable(covers, "covers")
    weights = _weights(p)
    trials, draws, generator = as_count(n, "n", minimum=1), as_count(runs, "runs", minimum=1), as_generator(rng)
    shares = [float(w / sum(weights)) for w in weights]
    held = 0
    for _ in range(draws):
        counts = tuple(int(k) for k in generator.multinomial(trials, shares))
        held += _truth(covers(counts))
    low, high = clopper_pearson(held, draws, alpha)
    return Interval(float(low), float(high))


def _weights(p: Any) -> list[Fraction]:
    weights = [_exactly(v) for v in as_sequence(p, "p")]
    if not weights or sum(weights) == 0:
        raise ValueError(f"p must have a positive weight, got {p!r}")
    return weights


def _truth(value: Any) -> bool:
    try:
        return bool(value)
    except (ValueError, TypeError):
        raise ValueError(f"covers must return a truth value, got {value!r}") from None


def _exactly(value: Any) -> Fraction:
    weight = value if isinstance(value, (int, Fraction)) and not isinstance(value, bool) else None
    exact = Fraction(as_number(value, "p")) if weight is None else Fraction(weight)
    if exact < 0:
        raise ValueError(f"p must be of weights of at least 0, got {value!r}")
    return exact


def _outcomes(n: int, classes: int, coefficient: int = 1) -> Iterator[tuple[tuple[int, ...], int]]:
    """All counts with their multinomial coefficients."""
    if classes == 1:
        yield (n,), coefficient
        return
    ways = 1
    for k in range(n + 1):
        for rest, product in _outcomes(n - k, classes - 1, coefficient * ways):
            yield (k, *rest), product
        ways = ways * (n - k) // (k + 1)


def _enclosed(value: Fraction) -> Coverage:
    nearest = float(value)
    exact = Fraction(nearest)
    low = nearest if exact <= value else math.nextafter(nearest, 0)
    high = nearest if exact >= value else math.nextafter(nearest, 2)
    return Coverage(low, high)
