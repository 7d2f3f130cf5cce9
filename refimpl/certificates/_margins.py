"""Margins of scores, and the radii that a Lipschitz constant certifies."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_number, as_real_array, as_sequence

Array = npt.NDArray[Any]

# Three roundings: a difference, a product with root 2 (itself rounded), a quotient.
ROUNDING = 1 - 2.0**-50


def margin(scores: npt.ArrayLike, labels: int | npt.ArrayLike) -> Any:
    r"""Prediction margin of a label, exact up to rounding.

    .. math:: M(f(x), y) = \max\bigl(0, f_y(x) - \max_{k \ne y} f_k(x)\bigr)

    Parameters
    ----------
    scores : (c,) or (samples, c) array_like
        At least two classes.
    labels : int or (samples,) array_like of int
        y, from 0; one for each sample.

    Returns
    -------
    margin : float or (samples,) ndarray
        In the units of the scores; 0 where another class is above or level.

    Raises
    ------
    ValueError
        If there are not two classes, `scores` are not real and finite, or a label is no class.
    OverflowError
        If a difference leaves the range of floats.

    References
    ----------
    thesis.eq-2.10, thesis.prop-2.2.4

    Examples
    --------
    >>> margin([0.5, 3.0, 1.0], 1), margin([0.5, 3.0, 1.0], 0)
    (2.0, 0.0)
    >>> margin([[2, 1], [1, 1]], [0, 0]).tolist()
    [1.0, 0.0]
    """
    gaps, single = _gaps(scores, labels)
    return _shaped(np.maximum(gaps.min(axis=1), 0), single)


def _gaps(scores: npt.ArrayLike, labels: Any) -> tuple[Array, bool]:
    """f_y - f_k for every sample and class, infinite for y itself; whether there was one sample without an axis."""
    array = as_real_array(scores, "scores")
    single = array.ndim == 1
    array = array[None] if single else array
    if array.ndim != 2 or array.shape[1] < 2:
        raise ValueError(
            f"scores must be (classes,) or (samples, classes), of at least two classes, got shape {np.shape(scores)}"
        )
    y = np.array(_labels(labels, len(array), array.shape[1], single))
    own = array[np.arange(len(array)), y]
    with np.errstate(over="ignore"):
        gaps = own[:, None] - array
    if not np.isfinite(gaps).all():
        raise OverflowError("scores leave the range of floats when they are subtracted: scale them down")
    gaps[np.arange(len(array)), y] = np.inf
    return gaps, single


def _labels(labels: Any, samples: int, classes: int, single: bool) -> list[int]:
    if single:
        given = [as_count(labels, "labels")]
    else:
        listed = as_sequence(labels, "labels")
        if len(listed) != samples:
            raise ValueError(f"labels must be one for each of the {samples} samples, got {len(listed)}")
        given = [as_count(y, "labels") for y in listed]
    if max(given) >= classes:
        raise ValueError(f"labels must be below the number of classes {classes}, got {max(given)}")
    return given


def _shaped(values: Array, single: bool) -> Any:
    return float(values[0]) if single else values


def radius_global(
    scores: npt.ArrayLike, labels: int | npt.ArrayLike, lipschitz: float, *, certified: bool = False
) -> Any:
    r"""Lower bound on the certified radius from the Lipschitz constant of the whole network (up to rounding).

    .. math:: R_{\mathrm{global}} = \frac{M(f(x), y)}{\sqrt2\, L(f)}

    No perturbation that is shorter changes the label; one of that length may reach a tie.

    Parameters
    ----------
    scores : (c,) or (samples, c) array_like
        At least two classes.
    labels : int or (samples,) array_like of int
        y, from 0.
    lipschitz : float
        L(f), or an upper bound such as `refimpl.network.product_upper_bound`; at least 0.
    certified : bool
        If true the result is lowered by the rounding of this formula (that of the scores is not known here).

    Returns
    -------
    radius : float or (samples,) ndarray
        In the units of the input; 0 without a margin, infinity where the margin is positive and `lipschitz` is 0.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If a difference of scores leaves the range of floats.

    References
    ----------
    thesis.prop-2.2.4, thesis.def-2.2.3

    Examples
    --------
    >>> round(radius_global([3.0, 1.0, 0.0], 0, 2.0), 12)
    0.707106781187
    """
    L = as_number(lipschitz, "lipschitz", minimum=0)
    gaps, single = _gaps(scores, labels)
    return _shaped(_least(gaps, np.full(gaps.shape, L), certified, np.sqrt(2)), single)


def radius_coordinate(
    scores: npt.ArrayLike, labels: int | npt.ArrayLike, lipschitz: float | npt.ArrayLike, *, certified: bool = False
) -> Any:
    r"""Lower bound on the certified radius from the Lipschitz constants of the scores (up to rounding).

    .. math:: R_{\mathrm{coord}} = \min_{k \ne y} \frac{\max(f_y(x) - f_k(x), 0)}{L(f_y) + L(f_k)}

    which is :math:`M / (2 L)` where all scores have the constant L.

    Parameters
    ----------
    scores : (c,) or (samples, c) array_like
        At least two classes.
    labels : int or (samples,) array_like of int
        y, from 0.
    lipschitz : float or (c,) array_like
        One constant for all scores, or one for each; at least 0.
    certified : bool
        As in `radius_global`.

    Returns
    -------
    radius : float or (samples,) ndarray
        As of `radius_global`.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If a difference of scores leaves the range of floats.

    References
    ----------
    thesis.eq-2.9, thesis.eq-2.9.different

    Examples
    --------
    >>> radius_coordinate([3.0, 1.0, 0.0], 0, 2.0), radius_coordinate([3.0, 1.0, 0.0], 0, [1.0, 0.0, 5.0])
    (0.5, 0.5)
    """
    gaps, single = _gaps(scores, labels)
    L = as_real_array(lipschitz, "lipschitz")
    if L.shape not in ((), (gaps.shape[1],)):
        raise ValueError(
            f"lipschitz must be a number or one for each of the {gaps.shape[1]} classes, got shape {L.shape}"
        )
    # A quarter of them, so that a sum cannot leave the range of floats; tiny ones lose nothing as they are.
    share = 0.25 if _not_negative(L).max() > 1 else 1.0
    constants = np.broadcast_to(L, gaps.shape[1]) * share
    return _shaped(_least(gaps, _own(gaps, constants)[:, None] + constants, certified, 1 / share), single)


def radius_pairwise(
    scores: npt.ArrayLike, labels: int | npt.ArrayLike, lipschitz: npt.ArrayLike, *, certified: bool = False
) -> Any:
    r"""Lower bound on the certified radius from the Lipschitz constants of differences of scores (up to rounding).

    .. math:: \min_{k \ne y} \frac{\max(f_y(x) - f_k(x), 0)}{L(f_y - f_k)}

    For an affine network it is the certified radius itself.

    Parameters
    ----------
    scores : (c,) or (samples, c) array_like
        At least two classes.
    labels : int or (samples,) array_like of int
        y, from 0.
    lipschitz : (c, c) array_like
        Row y, column k: the constant of :math:`f_y - f_k`, at least 0. The diagonal is not used.
    certified : bool
        As in `radius_global`.

    Returns
    -------
    radius : float or (samples,) ndarray
        As of `radius_global`.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If a difference of scores leaves the range of floats.

    References
    ----------
    thesis.eq-2.8

    Examples
    --------
    >>> radius_pairwise([3.0, 1.0, 0.0], 0, [[0, 1, 6], [1, 0, 1], [6, 1, 0]])
    0.5
    """
    gaps, single = _gaps(scores, labels)
    L, classes = as_real_array(lipschitz, "lipschitz"), gaps.shape[1]
    if L.shape != (classes, classes):
        raise ValueError(f"lipschitz must be a matrix of {classes} rows and columns, got shape {L.shape}")
    _not_negative(L[~np.eye(classes, dtype=bool)])
    rows = L[np.isposinf(gaps).argmax(axis=1)]
    return _shaped(_least(gaps, np.where(np.isposinf(gaps), 0, rows), certified), single)


def _own(gaps: Array, constants: Array) -> Array:
    """Of each sample the constant of its label, where the gap is infinite."""
    return np.asarray(constants[np.isposinf(gaps).argmax(axis=1)])


def _not_negative(constants: Array) -> Array:
    if (constants < 0).any():
        raise ValueError(f"lipschitz must be at least 0, got {constants.min()}")
    return constants


def _least(gaps: Array, constants: Array, certified: bool, factor: float = 1.0) -> Array:
    """The smallest quotient of gap and factor times constant of each sample."""
    as_choice(certified, "certified", (False, True))
    # Exponents apart: a factor times a subnormal constant would be rounded, one times a large one overflow.
    (gap, up), (constant, down) = np.frexp(np.maximum(gaps, 0)), np.frexp(constants)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        quotients = np.ldexp(gap / (factor * constant), up - down)
    # Without a margin the radius is 0, whatever the constant.
    radii = np.asarray(np.where(gap > 0, quotients, 0.0).min(axis=1))
    return np.where(np.isinf(radii), radii, np.nextafter(radii * ROUNDING, 0)) if certified else radii


def certified_accuracy(radii: npt.ArrayLike, epsilon: float | npt.ArrayLike) -> Any:
    r"""Share of the inputs that are certified beyond a radius (exact).

    .. math:: \frac{1}{n} \, \# \{ i : R_i > \epsilon \}

    Parameters
    ----------
    radii : (n,) array_like
        Certified radius of every input, 0 where its label is wrong; infinity is allowed.
    epsilon : float or array_like
        Perturbation levels, at least 0.

    Returns
    -------
    share : float or ndarray
        Of the shape of `epsilon`, in [0, 1]. At a radius equal to epsilon a perturbation may reach a tie: it does not
        count.

    Raises
    ------
    ValueError
        If there is no input, a radius is NaN or negative, or a level is negative.

    References
    ----------
    thesis.def-2.2.3

    Examples
    --------
    >>> certified_accuracy([0.0, 0.5, 1.0, float("inf")], [0.0, 0.5, 2.0]).tolist()
    [0.75, 0.5, 0.25]
    """
    R = np.array([as_number(r, "radii", minimum=0, infinite=True) for r in as_sequence(radii, "radii")])
    if R.size == 0:
        raise ValueError("radii must be a vector of at least one number, got none")
    levels = as_real_array(epsilon, "epsilon", "a number or an array")
    if (levels < 0).any():
        raise ValueError(f"epsilon must be at least 0, got {levels.min()}")
    share = (levels[..., None] < R).mean(axis=-1)
    return float(share) if levels.ndim == 0 else share
