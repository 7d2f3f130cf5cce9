"""The mean of the cross entropy and of its derivatives under noise on the last layer, by quadrature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from refimpl._arguments import as_real_vector, in_range
from refimpl.curvature._cross_entropy import (
    Label,
    as_target,
    cross_entropy,
    cross_entropy_gradient,
    cross_entropy_hessian,
    less_target,
    noise_of_logits,
)

Array = npt.NDArray[Any]

# Every integrand is analytic for imaginary parts below pi/2, so that the trapezoidal rule with this step errs by
# about exp(-pi^2 / step) = 1e-21. Where the noise is wide, integrands vary on its scale and the step grows with it.
STEP, STEPS_OF_DEVIATION = 0.2, 8
# Beyond this many deviations there is less than 1e-18 of the noise; beyond these numbers of a Gumbel variable.
DEVIATIONS, GUMBEL_LOW, GUMBEL_HIGH = 9.0, -4.0, 42.0
# A power exp(-2t) moves the noise by twice its variance, 2 s deviations. Where s is larger than this, what such a
# move brings in is below the least float.
FARTHEST = 28.0
# Means over little noise reach further than the deviations above: by the two that powers move it where s = 1.
NARROW = 12.0


def _multiples(step: float, low: float, high: float) -> Array:
    """Of the step, from one below `low` to one above `high`; each rounded once."""
    return step * np.arange(np.floor(low / step), np.ceil(high / step) + 1)


class _Noise:
    r"""Distribution of a Gumbel variable plus Gaussian noise of deviation s.

    .. math:: F(t) = \mathbb{E}_g[\exp(-e^{-(t - s g)})]

    Its tails keep all their digits. Far out, a Gaussian mean of exp(s g) times a function moves the noise by s:

    .. math::

        F'(t) = e^{s^2/2 - t} F(t - s^2), \qquad
        1 - F(t) = e^{s^2/2 - t}\, \mathbb{E}_g\bigl[e^z (1 - e^{-e^{-z}})\bigr], \quad z = t - s^2 - s g
    """

    def __init__(self, s: float) -> None:
        self.s, self.wide, self.variance = s, s > 1, s * s
        if self.wide:
            # Weights decay like exp(-|z| / 2) or faster, as much as the normal tails on the other side grow.
            self.gumbel = _multiples(STEP, GUMBEL_LOW, 2 * GUMBEL_HIGH)
            self.density = STEP * np.exp(-self.gumbel - np.exp(-self.gumbel))
            self.moved = _multiples(STEP, -2 * GUMBEL_HIGH, GUMBEL_HIGH)
            x = np.exp(-self.moved)
            # The slope of e^z (1 - e^(-1/e^z)), by its series where two numbers near 1 would cancel.
            series = x / 2 - np.square(x) / 3 + x**3 / 8 - x**4 / 30 + x**5 / 144
            self.slope_of_moved = STEP * np.where(x < 1e-3, series, -np.expm1(-x) / x - np.exp(-x))
        else:
            self.nodes = _multiples(STEP, -NARROW, NARROW)
            self.weights = STEP * np.exp(-np.square(self.nodes) / 2) / np.sqrt(2 * np.pi)

    def grid(self) -> tuple[Array, float]:
        """Where the integrands of the largest logit at 0 are not negligible, and the step."""
        step = max(STEP, self.s / STEPS_OF_DEVIATION)
        reach = DEVIATIONS * self.s
        low = GUMBEL_LOW - reach - 2 * self.s * min(self.s, FARTHEST)
        in_range(np.array([low]), "the range of the noise")
        return _multiples(step, low, GUMBEL_HIGH + reach), step

    def logarithm_and_hazard(self, t: Array) -> tuple[Array, Array]:
        """The logarithm of F, and its derivative (0 where F is 0)."""
        with np.errstate(over="ignore", divide="ignore", invalid="ignore", under="ignore"):
            logarithm, right = np.empty(t.shape), t >= 0
            logarithm[~right] = np.log(self._below(t[~right]))
            logarithm[right] = np.log1p(-self._above(t[right]))
            whole = np.exp(logarithm)
            return logarithm, np.where(whole > 0, self._slope(t) / whole, 0.0)

    def _small(self, t: Array) -> Array:
        return np.asarray(np.exp(-np.subtract.outer(t, self.s * self.nodes)))

    def _normal(self, t: Array, nodes: Array) -> Array:
        return np.asarray(ndtr(np.subtract.outer(t, nodes) / self.s))

    def _below(self, t: Array) -> Array:
        """F."""
        if self.wide:
            return np.asarray(self._normal(t, self.gumbel) @ self.density)
        return np.asarray(np.exp(-self._small(t)) @ self.weights)

    def _above(self, t: Array) -> Array:
        """1 - F for t of at least 0."""
        if not self.wide:
            return np.asarray(-np.expm1(-self._small(t)) @ self.weights)
        found, far = np.empty(t.shape), t > self.variance / 2
        found[~far] = self._normal(-t[~far], -self.gumbel) @ self.density
        moved = self._normal(t[far] - self.variance, self.moved) @ self.slope_of_moved
        found[far] = np.exp(self.variance / 2 - t[far]) * moved
        return found

    def _slope(self, t: Array) -> Array:
        """The derivative of F."""
        if not self.wide:
            small = self._small(t)
            return np.asarray(np.where(np.isinf(small), 0.0, small * np.exp(-small)) @ self.weights)
        found, far = np.empty(t.shape), t > self.variance / 2
        z = np.subtract.outer(t[~far], self.gumbel) / self.s
        found[~far] = (np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi) / self.s) @ self.density
        found[far] = np.exp(self.variance / 2 - t[far]) * self._below(t[far] - self.variance)
        return found


class _Integrands(NamedTuple):
    """On a grid: the logarithms of F(t - a_j) and their derivatives, for logits a with the largest at 0."""

    step: float
    logarithms: Array
    hazards: Array


def _integrands(a: Array, s: float) -> _Integrands:
    noise = _Noise(s)
    t, step = noise.grid()
    columns: Iterator[tuple[Array, Array]] = (noise.logarithm_and_hazard(t - shift) for shift in a - a.max())
    logarithms, hazards = zip(*columns, strict=True)
    return _Integrands(step, np.array(logarithms), np.array(hazards))


def smoothed_cross_entropy(logits: npt.ArrayLike, label: Label, h: npt.ArrayLike, sigma: float) -> float:
    r"""Mean of the cross entropy under Gaussian noise on the last layer's weights, exact up to quadrature.

    .. math::

        \mathbb{E}_\Delta[\ell((W + \Delta) h, y)] = \mathbb{E}_g[\ell(a + s g, y)]
        = \sum_k y_k \int F(t) - \prod_j F(t - a_j + a_k)\, dt, \qquad s = \sigma \lVert h \rVert

    Noise on the weights moves the logits by independent normal variables of deviation s, whatever the number of
    weights. F is the distribution function of a Gumbel variable plus one of those; the integral is
    :math:`\ln S = \int_0^\infty (e^{-u} - e^{-uS}) \frac{du}{u}` in the mean, with :math:`u = e^{-t}`. One dimension
    for any number of classes, and the trapezoidal rule errs by less than rounding does. All that is added is positive
    and tails are computed as such: the relative error is about 1e-15, and 1e-16 times the gap between the logits where
    that is larger, also of losses as small as 1e-300.

    Parameters
    ----------
    logits : (c,) array_like
        a, the output of the last layer on h (with its bias, if there is one).
    label : int or (c,) array_like
        As in `cross_entropy`.
    h : (d,) array_like
        Activations before the last layer.
    sigma : float
        Standard deviation of the noise on each weight of the last layer, at least 0.

    Returns
    -------
    loss : float
        At least the loss without noise.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If the result leaves the range of floats.

    References
    ----------
    thesis.thm-7.2.3, thesis.thm-7.2.3.above, thesis.thm-D.2.1, lipref.small-losses

    Examples
    --------
    >>> round(smoothed_cross_entropy([0.0, 0.0], 0, [3.0, 4.0], 0.2), 12)
    0.90266190772
    """
    a, s = as_real_vector(logits, "logits"), noise_of_logits(h, sigma)
    y = as_target(label, a.size)
    if s == 0 or a.size == 1:
        return cross_entropy(a, y)
    top = int(a.argmax())
    with np.errstate(over="ignore"):
        below = in_range(a[top] - a, "a difference of logits")
        found = _integrands(a, s)
        # F times one less the product of the others: no term cancels.
        others = -np.expm1(np.delete(found.logarithms, top, axis=0).sum(axis=0))
        above = found.step * np.sum(np.exp(found.logarithms[top]) * others)
        return float(in_range(y @ below + above, "the loss"))


def smoothed_cross_entropy_gradient(logits: npt.ArrayLike, label: Label, h: npt.ArrayLike, sigma: float) -> Array:
    r"""Gradient of the smoothed cross entropy in the logits, exact up to quadrature.

    .. math:: \mathbb{E}_g[\operatorname{softmax}(a + s g)] - y, \qquad
        \mathbb{E}_g[\operatorname{softmax}(a + s g)_k] = \int F'(t - a_k) \prod_{j \ne k} F(t - a_j)\, dt

    with s and F as in `smoothed_cross_entropy`. The gradient in the last layer's weights is its outer product with h.

    Parameters
    ----------
    logits : (c,) array_like
        a, the output of the last layer on h.
    label : int or (c,) array_like
        As in `cross_entropy`.
    h : (d,) array_like
        Activations before the last layer.
    sigma : float
        Standard deviation of the noise on each weight of the last layer, at least 0.

    Returns
    -------
    gradient : (c,) ndarray
        Sums to 0 up to rounding.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If the noise leaves the range of floats.

    References
    ----------
    thesis.tab-D.1.1-gradient.two-classes, lipref.small-losses

    Examples
    --------
    >>> smoothed_cross_entropy_gradient([0.0, 0.0], 0, [3.0, 4.0], 0.2).round(12).tolist()
    [-0.5, 0.5]
    """
    a, s = as_real_vector(logits, "logits"), noise_of_logits(h, sigma)
    y = as_target(label, a.size)
    if s == 0 or a.size == 1:
        return cross_entropy_gradient(a, y)
    found = _integrands(a, s)
    p = found.step * (found.hazards @ np.exp(found.logarithms.sum(axis=0)))
    return less_target(p, y)


def smoothed_cross_entropy_hessian(logits: npt.ArrayLike, h: npt.ArrayLike, sigma: float) -> Array:
    r"""Hessian of the smoothed cross entropy in the logits, exact up to quadrature.

    .. math:: \mathbb{E}_g[\operatorname{diag}(p) - p p^\top], \qquad
        \mathbb{E}_g[p_k p_l] = \int F'(t - a_k) F'(t - a_l) \prod_{j \ne k, l} F(t - a_j)\, dt \quad (k \ne l)

    with p the softmax of ``a + s g``, s and F as in `smoothed_cross_entropy`. The Hessian in the last layer's weights
    is its Kronecker product with :math:`h h^\top`.

    Parameters
    ----------
    logits : (c,) array_like
        a, the output of the last layer on h.
    h : (d,) array_like
        Activations before the last layer.
    sigma : float
        Standard deviation of the noise on each weight of the last layer, at least 0.

    Returns
    -------
    hessian : (c, c) ndarray
        Positive semidefinite, rows sum to 0.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If the noise leaves the range of floats.

    References
    ----------
    thesis.cor-7.2.2.cross-entropy, thesis.sec-7.2.2-reduction, lipref.small-losses

    Examples
    --------
    >>> smoothed_cross_entropy_hessian([0.0, 0.0], [3.0, 4.0], 0.2).round(12).tolist()
    [[0.181580923016, -0.181580923016], [-0.181580923016, 0.181580923016]]
    """
    a, s = as_real_vector(logits, "logits"), noise_of_logits(h, sigma)
    if s == 0 or a.size == 1:
        return cross_entropy_hessian(a)
    found = _integrands(a, s)
    whole = found.step * np.exp(found.logarithms.sum(axis=0))
    products = (found.hazards * whole) @ found.hazards.T
    np.fill_diagonal(products, 0)
    return np.asarray(np.diag(products.sum(axis=1)) - products)
