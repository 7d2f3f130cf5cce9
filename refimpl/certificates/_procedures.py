"""Certification of smoothed classifiers from counts or scores under noise, with all risks accounted for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from refimpl._arguments import (
    as_choice,
    as_number,
    as_real_array,
    as_sequence,
    check_whole,
)
from refimpl.certificates._smoothed import radius_mono, radius_multi
from refimpl.confidence import bonferroni, clopper_pearson, empirical_bernstein, partition_classes
from refimpl.simplex import hardmax, softmax, sparsemax

Array = npt.NDArray[Any]
Map = Literal["softmax", "sparsemax", "hardmax"]

ABSTAIN = -1
ROUNDING = 2.0**-51
ALL_MAPS: tuple[Map, ...] = ("sparsemax", "softmax", "hardmax")
ONE_TEMPERATURE = (1.0,)
MAPS: dict[str, Callable[..., Array]] = {"softmax": softmax, "sparsemax": sparsemax, "hardmax": hardmax}


class Certificate(NamedTuple):
    """What is certified, with probability at least 1 - `risk`: numbers for one input, arrays for several.

    `label` is -1 where the procedure abstains, and `radius` then 0. `lower` bounds the mean of the label from below,
    `upper` that of every other class from above.
    """

    label: Any
    radius: Any
    lower: Any
    upper: Any
    risk: float


def _counts(value: Any, name: str) -> tuple[Array, int, bool]:
    """Counts with inputs as rows, the number of samples of each, whether it was one input without an axis."""
    array = as_real_array(value, name, "an array of integers")
    rows = np.atleast_2d(array)
    if array.ndim not in (1, 2) or rows.shape[1] < 2:
        raise ValueError(
            f"{name} must be (classes,) or (inputs, classes), of at least two classes, got shape {array.shape}"
        )
    check_whole(rows, name)
    samples = rows.sum(axis=1)
    if samples[0] < 1 or (samples != samples[0]).any():
        raise ValueError(
            f"{name} must sum to one positive number of samples in all rows, "
            f"got {int(samples.min())} to {int(samples.max())}"
        )
    return rows, int(samples[0]), array.ndim == 1


def _two_samples(selection: Any, estimation: Any) -> tuple[Array, Array, int, bool]:
    first, _, _ = _counts(selection, "selection")
    second, n, single = _counts(estimation, "estimation")
    if np.shape(selection) != np.shape(estimation):
        needs, got = np.shape(selection), np.shape(estimation)
        raise ValueError(f"estimation must have the shape of selection {needs}, got {got}")
    return first, second, n, single


def _outward(lower: Any, upper: Any) -> tuple[Array, Array]:
    """Bounds moved by more than a roundoff: a certificate may not gain from it, next to 1 above all."""
    low, high = np.atleast_1d(lower), np.atleast_1d(upper)
    return np.maximum(low - ROUNDING, 0), np.minimum(high * (1 + ROUNDING), 1)


def _certificate(label: Array, radius: Array, lower: Array, upper: Array, risk: float, single: bool) -> Certificate:
    label = np.where(radius > 0, label, ABSTAIN)
    if single:
        return Certificate(int(label[0]), float(radius[0]), float(lower[0]), float(upper[0]), risk)
    return Certificate(label, radius, lower, upper, risk)


def certify_mono(selection: npt.ArrayLike, estimation: npt.ArrayLike, sigma: float, alpha: float) -> Certificate:
    r"""Certificate from the probability of one class, with risk alpha (bounds exact up to rounding).

    The class is the most frequent one of the selection sample; its probability is bounded by Clopper-Pearson from the
    estimation sample, which must be another one.

    .. math:: R = \sigma\, \Phi^{-1}(\underline p)

    Parameters
    ----------
    selection, estimation : (c,) or (inputs, c) array_like of int
        How often each class was predicted under noise, in two independent samples.
    sigma : float
        Standard deviation of the noise, above 0.
    alpha : float
        Risk, in (0, 1).

    Returns
    -------
    certificate : Certificate
        It abstains where the lower bound is at most 1/2.

    Raises
    ------
    ValueError
        If an argument is out of its range or shapes do not fit.

    References
    ----------
    thesis.sec-6.1.2-mono

    Examples
    --------
    >>> certificate = certify_mono([1, 9], [5, 995], 0.5, 0.001)
    >>> certificate.label, round(certificate.radius, 6)
    (1, 1.067742)
    """
    first, second, n, single = _two_samples(selection, estimation)
    label = first.argmax(axis=1)
    own = second[np.arange(len(second)), label]
    lower, _ = _outward(clopper_pearson(own, n, alpha, side="lower").lower, 1.0)
    radius = np.atleast_1d(radius_mono(lower, sigma, certified=True))
    return _certificate(label, radius, lower, 1 - lower, alpha, single)


def certify_multi(counts: npt.ArrayLike, sigma: float, alpha: float) -> Certificate:
    r"""Certificate from the probabilities of all classes, with risk alpha (bounds exact up to rounding).

    Two-sided Clopper-Pearson intervals of all c classes at the risk :math:`\alpha / c` each hold together. The label is
    the class of the highest lower bound; no sample for its selection is needed.

    .. math:: R = \frac{\sigma}{2} \bigl(\Phi^{-1}(\underline p_{I_1}) - \max_{k \ne I_1} \Phi^{-1}(\overline p_k)\bigr)

    Parameters
    ----------
    counts : (c,) or (inputs, c) array_like of int
        How often each class was predicted under noise.
    sigma : float
        Standard deviation of the noise, above 0.
    alpha : float
        Risk, in (0, 1).

    Returns
    -------
    certificate : Certificate
        It abstains where the lower bound is not above all upper bounds.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.sec-6.1.2-multi, lipref.certify-multi-ends

    Examples
    --------
    >>> certificate = certify_multi([450, 200, 150, 200], 0.5, 0.001)
    >>> certificate.label, round(certificate.radius, 6)
    (0, 0.100847)
    """
    rows, n, single = _counts(counts, "counts")
    low, high = _outward(*clopper_pearson(rows, n, bonferroni(alpha, rows.shape[1])))
    label, places = rows.argmax(axis=1), np.arange(len(rows))
    lower = low[places, label]
    high[places, label] = -np.inf
    upper = high.max(axis=1)
    radius = np.atleast_1d(radius_multi(lower, upper, sigma, certified=True))
    return _certificate(label, radius, lower, upper, alpha, single)


def certify_partitioned(
    selection: npt.ArrayLike, estimation: npt.ArrayLike, sigma: float, alpha: float
) -> Certificate:
    r"""Certificate by the class partitioning method (CPM), with risk alpha (bounds exact up to rounding).

    The selection sample names the class and puts the others into buckets (`refimpl.confidence.partition_classes`);
    from the estimation sample, which must be another one, the class is bounded from below and every bucket from above,
    at the risk alpha over the number of these bounds.

    Parameters
    ----------
    selection, estimation : (c,) or (inputs, c) array_like of int
        How often each class was predicted under noise, in two independent samples.
    sigma : float
        Standard deviation of the noise, above 0.
    alpha : float
        Risk, in (0, 1).

    Returns
    -------
    certificate : Certificate
        It abstains where the lower bound is not above all upper bounds.

    Raises
    ------
    ValueError
        If an argument is out of its range or shapes do not fit.

    References
    ----------
    thesis.alg-8-certificate

    Examples
    --------
    >>> certificate = certify_partitioned([45, 20, 15, 20], [450, 200, 150, 200], 0.5, 0.001)
    >>> certificate.label, round(certificate.radius, 6)
    (0, 0.10466)
    """
    first, second, n, single = _two_samples(selection, estimation)
    plans = [partition_classes(row) for row in first]
    label = np.array([plan.top for plan in plans])
    largest = np.array([
        max(row[list(bucket)].sum() for bucket in plan.buckets) for row, plan in zip(second, plans, strict=True)
    ])
    own = second[np.arange(len(second)), label]
    lower, upper = np.zeros(len(second)), np.zeros(len(second))
    sizes = np.array([len(plan.buckets) + 1 for plan in plans])
    for size in np.unique(sizes):
        mine, risk = sizes == size, bonferroni(alpha, int(size))
        lower[mine] = clopper_pearson(own[mine], n, risk, side="lower").lower
        # The upper end rises with the count: that of the largest bucket is the largest.
        upper[mine] = clopper_pearson(largest[mine], n, risk, side="upper").upper
    lower, upper = _outward(lower, upper)
    radius = np.atleast_1d(radius_multi(lower, upper, sigma, certified=True))
    return _certificate(label, radius, lower, upper, alpha, single)


class ScoredCertificate(NamedTuple):
    """A `Certificate`, with the map onto the simplex and the temperature that were chosen."""

    label: int
    radius: float
    lower: float
    upper: float
    risk: float
    map: Map
    temperature: float


def lvm_rs(
    selection: npt.ArrayLike, estimation: npt.ArrayLike, sigma: float, alpha: float, *,
    maps: Sequence[Map] = ALL_MAPS, temperatures: Sequence[float] = ONE_TEMPERATURE,
) -> ScoredCertificate:
    r"""Certificate from scores under noise by the Lipschitz-variance-margin procedure (LVM-RS), with risk alpha.

    The selection sample names the label, and the map and temperature of the largest radius; from the estimation
    sample, which must be another one, empirical Bernstein bounds the mean of the label from below and those of the
    other classes from above, at the risk :math:`\alpha / c` each. The signs, the sample size and the variance are those
    of the inequality, not of the source's printed lines 8 and 9.

    Parameters
    ----------
    selection, estimation : (samples, c) array_like
        Scores of the classes for two independent samples of noise, at least two samples each.
    sigma : float
        Standard deviation of the noise, above 0.
    alpha : float
        Risk, in (0, 1).
    maps : sequence of {"sparsemax", "softmax", "hardmax"}
        Maps to choose from.
    temperatures : sequence of float
        Temperatures to choose from, above 0; "hardmax" has none.

    Returns
    -------
    certificate : ScoredCertificate
        It abstains where the lower bound is not above all upper bounds.

    Raises
    ------
    ValueError
        If an argument is out of its range or shapes do not fit.

    References
    ----------
    thesis.alg-9, thesis.alg-9-signs

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> first, second = ([2.0, 0.5, 0.0] + rng.normal(size=(n, 3)) / 2 for n in (100, 2000))
    >>> certificate = lvm_rs(first, second, 0.5, 0.001, temperatures=[0.25, 1.0])
    >>> certificate.label, certificate.map, certificate.temperature
    (0, 'hardmax', 0.25)
    """
    first, second = _scores(selection, "selection"), _scores(estimation, "estimation")
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"estimation must be of {first.shape[1]} classes as selection is, got {second.shape[1]}")
    choices = choices_of(maps, temperatures)
    risk = bonferroni(alpha, first.shape[1])
    best, chosen, label = -math.inf, choices[0], 0
    for choice in choices:
        values = _mapped(first, *choice)
        top = int(values.mean(axis=0).argmax())
        lower, upper = _bernstein(values, top, risk)
        radius = radius_multi(lower, upper, sigma) or lower - upper  # without a radius the smaller lack of one
        if radius > best:
            best, chosen, label = radius, choice, top
    lower, upper = _bernstein(_mapped(second, *chosen), label, risk)
    radius = radius_multi(lower, upper, sigma, certified=True)
    return ScoredCertificate(label if radius > 0 else ABSTAIN, radius, lower, upper, alpha, *chosen)


def choices_of(maps: Sequence[Map], temperatures: Sequence[float]) -> list[tuple[Map, float]]:
    """Each map with each temperature; "hardmax" has none."""
    names = [as_choice(name, "maps", list(MAPS)) for name in as_sequence(maps, "maps")]
    degrees = [as_number(t, "temperatures", above=0) for t in as_sequence(temperatures, "temperatures")]
    choices = [(name, t) for name in names for t in (degrees if name != "hardmax" else degrees[:1])]
    if not choices:
        raise ValueError("maps and temperatures must name at least one of each, got none")
    return choices


def _scores(value: Any, name: str) -> Array:
    array = as_real_array(value, name, "an array")
    if array.ndim != 2 or array.shape[0] < 2 or array.shape[1] < 2:
        raise ValueError(f"{name} must be (samples, classes), at least two of each, got shape {array.shape}")
    return array


def _mapped(scores: Array, name: Map, temperature: float) -> Array:
    return hardmax(scores) if name == "hardmax" else MAPS[name](scores, temperature=temperature)


def _bernstein(values: Array, label: int, risk: float) -> tuple[float, float]:
    """Lower bound of the label, largest upper bound of the others."""
    n, means, variances = len(values), np.clip(values.mean(axis=0), 0, 1), values.var(axis=0, ddof=1)
    lower = empirical_bernstein(means[label], variances[label], n, risk, side="lower").lower
    others = np.delete(means, label), np.delete(variances, label)
    upper = empirical_bernstein(*others, n, risk, side="upper").upper.max()
    return float(lower), float(upper)
