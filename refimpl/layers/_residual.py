"""Residual and two-layer maps of Lipschitz constant 1: CPL, SLL, sandwich, residual linear block."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_matrix, as_real_matrix, as_real_vector, in_range
from refimpl.layers._activations import ACTIVATIONS, Activation, activation
from refimpl.layers._orthogonal import cayley_rectangular
from refimpl.layers._rescaling import spectral_normalization, spectral_rescaling
from refimpl.spectral import spectral_norm

Array = npt.NDArray[Any]


def _residual(x: Any, W: Any, b: Any, R: Array, name: Activation) -> Array:
    """The map x - 2 W R^2 rho(W^T x + b); R is applied twice, as its square may leave the range of floats."""
    point = as_real_vector(x, size=len(W))
    bias = np.zeros(W.shape[1]) if b is None else as_real_vector(b, "b", size=W.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        hidden = activation(in_range(W.T @ point + bias, "W^T x + b"), name)
        return in_range(point - 2 * (W * R) @ (R * hidden), "y")


def convex_potential_layer(
    x: npt.ArrayLike, W: npt.ArrayLike, b: npt.ArrayLike | None = None, *, name: Activation = "relu"
) -> Array:
    r"""Value of the convex potential layer (CPL), exact up to rounding.

    .. math:: x - \frac{2}{\lVert W \rVert_2^2} W \rho(W^\top x + b)

    Parameters
    ----------
    x : (d,) array_like
        Real point.
    W : (d, m) array_like
        Real matrix, not zero.
    b : (m,) array_like, optional
        Bias, 0 by default.
    name : str
        The activation, as in `activation`. The map is 1-Lipschitz if its derivative lies in [0, 1].

    Returns
    -------
    y : (d,) ndarray
        In the units of `x`.

    Raises
    ------
    ValueError
        If shapes do not fit, an array is not real and finite, `W` is zero, or the activation is unknown.
    OverflowError
        If an entry leaves the range of floats.

    References
    ----------
    thesis.eq-2.6

    Examples
    --------
    >>> convex_potential_layer([3.0, 4.0], [[2.0], [0.0]]).tolist()
    [-3.0, 4.0]
    """
    A = as_real_matrix(W)
    as_choice(name, "name", ACTIVATIONS)
    if not A.any():
        raise ValueError("W must not be zero, where the layer is not defined, got a zero matrix")
    return _residual(x, A, b, np.full(A.shape[1], 1 / spectral_norm(A)), name)


def sll_layer(
    x: npt.ArrayLike, W: npt.ArrayLike, b: npt.ArrayLike | None = None, *, q: npt.ArrayLike | None = None,
    n_iter: int = 1, name: Activation = "relu",
) -> Array:
    r"""Value of the SDP-based Lipschitz layer (SLL), with spectral rescaling for more steps, exact up to rounding.

    .. math:: x - 2 W R^2 \rho(W^\top x + b)

    Parameters
    ----------
    x : (d,) array_like
        Real point.
    W : (d, m) array_like
        Real matrix.
    b : (m,) array_like, optional
        Bias, 0 by default.
    q : (m,) array_like, optional
        Positive weights, all 1 by default.
    n_iter : int
        Gram steps of `spectral_rescaling`, at least 1 (SLL).
    name : str
        The activation, as in `activation`. The map is 1-Lipschitz if its derivative lies in [0, 1]; a Lipschitz
        constant of 1 is not enough.

    Returns
    -------
    y : (d,) ndarray
        In the units of `x`.

    Raises
    ------
    ValueError
        If shapes do not fit, an array is not real and finite, or another argument is out of its range.
    OverflowError
        If an entry leaves the range of floats.

    References
    ----------
    thesis.cor-4.5.2-residual.monotone, thesis.cor-4.5.2-residual

    Examples
    --------
    >>> sll_layer([3.0], [[1.0]]).tolist(), sll_layer([3.0], [[1.0]], name="abs").tolist()
    ([-3.0], [-3.0])
    >>> sll_layer([-3.0], [[1.0]]).tolist(), sll_layer([-3.0], [[1.0]], name="abs").tolist()
    ([-3.0], [-9.0])
    """
    A = as_real_matrix(W)
    as_choice(name, "name", ACTIVATIONS)
    return _residual(x, A, b, spectral_rescaling(A, n_iter, q), name)


def sandwich_layer(
    x: npt.ArrayLike, W: npt.ArrayLike, V: npt.ArrayLike, q: npt.ArrayLike, b: npt.ArrayLike | None = None, *,
    name: Activation = "relu",
) -> Array:
    r"""Value of the sandwich layer, exact up to rounding.

    .. math::

        \sqrt2\, A^\top \Psi\, \rho(\sqrt2\, \Psi^{-1} B x + b), \qquad \Psi = \operatorname{diag}(e^q),\quad
        \begin{pmatrix} A^\top \\ B^\top \end{pmatrix} = \operatorname{Cayley}\begin{pmatrix} W \\ V \end{pmatrix}

    Parameters
    ----------
    x : (m,) array_like
        Real point.
    W : (n, n) array_like
        Real matrix.
    V : (m, n) array_like
        Real matrix.
    q : (n,) array_like
        Logarithms of the scales; the source's R is :math:`\Psi^{-1}`.
    b : (n,) array_like, optional
        Bias, 0 by default.
    name : str
        The activation, as in `activation`. The map is 1-Lipschitz if its derivative lies in [0, 1].

    Returns
    -------
    y : (n,) ndarray
        In the units of `x`.

    Raises
    ------
    ValueError
        If shapes do not fit, an array is not real and finite, or the activation is unknown.
    OverflowError
        If an entry leaves the range of floats.

    References
    ----------
    thesis.sec-2.1.3-sandwich

    Examples
    --------
    >>> sandwich_layer([3.0], [[0.0]], [[2.0]], [0.0], name="identity").round(12).tolist()
    [2.88]
    """
    square, free = as_real_matrix(W), as_real_matrix(V, "V")
    as_choice(name, "name", ACTIVATIONS)
    upper, lower = cayley_rectangular(square, free)
    point = as_real_vector(x, size=len(lower))
    scales = as_real_vector(q, "q", size=len(upper))
    bias = np.zeros(len(upper)) if b is None else as_real_vector(b, "b", size=len(upper))
    with np.errstate(over="ignore", invalid="ignore"):
        psi = in_range(np.exp(scales), "exp(q)")
        hidden = in_range(np.sqrt(2) * np.exp(-scales) * (lower.T @ point) + bias, "B x")
        return in_range(np.sqrt(2) * upper @ (psi * activation(hidden, name)), "y")


def residual_linear_block(Q: npt.ArrayLike) -> Array:
    r"""Matrix of the residual linear block (RLB), normalized to spectral norm 1, exact up to rounding.

    .. math:: \frac{I + Q}{\lVert I + Q \rVert_2}

    Parameters
    ----------
    Q : (n, n) array_like
        Finite square matrix, not minus the identity.

    Returns
    -------
    W : (n, n) ndarray
        Of spectral norm 1.

    Raises
    ------
    ValueError
        If `Q` is not a finite square matrix, or minus the identity.

    References
    ----------
    thesis.sec-2.1.3-RLB

    Examples
    --------
    >>> residual_linear_block([[1, 0], [0, 3]]).tolist()
    [[0.5, 0.0], [0.0, 1.0]]
    """
    A = as_matrix(Q, "Q", square=True)
    A = np.eye(len(A)) + A
    if not A.any():
        raise ValueError("Q must not be minus the identity, got I + Q = 0")
    return spectral_normalization(A)
