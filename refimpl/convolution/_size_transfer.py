"""From a small image to any size and padding: how far a density can rise between its samples."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_kernel, as_pair
from refimpl.convolution._circular import circular_norm_bound
from refimpl.convolution._geometry import Pair, kernel_size
from refimpl.convolution._rounding import cosine_below
from refimpl.spectral._enclosure import float_above, sqrt_above


def size_transfer_factor(k: int | Pair, n0: int | Pair, n_iter: int) -> float:
    r"""Factor from a Gram bound on a small image to an upper bound for every size, exact up to rounding.

    .. math::

        \prod_{\text{axes}} \min\Bigl(\frac{1}{\sqrt{1 - \alpha}},\ \frac{1}{\cos(\pi \alpha / 2)}\Bigr)^{2^{1-t}},
        \qquad \alpha = \frac{2^{t-1} (k - 1)}{n_0} < 1,\quad t = n\_iter + 1

    The entries of the Gram iterate are trigonometric polynomials of degree :math:`\alpha n_0 / 2` in each angle;
    the first term is Pfister and Bresler's bound for their maximum between the samples, the second follows
    from M. Riesz's comparison with a cosine and is the smaller one for :math:`\alpha < 1/2`. The source takes
    the first term once, not once an axis.

    Parameters
    ----------
    k : int or pair of int
        Size of the kernel.
    n0 : int or pair of int
        Number of samples an axis, at least ``2**n_iter * (k - 1) + 1``.
    n_iter : int
        Number of Gram steps, at least 0.

    Returns
    -------
    factor : float
        At least 1; an axis of kernel size 1 adds nothing.

    Raises
    ------
    ValueError
        If `n0` is too small or another argument is out of its range.

    References
    ----------
    thesis.lemma-A.0.2.axes, thesis.thm-A.0.1.cosine, thesis.thm-3.7.3.axes

    Examples
    --------
    >>> [round(size_transfer_factor(3, n0, 3), 4) for n0 in (17, 32, 64, 128)]
    [1.425, 1.0905, 1.02, 1.0049]
    """
    size, samples, n_iter = as_pair(k, "k"), as_pair(n0, "n0"), as_count(n_iter, "n_iter")
    factor = 1.0
    for span, m in zip(_spans(size, samples, n_iter), samples, strict=True):
        # sin of the rest in place of cos: exact where alpha is near 1.
        rest = (m - span) / m
        factor *= min(1 / math.sqrt(rest), 1 / math.sin(math.pi * rest / 2)) ** 2.0**-n_iter
    return factor


def _spans(k: Pair, n0: Pair, n_iter: int) -> Pair:
    """``2^(t-1) (k - 1)`` of each axis: the frequencies that an entry of the Gram iterate spans."""
    for size, m in zip(k, n0, strict=True):
        # Shifted down rather than up: n_iter may be any number.
        if size > 1 and (m - 1) >> n_iter < size - 1:
            raise ValueError(f"n0 must be at least 2**{n_iter} * (k - 1) + 1 for kernels of size {k}, got {n0}")
    return (k[0] - 1) << (n_iter if k[0] > 1 else 0), (k[1] - 1) << (n_iter if k[1] > 1 else 0)


def smaller_input_norm_bound(
    K: npt.ArrayLike, n0: int | Pair, n_iter: int, *, certified: bool = False
) -> float:
    r"""Upper bound on the spectral norm of a convolution for every size of the image, from a small one.

    `circular_norm_bound` on an image of size `n0` times `size_transfer_factor`.

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Kernel. See `polyphase_kernel` for strides.
    n0 : int or pair of int
        Number of samples an axis, at least ``2**n_iter * (k - 1) + 1``.
    n_iter : int
        Number of Gram steps, at least 0.
    certified : bool
        If true the result is not below the exact spectral norm, whatever the rounding.

    Returns
    -------
    bound : float
        In the units of `K`; for circular and for zero padding at every size.

    Raises
    ------
    ValueError
        If `n0` is too small or another argument is out of its range.

    References
    ----------
    thesis.thm-3.7.3.axes, lipref.certified-smaller-input

    Examples
    --------
    The norm on three pixels is 3, on four it is 5:

    >>> round(smaller_input_norm_bound([[[[2, -1, 2]]]], (1, 3), 0), 3)
    5.196
    >>> round(smaller_input_norm_bound([[[[2, -1, 2]]]], (1, 32), 0), 3)
    5.024
    """
    kernel = as_kernel(K)
    samples, n_iter = as_pair(n0, "n0"), as_count(n_iter, "n_iter")
    factor = size_transfer_factor(kernel_size(kernel), samples, n_iter)
    bound = circular_norm_bound(kernel, samples, n_iter, certified=certified)
    if not as_choice(certified, "certified", (False, True)) or math.isinf(bound):
        return bound * factor
    return float_above(Fraction(bound) * _factor_above(kernel_size(kernel), samples, n_iter))


def _factor_above(k: Pair, n0: Pair, n_iter: int) -> Fraction:
    """Not less than the factor, in rational numbers."""
    factor = Fraction(1)
    for span, m in zip(_spans(k, n0, n_iter), n0, strict=True):
        alpha = Fraction(span, m)
        root = min(sqrt_above(1 / (1 - alpha)), 1 / cosine_below(alpha / 4))
        for _ in range(n_iter if alpha else 0):
            root = sqrt_above(root)
        factor *= root
    return factor

