"""Power iteration, and dominant vectors from Gram or squaring iteration."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_count, as_generator, as_matrix, as_vector
from refimpl.spectral._norms import rescale, scaled_by_power_of_two

Array = npt.NDArray[Any]


def power_iteration(
    W: npt.ArrayLike, n_iter: int, *, start: npt.ArrayLike | None = None, rng: Any = None
) -> float:
    r"""Lower bound on the spectral norm, by power iteration.

    Repeats :math:`v \leftarrow W u / \lVert W u \rVert`, :math:`u \leftarrow W^* v / \lVert W^* v \rVert`
    and returns :math:`(W u)^* v = \lVert W^* v \rVert \le \sigma_1`. An estimate that many use as if it
    were an upper bound; it never is one.

    Parameters
    ----------
    W : (m, n) array_like
        Finite real or complex matrix, not empty.
    n_iter : int
        Number of iterations, at least 1.
    start : (n,) array_like, optional
        The first u, not zero. Drawn standard normal from `rng` if it is not given.
    rng : numpy.random.Generator or int, optional
        Needed if `start` is not given.

    Returns
    -------
    estimate : float
        In the units of `W`, at most the spectral norm up to rounding, not decreasing in `n_iter`.
        0 if `W` maps the start to 0.

    Raises
    ------
    ValueError
        If an argument is out of its range, or neither `start` nor `rng` is given.

    References
    ----------
    thesis.alg-2, thesis.alg-2-monotone, thesis.def-3.1.2.fourth-power

    Examples
    --------
    >>> [round(power_iteration([[3, 0], [0, 4]], k, start=[1, 1]), 3) for k in (1, 2, 8)]
    [3.672, 3.866, 4.0]
    """
    A, exponent = scaled_by_power_of_two(as_matrix(W))
    n_iter = as_count(n_iter, "n_iter", minimum=1)
    u = _start(A, start, rng)
    for _ in range(n_iter):
        v = _unit(A @ u)
        u = _unit(A.conj().T @ v)
    return rescale(float(np.vdot(A @ u, v).real), exponent)


def _start(A: Array, start: npt.ArrayLike | None, rng: Any) -> Array:
    columns = A.shape[1]
    if start is None:
        if rng is None:
            raise ValueError("start must be a vector where rng is not given, got None for both")
        generator = as_generator(rng)
        real = np.asarray(generator.standard_normal(columns))
        return real + 1j * generator.standard_normal(columns) if np.iscomplexobj(A) else real
    u = as_vector(start, "start", size=columns)
    if not u.any():
        raise ValueError("start must not be zero, got a zero vector")
    # Scaled without rounding, so that a start in the kernel stays there.
    return scaled_by_power_of_two(u)[0]


def _unit(v: Array) -> Array:
    """The vector at length 1; scaled first, since squares of small entries underflow. Zero stays zero."""
    scaled, _ = scaled_by_power_of_two(v)
    return np.asarray(scaled / (np.linalg.norm(scaled) or 1.0))


def _column(A: Array, column: int | None) -> Array:
    """A column of unit length: the given one, or the first among the longest."""
    if column is None:
        column = int(np.linalg.norm(A, axis=0).argmax())
    elif not 0 <= as_count(column, "column") < A.shape[1]:
        raise ValueError(f"column must be an index below {A.shape[1]}, got {column}")
    if not A[:, column].any():
        raise ValueError(f"column must be one of a non-zero iterate, got {column}, which is zero")
    return _unit(A[:, column])


def dominant_singular_vector(W: npt.ArrayLike, n_iter: int, *, column: int | None = None) -> Array:
    r"""Estimate of the right singular vector of the largest singular value, by Gram iteration.

    A normalised column of :math:`(W^* W)^{2^{n-1}}` for ``n = n_iter``. The source takes any non-zero
    column, which can be another singular vector for ever; the longest column cannot.

    Parameters
    ----------
    W : (m, n) array_like
        Finite real or complex matrix, not empty and not zero.
    n_iter : int
        Number of Gram steps, at least 1.
    column : int, optional
        Which column. The longest if it is not given.

    Returns
    -------
    u : (n,) ndarray
        Of length 1. With the longest column its distance from the leading singular space is at most
        ``sqrt(n) * (sigma_next / sigma_1) ** 2**n_iter``.

    Raises
    ------
    ValueError
        If an argument is out of its range or the column is zero.

    References
    ----------
    thesis.eq-3.2, thesis.eq-3.2.longest-column

    Examples
    --------
    >>> dominant_singular_vector([[3, 0], [0, 4]], 7).tolist()
    [0.0, 1.0]
    """
    A, _ = scaled_by_power_of_two(as_matrix(W))
    for _ in range(as_count(n_iter, "n_iter", minimum=1)):
        A = A.conj().T @ A
        A = A / (np.linalg.norm(A) or 1.0)
    return _column(A, column)


def dominant_eigenpair(
    W: npt.ArrayLike, n_iter: int, *, column: int | None = None
) -> tuple[complex | float, Array]:
    r"""Estimate of the eigenvalue of largest modulus and its eigenvector, by repeated squaring.

    A normalised column u of :math:`W^{2^n}` for ``n = n_iter``, and :math:`u^* W u`.

    Parameters
    ----------
    W : (n, n) array_like
        Finite real or complex square matrix, not empty.
    n_iter : int
        Number of squarings, at least 0.
    column : int, optional
        Which column. The longest if it is not given.

    Returns
    -------
    eigenvalue : float or complex
        In the units of `W`. Converges if one eigenvalue is larger in modulus than all others.
    u : (n,) ndarray
        Of length 1.

    Raises
    ------
    ValueError
        If an argument is out of its range, or the power or its column is zero: `W` is nilpotent, or so
        badly scaled that a square has no entry above 1e-308 times the largest of its root.

    References
    ----------
    thesis.eq-3.4, thesis.eq-3.5, thesis.eq-3.5.longest-column

    Examples
    --------
    >>> value, u = dominant_eigenpair([[3, 0], [0, 4]], 7)
    >>> value, u.tolist()
    (4.0, [0.0, 1.0])
    """
    A, exponent = scaled_by_power_of_two(as_matrix(W, square=True))
    power = A
    for _ in range(as_count(n_iter, "n_iter")):
        power = power @ power
        power = power / (np.abs(power).max() or 1.0)
    if not power.any():
        raise ValueError("W must not be nilpotent, got a matrix whose power is zero")
    u = _column(power, column)
    value = np.vdot(u, A @ u)
    if np.iscomplexobj(A):
        return complex(rescale(value.real, exponent), rescale(value.imag, exponent)), u
    return rescale(float(value), exponent), u
