"""Activations and their Lipschitz constants."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtr

from refimpl._arguments import as_choice, as_number, as_real_array, in_range

Array = npt.NDArray[Any]
Activation = Literal["relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "silu", "abs", "identity"]

ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "silu", "abs", "identity")
# The largest slope of x Phi(x), at the root of 2: Phi(2^(1/2)) + pi^(-1/2) / e.
GELU_LIPSCHITZ = 1.1289041451851548
# The largest slope of x / (1 + exp(-x)), where (x / 2) tanh(x / 2) = 1: 1/2 + x/4.
SILU_LIPSCHITZ = 1.0998393201288669


def activation(x: npt.ArrayLike, name: Activation, *, slope: float = 0.01) -> Array:
    r"""Value of an activation, entry by entry, exact up to rounding.

    .. math::

        \max(x, 0),\ \max(x, 0) + a \min(x, 0),\ \tanh x,\ \frac{1}{1 + e^{-x}},\ x \Phi(x),\ \ln(1 + e^x),\
        \frac{x}{1 + e^{-x}},\ |x|,\ x

    Parameters
    ----------
    x : array_like
        Real numbers.
    name : {"relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "silu", "abs", "identity"}
        Which one; "gelu" is the exact form with the normal distribution.
    slope : float
        a, of "leaky_relu" only.

    Returns
    -------
    y : ndarray
        Of the shape of `x`.

    Raises
    ------
    ValueError
        If `x` is not real and finite, or `name` is unknown.
    OverflowError
        If an entry leaves the range of floats.

    References
    ----------
    thesis.sec-2.1-activations.constants

    Examples
    --------
    >>> activation([-2.0, 3.0], "leaky_relu", slope=0.5).tolist()
    [-1.0, 3.0]
    """
    values = as_real_array(x, "x")
    as_choice(name, "name", ACTIVATIONS)
    a = as_number(slope, "slope")
    with np.errstate(over="ignore"):
        leaky = np.maximum(values, 0) + (a * np.minimum(values, 0) if name == "leaky_relu" else 0)
    results = {
        "relu": np.maximum(values, 0), "leaky_relu": leaky, "tanh": np.tanh(values), "sigmoid": expit(values),
        "gelu": values * ndtr(values), "softplus": np.logaddexp(0, values), "silu": values * expit(values),
        "abs": np.abs(values), "identity": values.copy(),
    }
    return in_range(np.asarray(results[name]), "y")


def activation_derivative(x: npt.ArrayLike, name: Activation, *, slope: float = 0.01) -> Array:
    r"""Derivative of an activation, entry by entry, exact up to rounding.

    .. math::

        [x > 0],\ [x > 0] + a [x \le 0],\ \frac{1}{\cosh^2 x},\ s(x) s(-x),\ \Phi(x) + x \varphi(x),\ s(x),\
        s(x) (1 + x s(-x)),\ \pm 1,\ 1, \qquad s(x) = \frac{1}{1 + e^{-x}}

    Parameters
    ----------
    x : array_like
        Real numbers.
    name : {"relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "silu", "abs", "identity"}
        As in `activation`.
    slope : float
        a, of "leaky_relu" only.

    Returns
    -------
    derivative : ndarray
        Of the shape of `x`; at a kink the slope from the left.

    Raises
    ------
    ValueError
        If `x` is not real and finite, or `name` is unknown.

    References
    ----------
    lipref.activation-derivatives

    Examples
    --------
    >>> activation_derivative([-2.0, 0.0, 3.0], "relu").tolist()
    [0.0, 0.0, 1.0]
    >>> activation_derivative([-2.0, 0.0, 3.0], "abs").tolist()
    [-1.0, -1.0, 1.0]
    """
    values = as_real_array(x, "x")
    as_choice(name, "name", ACTIVATIONS)
    a = as_number(slope, "slope")
    positive = values > 0
    with np.errstate(over="ignore"):
        decay = np.exp(-2 * np.abs(values))
        bell = values * np.exp(-values * values / 2) / np.sqrt(2 * np.pi)
    results = {
        "relu": positive.astype(float), "leaky_relu": np.where(positive, 1.0, a), "tanh": 4 * decay / (1 + decay) ** 2,
        "sigmoid": expit(values) * expit(-values), "gelu": ndtr(values) + bell, "softplus": expit(values),
        "silu": expit(values) * (1 + values * expit(-values)), "abs": np.where(positive, 1.0, -1.0),
        "identity": np.ones_like(values),
    }
    return np.asarray(results[name])


def activation_lipschitz(name: Activation, *, slope: float = 0.01) -> float:
    r"""Exact Lipschitz constant of an activation (correctly rounded).

    The largest modulus of the derivative: 1 for ReLU, tanh, softplus, the modulus and the identity, 1/4 for the
    sigmoid, :math:`\max(1, |a|)` for leaky ReLU, 1.1289041451851548 for GELU, 1.0998393201288669 for SiLU.

    Parameters
    ----------
    name : {"relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "silu", "abs", "identity"}
        As in `activation`.
    slope : float
        a, of "leaky_relu" only.

    Returns
    -------
    constant : float
        Without unit.

    Raises
    ------
    ValueError
        If `name` is unknown or `slope` not finite.

    References
    ----------
    thesis.sec-2.1-activations, thesis.sec-2.1-activations.constants

    Examples
    --------
    >>> activation_lipschitz("gelu") > 1
    True
    """
    as_choice(name, "name", ACTIVATIONS)
    a = as_number(slope, "slope")
    constants = {"sigmoid": 0.25, "gelu": GELU_LIPSCHITZ, "silu": SILU_LIPSCHITZ, "leaky_relu": max(1.0, abs(a))}
    return constants.get(name, 1.0)
