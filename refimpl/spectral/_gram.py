"""Gram iteration: upper bounds on the spectral norm from repeated Gram matrices, and their gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_matrix
from refimpl.spectral._enclosure import certified_gram_bound
from refimpl.spectral._norms import Norm, check_norm, matrix_norm, rescale, scaled_by_power_of_two

Array = npt.NDArray[Any]


def gram_iteration_naive(W: npt.ArrayLike, n_iter: int, norm: Norm = "fro") -> float:
    r"""Upper bound on the spectral norm, by Gram iteration without rescaling.

    With :math:`W_0 = W` and :math:`W_{k+1} = W_k^* W_k` returns
    :math:`\lVert W_k \rVert^{2^{-k}}` for ``k = n_iter``. The form to read; to compute, use
    `gram_iteration`, which neither overflows nor underflows.

    Parameters
    ----------
    W : (m, n) array_like
        Finite real or complex matrix, not empty.
    n_iter : int
        Number of Gram steps, at least 0. The source's t is ``n_iter + 1``.
    norm : {"fro", "nuc", "1", "2", "inf"} or callable
        The norm of the read-out. See `gram_iteration` for when the result is an upper bound.

    Returns
    -------
    bound : float
        In the units of `W`.

    Raises
    ------
    ValueError
        If `W` is not a finite, non-empty matrix, or another argument is out of its range.
    OverflowError
        If an iterate leaves the range of floats.

    References
    ----------
    thesis.alg-3

    Examples
    --------
    >>> gram_iteration_naive([[1, 1], [1, 1]], 4)
    2.0
    """
    A = as_matrix(W)
    n_iter = as_count(n_iter, "n_iter")
    check_norm(norm)
    nonzero = bool(A.any())
    for step in range(n_iter):
        with np.errstate(over="ignore", invalid="ignore"):
            A = A.conj().T @ A
        if not np.isfinite(A).all() or (nonzero and not A.any()):
            raise OverflowError(f"W leaves the range of floats at step {step + 1}: use gram_iteration")
    return float(matrix_norm(A, norm) ** 2.0**-n_iter)


def gram_iteration(
    W: npt.ArrayLike, n_iter: int, norm: Norm = "fro", *, certified: bool = False
) -> float:
    r"""Upper bound on the spectral norm, by Gram iteration with rescaling.

    With :math:`W_0 = W` and :math:`W_{k+1} = W_k^* W_k` returns
    :math:`\lVert W_k \rVert^{2^{-k}}` for ``k = n_iter``, rescaled at every step.

    Parameters
    ----------
    W : (m, n) array_like
        Finite real or complex matrix, not empty.
    n_iter : int
        Number of Gram steps, at least 0. The source's t is ``n_iter + 1``.
    norm : {"fro", "nuc", "1", "2", "inf"} or callable
        The norm of the read-out. An upper bound in exact arithmetic for "fro", "nuc" and "2" at every
        `n_iter`, for any submultiplicative norm from ``n_iter = 1`` on; not for other norms.
    certified : bool
        If true the result is not below the exact spectral norm of the given floats, whatever the
        rounding (Frobenius read-out only).

    Returns
    -------
    bound : float
        In the units of `W`. Without `certified`, rounding may take it below the spectral norm: step j
        has a relative error of at most ``(p + 4) u r``, with p the larger side of W, u = 1.1e-16 and r
        the smaller side, which counts with weight 2^-j; in all a relative miss of at most
        ``2 (p + 6) r u`` to first order, twice that for complex W.

    Raises
    ------
    ValueError
        If `W` is not a finite, non-empty matrix, or another argument is out of its range.

    References
    ----------
    thesis.alg-4, thesis.thm-3.2.4-2.submultiplicative, lipref.certified-gram

    Examples
    --------
    The bound falls from the Frobenius norm to the larger of 3 and 4:

    >>> [round(gram_iteration([[3, 0], [0, 4]], k), 3) for k in (0, 1, 2, 6)]
    [5.0, 4.285, 4.048, 4.0]
    """
    A = as_matrix(W)
    n_iter = as_count(n_iter, "n_iter")
    check_norm(norm)
    if as_choice(certified, "certified", (False, True)):
        if callable(norm) or norm != "fro":
            raise ValueError(f"norm must be 'fro' where certified is true, got {norm!r}")
        return certified_gram_bound(A, n_iter)
    if not A.any():
        return 0.0
    A, exponent = scaled_by_power_of_two(A)
    bound, h = 1.0, 1.0
    for _ in range(n_iter):
        A, bound, h = _step(A, bound, h)
    return rescale(bound * matrix_norm(A, norm) ** h, exponent)


def _step(A: Array, bound: float, h: float) -> tuple[Array, float, float]:
    """The next iterate; `bound` holds the sizes divided out, each to the power h = 2^-step it counts in."""
    size = float(np.linalg.norm(A))
    A = A / size
    return A.conj().T @ A, bound * size**h, h / 2


def gram_bound_sequence(W: npt.ArrayLike, n_iter: int, norm: Norm = "fro") -> Array:
    r"""Upper bounds on the spectral norm after 0, 1, ..., n_iter Gram steps.

    .. math:: s_t = \lVert W^{(t)} \rVert^{2^{1-t}}, \qquad t = 1, \dots, n\_iter + 1

    Parameters
    ----------
    W : (m, n) array_like
        Finite real or complex matrix, not empty.
    n_iter : int
        The largest number of Gram steps, at least 0.
    norm : {"fro", "nuc", "1", "2", "inf"} or callable
        The norm of the read-out, as in `gram_iteration`.

    Returns
    -------
    bounds : (n_iter + 1,) ndarray
        In the units of `W`; with the Frobenius norm they do not increase.

    Raises
    ------
    ValueError
        If `W` is not a finite, non-empty matrix, or another argument is out of its range.

    References
    ----------
    thesis.thm-3.2.4-1, thesis.sec-3.2-decreasing

    Examples
    --------
    >>> gram_bound_sequence([[3, 0], [0, 4]], 2).round(3).tolist()
    [5.0, 4.285, 4.048]
    """
    A = as_matrix(W)
    check_norm(norm)
    n_iter = as_count(n_iter, "n_iter")
    if not A.any():
        return np.zeros(n_iter + 1)
    A, exponent = scaled_by_power_of_two(A)
    bound, h = 1.0, 1.0
    bounds = [rescale(matrix_norm(A, norm), exponent)]
    for _ in range(n_iter):
        A, bound, h = _step(A, bound, h)
        bounds.append(rescale(bound * matrix_norm(A, norm) ** h, exponent))
    return np.array(bounds)


def gram_iteration_gradient(W: npt.ArrayLike, n_iter: int) -> Array:
    r"""Exact gradient (up to rounding) of the Frobenius read-out of Gram iteration.

    .. math::

        \nabla \lVert W^{(t)} \rVert_F^{2^{1-t}}
        = \frac{W (W^* W)^{2^{t-1} - 1}}{\lVert W^{(t)} \rVert_F^{2 (1 - 2^{-t})}},
        \qquad t = n\_iter + 1

    Parameters
    ----------
    W : (m, n) array_like
        Finite real or complex matrix, not empty and not zero.
    n_iter : int
        Number of Gram steps, at least 0.

    Returns
    -------
    gradient : (m, n) ndarray
        Without unit. For complex `W` the bound moves by ``Re sum(conj(gradient) * dW)``.

    Raises
    ------
    ValueError
        If `W` is not a finite, non-empty matrix, is zero (a norm is not differentiable there), or
        `n_iter` is negative.

    References
    ----------
    thesis.prop-3.2.5

    Examples
    --------
    >>> gram_iteration_gradient([[3, 0], [0, 4]], 0).tolist()
    [[0.6, 0.0], [0.0, 0.8]]
    """
    A = as_matrix(W)
    n_iter = as_count(n_iter, "n_iter")
    if not A.any():
        raise ValueError("W must not be zero, where the bound is not differentiable, got a zero matrix")
    A, _ = scaled_by_power_of_two(A)  # the gradient of a norm does not change with the scale of W
    direction = A / np.linalg.norm(A)
    G = direction.conj().T @ direction
    # W (W*W)^(2^n - 1) is the product of W and the Gram powers 1, 2, 4, ..., 2^(n-1); only its
    # direction matters, the length follows from <gradient, W> = bound.
    for _ in range(n_iter):
        direction = direction @ G
        direction = direction / np.linalg.norm(direction)
        G = G @ G
        G = G / np.linalg.norm(G)
    inner = float((direction.conj() * A).real.sum())
    return np.asarray(direction * (gram_iteration(A, n_iter) / inner))
