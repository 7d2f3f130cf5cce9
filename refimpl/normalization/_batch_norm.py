"""Batch normalization with given (population) statistics, and with those of the batch itself."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_count, as_number, as_real_matrix, as_real_vector
from refimpl.normalization._layer_norm import layer_norm, layer_norm_jacobian, layer_norm_lipschitz

Array = npt.NDArray[Any]


class BatchStatistics(NamedTuple):
    """Mean and variance of every feature over the samples of a batch."""

    mean: Array
    variance: Array


def _deviations(variance: npt.ArrayLike, epsilon: float) -> Array:
    """sqrt(variance + epsilon), positive."""
    v = as_real_vector(variance, "variance")
    if (v < 0).any():
        raise ValueError(f"variance must be at least 0, got {v.min()}")
    with np.errstate(over="ignore"):
        total = v + as_number(epsilon, "epsilon", minimum=0)
    if not np.isfinite(total).all():
        raise ValueError(f"variance must be of numbers whose sum with epsilon is a float, got {v.max()}")
    if (total == 0).any():
        raise ValueError(f"epsilon must be above 0 where a variance is 0, got {epsilon}")
    return np.sqrt(total)


def batch_norm(x: npt.ArrayLike, mean: npt.ArrayLike, variance: npt.ArrayLike, *, epsilon: float) -> Array:
    r"""Batch normalization with given statistics, exact up to rounding.

    .. math:: y_k = \frac{x_k - \mu_k}{\sqrt{\sigma_k^2 + \epsilon}}

    Parameters
    ----------
    x : (n,) or (samples, n) array_like
        Finite real features, of one sample or of several.
    mean, variance : (n,) array_like
        Population mean and variance of every feature; variances at least 0.
    epsilon : float
        At least 0, above 0 where a variance is 0. In the units of the variance.

    Returns
    -------
    y : ndarray
        Of the shape of `x`, without unit.

    Raises
    ------
    ValueError
        If shapes do not fit, or an argument is out of its range.

    References
    ----------
    than.lemma-1.largest

    Examples
    --------
    >>> batch_norm([5, 1], mean=[1, 1], variance=[3, 3], epsilon=1).tolist()
    [2.0, 0.0]
    """
    deviations = _deviations(variance, epsilon)
    values = as_real_matrix(x, "x") if np.ndim(x) == 2 else as_real_vector(x, size=deviations.size)
    if values.shape[-1] != deviations.size:
        raise ValueError(f"x must be of {deviations.size} columns, as variance is, got shape {values.shape}")
    with np.errstate(over="ignore"):
        y = (values - as_real_vector(mean, "mean", size=deviations.size)) / deviations
    if not np.isfinite(y).all():
        largest = np.abs(values).max()
        raise ValueError(f"x must be of numbers whose normalized values are floats, got entries to {largest}")
    return np.asarray(y)


def batch_norm_jacobian(variance: npt.ArrayLike, *, epsilon: float) -> Array:
    r"""Exact Jacobian of `batch_norm` with respect to one sample: the same at every input.

    .. math:: J = \mathrm{diag}\bigl((\sigma_k^2 + \epsilon)^{-1/2}\bigr)

    Parameters
    ----------
    variance : (n,) array_like
        Population variance of every feature, at least 0.
    epsilon : float
        At least 0, above 0 where a variance is 0.

    Returns
    -------
    jacobian : (n, n) ndarray

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.lemma-1.largest

    Examples
    --------
    >>> batch_norm_jacobian([3, 15], epsilon=1).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return np.diag(1 / _deviations(variance, epsilon))


def batch_norm_lipschitz(variance: npt.ArrayLike, *, epsilon: float) -> float:
    r"""Exact l2 Lipschitz constant of `batch_norm` with given statistics.

    .. math:: \max_k (\sigma_k^2 + \epsilon)^{-1/2}

    The source prints the norm of the vector of these numbers. With the Euclidean norm, which the
    source's notation prescribes, that is up to sqrt(n) too large; the largest entry is right.

    Parameters
    ----------
    variance : (n,) array_like
        Population variance of every feature, at least 0.
    epsilon : float
        At least 0, above 0 where a variance is 0.

    Returns
    -------
    constant : float

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.lemma-1, than.lemma-1.largest

    Examples
    --------
    >>> batch_norm_lipschitz([3, 15], epsilon=1)
    0.5
    """
    return float((1 / _deviations(variance, epsilon)).max())


