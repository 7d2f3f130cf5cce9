"""Means over independent normal variables in balls: the trapezoidal rule with a bound on its error."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb, ctx

# The error is about exp(-nats) times the bound on the integrand: the working precision for one variable, 18 digits
# for two, where the nodes are too many for more.
NATS_OF_TWO = 42.0


def mean(f: Callable[..., Any], count: int, strip: float, size: float, growth: float) -> np.ndarray:
    """E[f(g_1, ..., g_n)] of a vector function of one or two standard normal variables.

    In every variable, the others real, f is analytic for imaginary parts below `strip`, and its entries are
    bounded there by ``size + growth sum |Re g|``.
    """
    b, nats = min(strip, 4.0), math.log(2) * ctx.prec if count == 1 else NATS_OF_TWO
    step = arb(2 * math.pi * b / (nats + b * b / 2))
    most = math.ceil(math.sqrt(2 * nats) / float(step)) + 1
    nodes = [step * k for k in range(-most, most + 1)]
    weights = [step * (-g * g / 2).exp() / (2 * arb.pi()).sqrt() for g in nodes]
    totals: list[Any] = []
    for places in itertools.product(zip(nodes, weights, strict=True), repeat=count):
        weight = places[0][1] if count == 1 else places[0][1] * places[1][1]
        terms = [value * weight for value in f(*(g for g, _ in places))]
        totals = [total + term for total, term in zip(totals, terms, strict=True)] if totals else terms
    return np.array(totals, dtype=object) + arb(0, _error(step, b, most, count, size, growth).upper())


def _error(step: arb, b: float, most: int, count: int, size: float, growth: float) -> arb:
    """Of the rule in each variable, where |density| grows by exp(b^2 / 2), and of what is cut off on both sides."""
    largest = arb(size) + arb(growth) * count  # the mean of |g| is below 1
    rule = 2 * largest * (arb(b) ** 2 / 2).exp() / ((2 * arb.pi() * b / step).exp() - 1)
    edge = step * most  # the sum beyond is below the integral from here on
    tail = 2 * (arb(size) + 2 * arb(growth) * count) * (-edge * edge / 2).exp()
    return 2 * count * (rule + tail)  # twice: the other variable's weights sum to less than that
