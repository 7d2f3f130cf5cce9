"""How many iterations the source counts, as an order."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy.typing as npt

from refimpl._arguments import as_count, as_number, as_real_vector


def iteration_complexity(
    scales: npt.ArrayLike, alpha: float, layer: int, *, power: int = 1, deviation: float | None = None
) -> float:
    r"""Order of the number of iterations to an alpha-stationary point: an order without its constant, no bound.

    .. math:: \sigma^{-(K - i + 1)}\, s_{i+1} \cdots s_K / \alpha^p

    With `power` 1 what corollary 18 puts into :math:`\Omega`, with 2 what corollary 19 puts into O.

    Parameters
    ----------
    scales : (K,) array_like
        s_1 to s_K, above 0: bounds of the norms of the weights.
    alpha : float
        How small the gradient is to become, above 0.
    layer : int
        i, from 1 to K - 1.
    power : int
        p, 1 or 2.
    deviation : float, optional
        sigma, above 0, of a normalized network; without it the network has no normalizers.

    Returns
    -------
    order : float
        The quantity in the order.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.cor-18, than.cor-19

    Examples
    --------
    >>> iteration_complexity([2, 3, 5], 0.5, 1), iteration_complexity([2, 3, 5], 0.5, 2, power=2)
    (30.0, 20.0)
    >>> iteration_complexity([2, 3, 5], 0.5, 2, power=2, deviation=2.0)
    5.0
    """
    s, level = as_real_vector(scales, "scales"), as_number(alpha, "alpha", above=0)
    if (s <= 0).any():
        raise ValueError(f"scales must be of numbers above 0, got {s.min()}")
    place, p = as_count(layer, "layer", minimum=1), as_count(power, "power", minimum=1)
    if place >= s.size:
        raise ValueError(f"layer must be below the number of layers, {s.size}, got {place}")
    if p > 2:
        raise ValueError(f"power must be 1 or 2, got {p}")
    order = math.prod(map(Fraction, s[place:].tolist())) / Fraction(level) ** p
    if deviation is not None:
        order /= Fraction(as_number(deviation, "deviation", above=0)) ** (s.size - place + 1)
    try:
        return float(order)
    except OverflowError:
        raise OverflowError("the order leaves the range of floats: scale the arguments down") from None