def batch_norm_statistics(batch: npt.ArrayLike) -> BatchStatistics:
    r"""Exact mean and variance (divisor: the number of samples) of every feature of a batch.

    Parameters
    ----------
    batch : (samples, n) array_like
        Finite real batch.

    Returns
    -------
    statistics : BatchStatistics
        ``mean`` and ``variance``, each (n,).

    Raises
    ------
    ValueError
        If `batch` is not a finite, non-empty real matrix, or a variance is too large for a float.

    References
    ----------
    than.batch-statistics

    Examples
    --------
    >>> mean, variance = batch_norm_statistics([[1, 0], [3, 0]])
    >>> mean.tolist(), variance.tolist()
    ([2.0, 0.0], [1.0, 0.0])
    """
    values = as_real_matrix(batch, "batch")
    with np.errstate(over="ignore", invalid="ignore"):
        difference = values - values[0]  # so that a constant feature has variance 0 exactly
        shift = difference.mean(axis=0)
        statistics = BatchStatistics(values[0] + shift, ((difference - shift) ** 2).mean(axis=0))
    if not np.isfinite(statistics).all():
        raise ValueError(f"batch must be of numbers whose variance is a float, got entries to {np.abs(values).max()}")
    return statistics


def batch_norm_training(batch: npt.ArrayLike, *, epsilon: float) -> Array:
    r"""Batch normalization with the statistics of the batch itself, exact up to rounding.

    Parameters
    ----------
    batch : (samples, n) array_like
        Finite real batch.
    epsilon : float
        At least 0, above 0 where a feature is constant.

    Returns
    -------
    y : (samples, n) ndarray

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.batch-statistics

    Examples
    --------
    >>> batch_norm_training([[1], [3]], epsilon=0).tolist()
    [[-1.0], [1.0]]
    """
    features = as_real_matrix(batch, "batch").T
    return np.stack([layer_norm(feature, epsilon=epsilon) for feature in features], axis=1)


def batch_norm_training_jacobian(batch: npt.ArrayLike, *, epsilon: float) -> Array:
    r"""Exact Jacobian of `batch_norm_training` with respect to the whole batch.

    Every feature is normalized over the samples by itself, so that its block is `layer_norm_jacobian`:

    .. math:: \frac{\partial y_{ik}}{\partial x_{jl}} = \delta_{kl}\, J_{\mathrm{LN}}(x_{\cdot k})_{ij}

    Parameters
    ----------
    batch : (samples, n) array_like
        Finite real batch.
    epsilon : float
        At least 0, above 0 where a feature is constant.

    Returns
    -------
    jacobian : (samples, n, samples, n) ndarray
        Entry ``[i, k, j, l]``: output i, k by input j, l; zero for k != l.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.batch-statistics

    Examples
    --------
    >>> batch_norm_training_jacobian([[1], [1]], epsilon=1)[:, 0, :, 0].tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """
    values = as_real_matrix(batch, "batch")
    m, n = values.shape
    jacobian = np.zeros((m, n, m, n))
    for k in range(n):
        jacobian[:, k, :, k] = layer_norm_jacobian(values[:, k], epsilon=epsilon)
    return jacobian


def batch_norm_training_lipschitz(samples: int, *, epsilon: float) -> float:
    r"""Exact l2 Lipschitz constant of `batch_norm_training` over all batches.

    :math:`\epsilon^{-1/2}`, reached at a constant batch; 0 for one sample, which maps to zero.

    Parameters
    ----------
    samples : int
        Number of samples in the batch, at least 1.
    epsilon : float
        Above 0.

    Returns
    -------
    constant : float

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.batch-statistics

    Examples
    --------
    >>> batch_norm_training_lipschitz(8, epsilon=0.25)
    2.0
    """
    # Every feature is layer normalization across the samples.
    return layer_norm_lipschitz(as_count(samples, "samples", minimum=1), epsilon=epsilon)
