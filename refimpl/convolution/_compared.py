"""What the literature compares with; whether bound or estimate stands in the first line of each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_count, as_generator, as_image, as_kernel
from refimpl.convolution._apply import conv2d, conv2d_transpose
from refimpl.convolution._fourier import frequency_blocks
from refimpl.convolution._geometry import Padding, Pair, as_layer, kernel_size
from refimpl.spectral import spectral_norm
from refimpl.spectral._norms import rescale, scaled_by_power_of_two

Array = npt.NDArray[Any]


def conv_power_iteration(
    K: npt.ArrayLike, n: int | Pair, n_iter: int, *, padding: Padding = "zero", stride: int | Pair = 1,
    start: npt.ArrayLike | None = None, rng: np.random.Generator | int | None = None,
) -> float:
    r"""Lower bound on the spectral norm of a convolution, by power iteration without a matrix.

    .. math:: X \leftarrow \frac{K \star^* (K \star X)}{\lVert K \star^* (K \star X) \rVert}, \qquad
        \sigma_1 \ge \lVert K \star X \rVert

    Forward and transposed convolutions in turn (Farnia et al. 2018, Ryu et al. 2019).

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Kernel.
    n : int or pair of int
        Size of the image.
    n_iter : int
        Number of iterations, at least 0.
    padding, stride : as in `conv2d`
        The same arguments.
    start : (c_in, h, w) array_like, optional
        Image to start from, not zero.
    rng : numpy.random.Generator or int, optional
        Draws a Gaussian start; needed where `start` is not given.

    Returns
    -------
    bound : float
        In the units of `K`. It does not decrease with `n_iter` and converges to the norm unless the start is
        orthogonal to all leading singular vectors.

    Raises
    ------
    ValueError
        If an argument is out of its range, or not exactly one of `start` and `rng` is given.

    References
    ----------
    thesis.tab-3.1-ryu

    Examples
    --------
    >>> [round(conv_power_iteration([[[[1, 1, 1]]]], (1, 3), i, start=[[[1, 0, 0]]]), 4) for i in (0, 1, 5)]
    [1.4142, 2.357, 2.4142]
    """
    layer = as_layer(K, n, padding, stride)
    n_iter = as_count(n_iter, "n_iter")
    if (start is None) == (rng is None):
        raise ValueError(f"start must be given if rng is not, and only then, got {'none' if rng is None else 'both'}")
    shape = (layer.K.shape[1], *layer.n)
    X = as_generator(rng).standard_normal(shape) if start is None else as_image(start, "start", channels=shape[0])
    if X.shape != shape or not X.any():
        raise ValueError(f"start must be an image of shape {shape} that is not zero, got shape {X.shape}")
    kernel, exponent = scaled_by_power_of_two(layer.K)
    X, _ = _unit(X)
    for _ in range(n_iter):
        Y, size = _unit(conv2d(X, kernel, padding=padding, stride=stride))
        if size == 0:
            return 0.0
        X, _ = _unit(conv2d_transpose(Y, kernel, layer.n, padding=padding, stride=stride))
    _, size = _unit(conv2d(X, kernel, padding=padding, stride=stride))
    return rescale(size, exponent)


def _unit(X: Array) -> tuple[Array, float]:
    """The image over its length, and the length; pixels may be so small that their squares underflow."""
    scaled, exponent = scaled_by_power_of_two(X)
    length = float(np.linalg.norm(scaled))
    return (scaled / length if length > 0 else scaled), rescale(length, exponent)


def four_matrix_bound(K: npt.ArrayLike) -> float:
    r"""Upper bound on the spectral norm of a convolution, from four reshapings of its kernel.

    .. math:: \sqrt{k_h k_w}\, \min(\lVert R \rVert_2, \lVert S \rVert_2, \lVert M \rVert_2, \lVert N \rVert_2)

    with the kernel as a matrix of shapes :math:`c_o k_h \times c_i k_w`, :math:`c_o k_w \times c_i k_h`,
    :math:`c_o \times c_i k_h k_w` and :math:`c_o k_h k_w \times c_i` (Singla and Feizi 2021), here by singular
    values. Where their norms come from power iteration, as in the original, it is no bound.

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Kernel.

    Returns
    -------
    bound : float
        In the units of `K`; for every size of the image, padding and stride.

    Raises
    ------
    ValueError
        If `K` is not a finite kernel.

    References
    ----------
    thesis.tab-3.1-four-matrices

    Examples
    --------
    >>> four_matrix_bound([[[[1, 0, -1]]]]).__round__(4)
    2.4495
    """
    kernel = as_kernel(K)
    c_out, c_in, k_h, k_w = kernel.shape
    R = kernel.transpose(0, 2, 1, 3).reshape(c_out * k_h, c_in * k_w)
    S = kernel.transpose(0, 3, 1, 2).reshape(c_out * k_w, c_in * k_h)
    M = kernel.reshape(c_out, c_in * k_h * k_w)
    N = kernel.transpose(0, 2, 3, 1).reshape(c_out * k_h * k_w, c_in)
    return math.sqrt(k_h * k_w) * min(spectral_norm(A) for A in (R, S, M, N))


def sampled_density_bound(K: npt.ArrayLike, samples: int) -> float:
    r"""Estimate of an upper bound on the spectral norm, from samples of the entries of the spectral density.

    .. math::

        \Bigl(\sum_j \max_{w_1, w_2} \sum_i |E_{j,i}(w_1, w_2)|^2\Bigr)^{1/2}, \qquad
        w_1, w_2 \in \tfrac{2 \pi}{S} \{0, \dots, S-1\}

    with the sum over j on the side with fewer channels (Araujo et al. 2021). With the maximum over all angles
    it is an upper bound for every size, padding and stride; between samples the density may be larger, and
    then it is none. Times ``size_transfer_factor(k, samples, 0)`` it is one again.

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Kernel.
    samples : int
        S, the number of angles an axis, at least 1.

    Returns
    -------
    estimate : float
        In the units of `K`.

    Raises
    ------
    ValueError
        If `K` is not a finite kernel or `samples` not positive.

    References
    ----------
    thesis.tab-3.1-araujo.corrected

    Examples
    --------
    The maximum 5 lies at the angle pi, which three samples miss:

    >>> [round(sampled_density_bound([[[[2, -1, 2]]]], S), 6) for S in (3, 4)]
    [3.0, 5.0]
    """
    kernel = as_kernel(K)
    samples = as_count(samples, "samples", minimum=1)
    scaled, exponent = scaled_by_power_of_two(kernel)
    if scaled.shape[0] > scaled.shape[1]:
        scaled = scaled.transpose(1, 0, 2, 3)
    # An axis of kernel size 1 has a constant density.
    k_h, k_w = kernel_size(scaled)
    E = np.abs(frequency_blocks(scaled, (1 if k_h == 1 else samples, 1 if k_w == 1 else samples)))
    size = float(E.max())  # taps may cancel: squares must not underflow
    if size == 0:
        return 0.0
    largest = ((E / size) ** 2).sum(axis=3).max(axis=(0, 1))
    return rescale(size * float(np.sqrt(largest.sum())), exponent)
