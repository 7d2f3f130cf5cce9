"""Norms of dense matrices from their singular values or eigenvalues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_matrix, as_number

Array = npt.NDArray[Any]
Norm = Literal["fro", "nuc", "1", "2", "inf"] | Callable[[Array], float]

_NORMS = ("fro", "nuc", "1", "2", "inf")


def scaled_by_power_of_two(W: Array) -> tuple[Array, int]:
    """``W = A * 2**exponent`` with the largest part of an entry of A in [1/2, 1); zero stays zero."""
    largest = max(np.abs(W.real).max(), np.abs(W.imag).max())
    exponent = int(np.frexp(largest)[1])
    # Two factors, since 2**exponent itself may not be a float.
    half = exponent // 2
    return W * 2.0**-half * 2.0 ** -(exponent - half), exponent


def rescale(value: float, exponent: int) -> float:
    """``value * 2**exponent``, infinite where that is above the largest float."""
    with np.errstate(over="ignore"):
        return float(np.ldexp(value, exponent))


def check_norm(norm: Any) -> None:
    """Reject what is neither the name of a norm nor a function."""
    if not callable(norm):
        as_choice(norm, "norm", _NORMS)


def matrix_norm(W: Array, norm: Norm) -> float:
    """The named norm of a matrix, or the given function of it."""
    check_norm(norm)
    if callable(norm):
        return float(norm(W))
    order: Any = {"fro": "fro", "nuc": "nuc", "1": 1, "2": 2, "inf": np.inf}[norm]
    return float(np.linalg.norm(W, order))


def spectral_norm(W: npt.ArrayLike) -> float:
    r"""Exact spectral norm of a matrix (up to rounding), its largest singular value.

    .. math:: \lVert W \rVert_2 = \sup_{\lVert x \rVert_2 = 1} \lVert W x \rVert_2 = \sigma_1(W)

    Parameters
    ----------
    W : (m, n) array_like
        Finite real or complex matrix, not empty.

    Returns
    -------
    norm : float
        In the units of `W`. The rounding error is a modest multiple of ``(m + n) * 1.1e-16 * norm``;
        `spectral_norm_enclosure` gives ends that are certain.

    Raises
    ------
    ValueError
        If `W` is not a finite, non-empty matrix.

    References
    ----------
    thesis.alg-3

    Examples
    --------
    >>> spectral_norm([[0, 3], [4, 0]])
    4.0
    """
    A, exponent = scaled_by_power_of_two(as_matrix(W))
    return rescale(float(np.linalg.svd(A, compute_uv=False)[0]), exponent)


def schatten_norm(W: npt.ArrayLike, p: float) -> float:
    r"""Exact Schatten norm (up to rounding): the p-norm of the singular values.

    .. math:: \lVert W \rVert_{S_p} = \Bigl(\sum_i \sigma_i^p\Bigr)^{1/p}

    Parameters
    ----------
    W : (m, n) array_like
        Finite real or complex matrix, not empty.
    p : float
        Above 0, or infinity. Below 1 it is only a quasi-norm: the triangle inequality fails, and the
        result means little for `W` of lower rank, as a rounding error u in place of a zero singular value
        counts with ``u**p``.

    Returns
    -------
    norm : float
        In the units of `W`: the nuclear norm for p = 1, Frobenius for 2, spectral for infinity.

    Raises
    ------
    ValueError
        If `W` is not a finite, non-empty matrix or `p` is not above 0.

    References
    ----------
    thesis.sec-3.2-schatten.2-to-the-t

    Examples
    --------
    >>> [round(schatten_norm([[3, 0], [0, 4]], p), 3) for p in (1, 2, float("inf"))]
    [7.0, 5.0, 4.0]
    """
    A, exponent = scaled_by_power_of_two(as_matrix(W))
    p = as_number(p, "p", above=0, infinite=True)
    sigma = np.linalg.svd(A, compute_uv=False)
    if np.isinf(p) or sigma[0] == 0:
        return rescale(float(sigma[0]), exponent)
    ratios = sigma / sigma[0]
    # For p near 0 the sum is a count of non-zeros, and its 1/p-th power may leave the floats.
    with np.errstate(over="ignore"):
        return rescale(float(sigma[0] * np.power((ratios**p).sum(), 1 / p)), exponent)


def spectral_radius(W: npt.ArrayLike) -> float:
    r"""Spectral radius of a square matrix, an estimate where the matrix is not normal.

    .. math:: \rho(W) = \max_i |\lambda_i(W)|

    Parameters
    ----------
    W : (n, n) array_like
        Finite real or complex square matrix, not empty.

    Returns
    -------
    radius : float
        In the units of `W`. The eigenvalues are those of a matrix near `W`; a defective eigenvalue of
        multiplicity k moves by up to the k-th root of the rounding.

    Raises
    ------
    ValueError
        If `W` is not a finite, non-empty square matrix.

    References
    ----------
    thesis.def-3.2.2

    Examples
    --------
    The eigenvalues of a permutation of two are 1 and -1:

    >>> round(spectral_radius([[0, 1], [1, 0]]), 12)
    1.0
    """
    A, exponent = scaled_by_power_of_two(as_matrix(W, square=True))
    return rescale(float(np.abs(np.linalg.eigvals(A)).max()), exponent)


def gelfand_sequence(W: npt.ArrayLike, n_iter: int, norm: Norm = "fro") -> Array:
    r"""Upper bounds on the spectral radius that converge to it, by Gelfand's formula.

    .. math:: \rho(W) \le \lVert W^t \rVert^{1/t} \to \rho(W), \qquad t = 1, \dots, n\_iter

    Parameters
    ----------
    W : (n, n) array_like
        Finite real or complex square matrix, not empty.
    n_iter : int
        How many powers, at least 1.
    norm : {"fro", "nuc", "1", "2", "inf"} or callable
        The norm. The terms are upper bounds if it is submultiplicative; they converge for any norm.

    Returns
    -------
    bounds : (n_iter,) ndarray
        In the units of `W`. All zero from the index of nilpotency on. Entries of `W` or of a power below
        1e-308 times its largest are lost: then a term may be too small, even below the spectral radius.

    Raises
    ------
    ValueError
        If `W` is not a finite, non-empty square matrix, or another argument is out of its range.

    References
    ----------
    thesis.def-3.2.2

    Examples
    --------
    >>> gelfand_sequence([[0, 8], [0, 0]], 3).tolist()
    [8.0, 0.0, 0.0]
    """
    A, exponent = scaled_by_power_of_two(as_matrix(W, square=True))
    n_iter = as_count(n_iter, "n_iter", minimum=1)
    check_norm(norm)
    power, log_scale = A, 0.0  # W^t = power * exp(log_scale) * 2^(t * exponent)
    bounds = []
    for t in range(1, n_iter + 1):
        size = float(np.abs(power).max())
        if size == 0:
            bounds.append(0.0)
            continue
        power, log_scale = power / size, log_scale + float(np.log(size))
        root = np.exp((np.log(matrix_norm(power, norm)) + log_scale) / t)
        bounds.append(rescale(float(root), exponent))
        power = power @ A
    return np.array(bounds)
