"""From a classifier to a certificate: its scores or counts under Gaussian noise, and the procedures on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from refimpl._arguments import (
    as_choice,
    as_count,
    as_generator,
    as_number,
    as_real_array,
    as_real_vector,
    check_callable,
    in_range,
)
from refimpl.certificates._procedures import (
    ALL_MAPS,
    ONE_TEMPERATURE,
    Certificate,
    Map,
    ScoredCertificate,
    certify_mono,
    certify_multi,
    certify_partitioned,
    choices_of,
    lvm_rs,
)
from refimpl.confidence import bonferroni

Array = npt.NDArray[Any]
Classifier = Callable[[Array], npt.ArrayLike]
Procedure = Literal["mono", "multi", "partitioned", "lvm_rs"]

_PROCEDURES: tuple[Procedure, ...] = ("mono", "multi", "partitioned", "lvm_rs")
# Of the source's section 6.1.4.
SELECTION = 100


def _silent(done: int) -> None:
    """No progress is shown."""


def noisy_scores(
    f: Classifier, x: npt.ArrayLike, sigma: float, samples: int, *, rng: np.random.Generator | int,
    batch: int = 1000, progress: Callable[[int], None] = _silent,
) -> Array:
    r"""Scores of a base classifier under noise, a batch at a time.

    .. math:: f(x + \delta_i), \qquad \delta_i \sim N(0, \sigma^2 I)

    Parameters
    ----------
    f : callable
        Takes a batch (m, d) of inputs and returns scores (m, c).
    x : (d,) array_like
        Input.
    sigma : float
        Standard deviation of the noise, at least 0.
    samples : int
        How many, at least 1.
    rng : numpy.random.Generator or int
        Source of the noise. The same one gives the same noise for every `batch`.
    batch : int
        Most inputs in one call of f.
    progress : callable, optional
        Called with the number of samples done after each batch.

    Returns
    -------
    scores : (samples, c) ndarray

    Raises
    ------
    ValueError
        If an argument is out of its range, or f returns another shape or something that is not real and finite.
    OverflowError
        If the noise leaves the range of floats.

    References
    ----------
    thesis.alg-9

    Examples
    --------
    >>> scores = noisy_scores(lambda batch: np.stack([batch[:, 0], -batch[:, 0]], axis=1), [1.0], 0.5, 5, rng=0)
    >>> np.bincount(scores.argmax(axis=1), minlength=2).tolist()
    [5, 0]
    """
    # f may return the same array again.
    return np.concatenate([scores.copy() for scores in _batches(f, x, sigma, samples, rng, batch, progress)])


def noisy_counts(
    f: Classifier, x: npt.ArrayLike, sigma: float, samples: int, *, rng: np.random.Generator | int,
    batch: int = 1000, progress: Callable[[int], None] = _silent,
) -> Array:
    r"""How often a base classifier names each class under noise, without keeping its scores.

    .. math:: k_j = \#\{i : \arg\max f(x + \delta_i) = j\}, \qquad \delta_i \sim N(0, \sigma^2 I)

    Of equal scores the first one counts.

    Parameters
    ----------
    f : callable
        Takes a batch (m, d) of inputs and returns scores (m, c).
    x : (d,) array_like
        Input.
    sigma : float
        Standard deviation of the noise, at least 0.
    samples : int
        How many, at least 1.
    rng : numpy.random.Generator or int
        Source of the noise, which is that of `noisy_scores` for the same one.
    batch : int
        Most inputs in one call of f.
    progress : callable, optional
        Called with the number of samples done after each batch.

    Returns
    -------
    counts : (c,) ndarray of int
        Their sum is `samples`.

    Raises
    ------
    ValueError
        If an argument is out of its range, or f returns another shape or something that is not real and finite.
    OverflowError
        If the noise leaves the range of floats.

    References
    ----------
    thesis.sec-6.1.2-mono, lipref.certify-counts

    Examples
    --------
    >>> f = lambda batch: np.stack([batch[:, 0], -batch[:, 0]], axis=1)
    >>> noisy_counts(f, [0.5], 0.5, 1000, rng=0).tolist()  # Phi(1) = 0.841 of them are expected for class 0
    [833, 167]
    """
    counts: Any = 0
    for scores in _batches(f, x, sigma, samples, rng, batch, progress):
        counts = counts + np.bincount(scores.argmax(axis=1), minlength=scores.shape[1])
    return np.asarray(counts)


def _batches(
    f: Any, x: Any, sigma: Any, samples: Any, rng: Any, batch: Any, progress: Any
) -> Iterator[Array]:
    check_callable(f, "f")
    check_callable(progress, "progress")
    point, s = as_real_vector(x), as_number(sigma, "sigma", minimum=0)
    n, size, generator = as_count(samples, "samples", minimum=1), as_count(batch, "batch", minimum=1), as_generator(rng)
    classes = None
    for start in range(0, n, size):
        count = min(size, n - start)
        with np.errstate(over="ignore"):
            moved = in_range(point + s * generator.standard_normal((count, point.size)), "x")
        scores = as_real_array(f(moved), "f(x)", "scores")
        if scores.ndim != 2 or len(scores) != count or scores.shape[1] != (classes or scores.shape[1]):
            raise ValueError(f"f(x) must be of shape ({count}, classes) for {count} inputs, got shape {scores.shape}")
        classes = scores.shape[1]
        yield scores
        progress(start + count)


def certify(
    f: Classifier, x: npt.ArrayLike, sigma: float, alpha: float, *, rng: np.random.Generator | int,
    procedure: Procedure = "multi", selection: int | None = None, estimation: int = 10_000, batch: int = 1000,
    maps: Sequence[Map] | None = None, temperatures: Sequence[float] | None = None,
    progress: Callable[[int], None] = _silent,
) -> Certificate | ScoredCertificate:
    r"""Certificate for one input of a smoothed classifier, with risk alpha.

    Draws the selection and the estimation sample from two independent streams of `rng`, and hands their counts or
    scores to `certify_mono`, `certify_multi`, `certify_partitioned` or `lvm_rs`. The same `rng` gives all procedures
    the same samples.

    Parameters
    ----------
    f : callable
        Base classifier: takes a batch (m, d) of inputs and returns scores (m, c), at least two classes.
    x : (d,) array_like
        Input.
    sigma : float
        Standard deviation of the noise, above 0.
    alpha : float
        Risk, in (0, 1).
    rng : numpy.random.Generator or int
        Source of the noise. The same seed gives the same certificate for every `batch`.
    procedure : {"mono", "multi", "partitioned", "lvm_rs"}
        How the samples are used.
    selection : int, optional
        Size of the selection sample, 100 by default; "multi" has none.
    estimation : int
        Size of the estimation sample.
    batch : int
        Most inputs in one call of f.
    maps, temperatures : sequence, optional
        Of "lvm_rs" only.
    progress : callable, optional
        Called with the number of samples done, of both samples together, after each batch.

    Returns
    -------
    certificate : Certificate or ScoredCertificate
        The second one for "lvm_rs". The label is -1 and the radius 0 where the procedure abstains.

    Raises
    ------
    ValueError
        If an argument is out of its range, does not belong to the procedure, or f returns something else.
    OverflowError
        If the noise leaves the range of floats.

    References
    ----------
    lipref.certify-samples, thesis.sec-6.1.2-mono, thesis.sec-6.1.2-multi, thesis.alg-8-certificate, thesis.alg-9

    Examples
    --------
    The half-space x > 0, of which 1 is at the distance 1:

    >>> f = lambda batch: np.stack([batch[:, 0], -batch[:, 0]], axis=1)
    >>> certificate = certify(f, [1.0], 0.5, 0.001, rng=0)
    >>> certificate.label, round(certificate.radius, 6)
    (0, 0.930752)
    """
    name = as_choice(procedure, "procedure", list(_PROCEDURES))
    check_callable(progress, "progress")
    as_number(sigma, "sigma", above=0)
    bonferroni(alpha, 1)
    if name != "lvm_rs" and (maps, temperatures) != (None, None):
        raise ValueError(f"maps and temperatures must be left out for {name!r}, which maps no scores")
    if name == "multi" and selection is not None:
        raise ValueError(f"selection must be left out for 'multi', which has one sample only, got {selection!r}")
    least = 2 if name == "lvm_rs" else 1
    n_0 = 0 if name == "multi" else as_count(SELECTION if selection is None else selection, "selection", minimum=least)
    n = as_count(estimation, "estimation", minimum=least)
    names, degrees = ALL_MAPS if maps is None else maps, ONE_TEMPERATURE if temperatures is None else temperatures
    choices_of(names, degrees)
    streams = as_generator(rng).spawn(2)
    draw = noisy_scores if name == "lvm_rs" else noisy_counts

    def sample(which: int, size: int) -> Array:
        def shown(done: int) -> None:
            progress(done + which * n_0)

        return draw(f, x, sigma, size, rng=streams[which], batch=batch, progress=shown)

    if name == "multi":
        return certify_multi(sample(1, n), sigma, alpha)
    first, second = sample(0, n_0), sample(1, n)
    if name == "lvm_rs":
        return lvm_rs(first, second, sigma, alpha, maps=names, temperatures=degrees)
    return (certify_mono if name == "mono" else certify_partitioned)(first, second, sigma, alpha)
