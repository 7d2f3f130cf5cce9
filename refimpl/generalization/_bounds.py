"""Upper bounds on the expected loss, at a risk, over a partition; and the bounds they are compared with."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_number, as_real_vector, check_whole, in_range
from refimpl.generalization._partition import each_cell

Array = npt.NDArray[Any]
Form = Literal["printed", "chernoff", "differences"]

FORMS = ("printed", "chernoff", "differences")


def _counts(value: Any) -> Array:
    counts = as_real_vector(value, "counts")
    check_whole(counts, "counts")
    if not 1 <= counts.sum() <= 2**53:
        raise ValueError(f"counts must sum to 1 to 2^53 samples, got {counts.sum():g}")
    return counts


def _risk(value: Any) -> float:
    risk = as_number(value, "delta", above=0)
    if risk >= 1:
        raise ValueError(f"delta must lie in (0, 1), got {risk}")
    return risk


def sampling_remainder(
    counts: npt.ArrayLike, delta: float, largest_loss: float, *, form: Form = "printed"
) -> float:
    r"""Upper bound, at the risk delta, of what the frequencies of the cells add to the expected loss.

    .. math:: g(D, \delta) = C(\sqrt2 + 1)\sqrt{\frac{|T| \ln(2N/\delta)}{m}} + \frac{2C |T| \ln(2N/\delta)}{m}

    as printed. Smaller is, by Chernoff's inequality, :math:`C \sqrt{2 |T| \ln(N/\delta) / m}`, and where most cells
    have samples, by bounded differences, :math:`\frac C2 \sqrt{N/m} + C \sqrt{\ln(1/\delta) / (2m)}`.

    Parameters
    ----------
    counts : (N,) array_like of int
        m_i, the samples in each cell, 0 included; m is their sum and T the cells that have any.
    delta : float
        Risk, in (0, 1).
    largest_loss : float
        C, at least 0, where the loss has values in [0, C].
    form : {"printed", "chernoff", "differences"}
        Which of the three; it has to be chosen before the sample is seen.

    Returns
    -------
    remainder : float
        At least 0; above `largest_loss` it says nothing.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.thm-20, than.thm-20.chernoff, than.thm-20.differences, than.thm-20.samples-a-cell

    Examples
    --------
    >>> round(sampling_remainder([600, 300, 100], 0.05, 1.0), 3)
    0.318
    >>> round(sampling_remainder([600, 300, 100], 0.05, 1.0, form="chernoff"), 3)
    0.157
    >>> round(sampling_remainder([600, 300, 100], 0.05, 1.0, form="differences"), 3)
    0.066
    """
    drawn, risk, C = _counts(counts), _risk(delta), as_number(largest_loss, "largest_loss", minimum=0)
    m, log = drawn.sum(), math.log(drawn.size) - math.log(risk)
    share = np.count_nonzero(drawn) / m
    if as_choice(form, "form", FORMS) == "differences":
        unit = math.sqrt(drawn.size / m) / 2 + math.sqrt(-math.log(risk) / (2 * m))
    elif form == "chernoff":
        unit = math.sqrt(2 * share * log)
    else:
        u = math.sqrt(share * (log + math.log(2)))
        unit = (math.sqrt(2) + 1) * u + 2 * u * u
    with np.errstate(over="ignore"):
        return float(in_range(np.asarray(np.float64(C) * unit), "the remainder"))


def local_lipschitz_bound(
    empirical_loss: float, counts: npt.ArrayLike, distances: npt.ArrayLike, lipschitz: npt.ArrayLike, delta: float,
    largest_loss: float, *, form: Form = "printed",
) -> float:
    r"""Upper bound, at the risk delta, of the expected loss by the loss's Lipschitz constants on the cells.

    .. math:: F(D, h) + \sum_{i \in T} \frac{m_i}{m} \lambda_i L_i + g(D, \delta)

    with the remainder g of `sampling_remainder`. It holds for a model that was trained on the sample, if the partition
    was chosen without it.

    Parameters
    ----------
    empirical_loss : float
        F(D, h), the mean loss over the sample.
    counts : (N,) array_like of int
        m_i, the samples in each cell.
    distances : float or (N,) array_like
        lambda_i, the mean distance of a sample in the cell from a random point of it.
    lipschitz : float or (N,) array_like
        L_i, a Lipschitz constant of the loss on the cell, the label of a point included.
    delta : float
        Risk, in (0, 1).
    largest_loss : float
        C: the loss has values in [0, C].
    form : {"printed", "chernoff", "differences"}
        Which remainder.

    Returns
    -------
    bound : float
        Not cut off at `largest_loss`.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.thm-20, than.thm-20.eq-13, than.cor-21, than.cor-22-14

    Examples
    --------
    >>> round(local_lipschitz_bound(0.01, [600, 300, 100], [0.1, 0.2, 0.2], 0.5, 0.05, 1.0), 3)
    0.398
    """
    loss, drawn = as_number(empirical_loss, "empirical_loss"), _counts(counts)
    terms = each_cell(distances, "distances", drawn.size), each_cell(lipschitz, "lipschitz", drawn.size)
    g = sampling_remainder(drawn, delta, largest_loss, form=form)
    with np.errstate(over="ignore"):
        return float(in_range(np.asarray(loss + (drawn / drawn.sum() * terms[0] * terms[1]).sum() + g), "the bound"))


def optimal_transport_bound(
    empirical_loss: float, counts: npt.ArrayLike, distances: npt.ArrayLike, lipschitz: npt.ArrayLike, delta: float, *,
    constant: float,
) -> float:
    r"""The bound HKK by optimal transport, as one paper quotes it: an upper bound only with the right constant.

    .. math::

        F(D, h) + \sum_{i \in T} \frac{m_i}{m} \lambda_i \max\{1, L_i\}
        + \max_i \lambda_i L_i \sqrt{\frac{\ln(4/\delta)}{m}} + \sqrt{\frac{N}{m}} + \text{constant}

    The paper prints "const." and does not say what it depends on; it has to grow with the size of the loss.

    Parameters
    ----------
    empirical_loss : float
        F(D, h), the mean loss over the sample.
    counts : (N,) array_like of int
        m_i, the samples in each cell.
    distances : float or (N,) array_like
        lambda_i; the largest product is taken over the cells with samples.
    lipschitz : float or (N,) array_like
        L_i.
    delta : float
        Risk, in (0, 1).
    constant : float
        What is printed as "const."; no default, because none is known.

    Returns
    -------
    bound : float
        The sum.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.sec-5.2-HKK, than.sec-5.2-HKK-terms, than.sec-5.2-HKK-constant

    Examples
    --------
    >>> round(optimal_transport_bound(0.01, [600, 300, 100], [0.1, 0.2, 0.2], 0.5, 0.05, constant=0.0), 3)
    0.211
    """
    loss, drawn = as_number(empirical_loss, "empirical_loss"), _counts(counts)
    risk, rest, m = _risk(delta), as_number(constant, "constant"), drawn.sum()
    far, L = each_cell(distances, "distances", drawn.size), each_cell(lipschitz, "lipschitz", drawn.size)
    with np.errstate(over="ignore"):
        transport = (drawn / m * far * np.maximum(1, L)).sum()
        deviation = (far * L)[drawn > 0].max() * math.sqrt((math.log(4) - math.log(risk)) / m)
        total = loss + transport + deviation + math.sqrt(drawn.size / m) + rest
    return float(in_range(np.asarray(total), "the bound"))


def spherical_sharpness_bound(
    empirical_loss: float, sharpness: float, mu: float, m: int, *, log_constant: float, constant: float
) -> float:
    r"""The bound LLA by spherical sharpness, as one paper quotes it: of a smoothed loss, with the right constants.

    .. math:: F(D, h) + \frac{\tau \mu^2}{2} + \frac{c \ln m}{\mu \sqrt m} + \text{constant}

    It bounds the expected loss averaged over Gaussian noise of standard deviation :math:`\mu / \sqrt n` on the weights,
    not that of the network. The paper prints :math:`O(\ln m)` for :math:`c \ln m`, and "const.".

    Parameters
    ----------
    empirical_loss : float
        F(D, h), the mean loss over the sample.
    sharpness : float
        tau, at least 0.
    mu : float
        Size of the noise, above 0.
    m : int
        Number of samples, at least 1.
    log_constant : float
        c, at least 0; no default, because none is known.
    constant : float
        What is printed as "const."; no default either.

    Returns
    -------
    bound : float
        The sum.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.sec-5.2-LLA, than.sec-5.2-LLA-optimum

    Examples
    --------
    >>> round(spherical_sharpness_bound(0.01, 2.0, 0.5, 1000, log_constant=1.0, constant=0.0), 3)
    0.697
    """
    loss, tau = as_number(empirical_loss, "empirical_loss"), as_number(sharpness, "sharpness", minimum=0)
    noise, samples = as_number(mu, "mu", above=0), as_count(m, "m", minimum=1)
    c, rest = as_number(log_constant, "log_constant", minimum=0), as_number(constant, "constant")
    with np.errstate(over="ignore"):
        third = np.float64(c * math.log(samples)) / noise / math.sqrt(samples)
        total = loss + np.float64(tau) * noise / 2 * noise + third + rest
    return float(in_range(np.asarray(total), "the bound"))
