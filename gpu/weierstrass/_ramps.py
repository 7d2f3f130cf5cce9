"""Functions of one number, entry by entry."""

from __future__ import annotations

import math
from typing import Any

from gpu._arguments import as_real_array
from gpu._namespace import Array, Namespace, namespace_of, quiet, special, working
from refimpl._arguments import as_number


def probit(z: Any, scale: float = 1.0) -> Array:
    """`refimpl.weierstrass.probit`; the argument keeps twice the digits, the tail those of the library's function."""
    xp = namespace_of(z)
    values, factor = as_real_array(z, "z"), as_number(scale, "scale")
    with quiet():
        high, low = _exact_product(xp, values, factor)
        # In the tail an error of the argument is multiplied by it: the rest of the product is put in by the slope.
        slope = xp.exp(-high * high / 2) / math.sqrt(2 * math.pi)
        rest = xp.where(slope > 0, slope * low, xp.zeros_like(low))
        result = special("ndtr", high) + rest
    return working(xp, xp.asarray(result))


def _exact_product(xp: Namespace, a: Array, b: float) -> tuple[Array, Array]:
    """The product and its rounding error, by Dekker's splitting; outside of the range of that without the error."""
    product = a * b
    split = 2.0**27 + 1
    a_high = a * split - (a * split - a)
    b_high = b * split - (b * split - b) if abs(b) < 2.0**900 else b
    a_low, b_low = a - a_high, b - b_high
    error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    # Beyond 60 the tail is 0, and near 0 nothing is multiplied.
    near = (xp.abs(product) < 60) & (xp.abs(product) > 2.0**-20) & (xp.abs(a) < 2.0**900)
    return product, xp.where(near, error, xp.zeros_like(error))


def extremal_ramp(s: Any, lipschitz: float, *, start: float = 0.0, mass: float = 1.0) -> Array:
    """`refimpl.weierstrass.extremal_ramp`."""
    xp = namespace_of(s)
    values = as_real_array(s, "s")
    L, r = as_number(lipschitz, "lipschitz", above=0), as_number(mass, "mass", above=0)
    begin = as_number(start, "start")
    with quiet():
        return working(xp, xp.asarray(xp.clip(L * (values - begin), 0.0, r)))
