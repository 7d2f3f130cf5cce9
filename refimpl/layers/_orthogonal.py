"""Orthogonal matrices from free parameters: Cayley, skew exponential, Bjorck."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg

from refimpl._arguments import as_count, as_matrix, in_range

Array = npt.NDArray[Any]


def cayley(W: npt.ArrayLike) -> Array:
    r"""Orthogonal matrix by the Cayley transform of the skew part, exact up to rounding times the norm of A.

    .. math:: (I - A)^{-1} (I + A), \qquad A = W - W^*

    Parameters
    ----------
    W : (n, n) array_like
        Any finite square matrix, real or complex.

    Returns
    -------
    Q : (n, n) ndarray
        Orthogonal (unitary), without the eigenvalue -1; to about ``1.1e-16 * n * (1 + norm of A)``.

    Raises
    ------
    ValueError
        If `W` is not a finite, square matrix.
    OverflowError
        If W - W* leaves the range of floats, or is so large that nothing orthogonal is left.

    References
    ----------
    thesis.sec-2.1.3-cayley, lipref.cayley-equation

    Examples
    --------
    >>> cayley([[0, 1], [0, 0]]).round(12).tolist()
    [[0.0, 1.0], [-1.0, 0.0]]
    """
    A = _skew_part(as_matrix(W, square=True))
    identity = np.eye(len(A))
    return _solved(identity - A, identity + A, "W - W*")


def _solved(A: Array, B: Array, name: str) -> Array:
    """A^-1 B, refused where the condition of A leaves no digit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scipy.linalg.LinAlgWarning)  # what it warns of is decided here
        if not np.linalg.cond(A) < 1e14:
            raise OverflowError(f"{name} is so large that rounding leaves no digit: scale it down")
        return np.asarray(scipy.linalg.solve(A, B))


def _skew_part(W: Array) -> Array:
    with np.errstate(over="ignore"):
        return in_range(W - W.conj().T, "W - W*")


def cayley_rectangular(W: npt.ArrayLike, V: npt.ArrayLike) -> tuple[Array, Array]:
    r"""Two blocks with orthonormal columns together, by the Cayley transform, exact up to rounding.

    .. math::

        \begin{pmatrix} (I + Z)^{-1} (I - Z) \\ -2 V (I + Z)^{-1} \end{pmatrix}, \qquad
        Z = W - W^\top + V^\top V

    Parameters
    ----------
    W : (n, n) array_like
        Any finite square matrix.
    V : (m, n) array_like
        Any finite matrix with as many columns.

    Returns
    -------
    upper : (n, n) ndarray
        :math:`A^\top` of the sandwich layer.
    lower : (m, n) ndarray
        :math:`B^\top` of the sandwich layer; ``upper.T @ upper + lower.T @ lower`` is the identity.

    Raises
    ------
    ValueError
        If `W` is not square or `V` has another number of columns.
    OverflowError
        If Z leaves the range of floats, or is so large that nothing orthogonal is left.

    References
    ----------
    thesis.sec-2.1.3-cayley-rectangular

    Examples
    --------
    >>> [part.tolist() for part in cayley_rectangular([[0.0]], [[1.0]])]
    [[[0.0]], [[-1.0]]]
    """
    square, free = as_matrix(W, square=True), as_matrix(V, "V")
    if free.shape[1] != len(square):
        raise ValueError(f"V must have the {len(square)} columns of W, got shape {free.shape}")
    with np.errstate(over="ignore", invalid="ignore"):
        Z = in_range(_skew_part(square) + free.conj().T @ free, "Z")
    identity = np.eye(len(Z))
    inverse = _solved(identity + Z, identity, "Z")
    return np.asarray((identity - Z) @ inverse), np.asarray(-2 * free @ inverse)


def skew_exponential(W: npt.ArrayLike, terms: int | None = None) -> Array:
    r"""Orthogonal matrix by the exponential of the skew part, exact up to rounding, or a truncation of its series.

    The exponential comes from the eigenvectors of the Hermitian matrix i A.

    .. math:: e^A = \sum_{k \ge 0} \frac{A^k}{k!}, \qquad A = W - W^*

    Parameters
    ----------
    W : (n, n) array_like
        Any finite square matrix, real or complex.
    terms : int, optional
        Number of terms of the series that are added, at least 1. The sum is not orthogonal: it is off by at most
        :math:`\lVert A \rVert_2^k / k!` for k terms, and its norm may exceed 1.

    Returns
    -------
    Q : (n, n) ndarray
        Orthogonal (unitary) without `terms`, to about ``1.1e-16 * n * (1 + norm of A)``.

    Raises
    ------
    ValueError
        If `W` is not a finite, square matrix, or `terms` is not positive.
    OverflowError
        If W - W* or a term leaves the range of floats, or A is so large that nothing orthogonal is left.

    References
    ----------
    thesis.sec-2.1.3-SOC, thesis.sec-2.1.3-SOC-truncated.error

    Examples
    --------
    >>> skew_exponential([[0, 1], [0, 0]]).round(4).tolist()
    [[0.5403, 0.8415], [-0.8415, 0.5403]]
    >>> skew_exponential([[0, 1], [0, 0]], 3).tolist()
    [[0.5, 1.0], [-1.0, 0.5]]
    """
    A = _skew_part(as_matrix(W, square=True))
    if terms is None:
        if np.abs(A).max() > 1e13:
            raise OverflowError("W - W* is so large that rounding leaves no digit: scale it down")
        angles, vectors = np.linalg.eigh(1j * A)
        Q = (vectors * np.exp(-1j * angles)) @ vectors.conj().T
        return np.asarray(Q if np.iscomplexobj(A) else Q.real)
    term = np.eye(len(A), dtype=A.dtype)
    total = term
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(1, as_count(terms, "terms", minimum=1)):
            term = in_range(term @ A / k, "a term of the series")
            total = total + term
    return np.asarray(total)


def bjorck(W: npt.ArrayLike, n_iter: int) -> Array:
    r"""Estimate of the nearest orthogonal matrix, by Bjorck's iteration.

    .. math:: W \leftarrow W \Bigl(I + \tfrac12 (I - W^* W)\Bigr)

    Each singular value follows :math:`\sigma \mapsto \sigma (3 - \sigma^2) / 2`. It converges, quadratically, to the
    orthogonal polar factor if all lie in (0, sqrt 3); from one step on the norm is then at most 1.

    Parameters
    ----------
    W : (m, n) array_like
        Finite matrix, real or complex.
    n_iter : int
        Number of steps, at least 0.

    Returns
    -------
    Q : (m, n) ndarray
        Without unit.

    Raises
    ------
    ValueError
        If `W` is not a finite matrix or `n_iter` negative.
    OverflowError
        If an iterate leaves the range of floats: the norm is above sqrt 5 then.

    References
    ----------
    thesis.sec-2.1.3-bjorck

    Examples
    --------
    >>> [float(bjorck([[0.5]], t)[0, 0].round(6)) for t in (0, 1, 2, 6)]
    [0.5, 0.6875, 0.868774, 1.0]
    """
    A = as_matrix(W).copy()
    n_iter = as_count(n_iter, "n_iter")
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(n_iter):
            A = in_range(1.5 * A - 0.5 * A @ (A.conj().T @ A), "an iterate")
    return np.asarray(A)
