"""Bounds for circular padding: Gram iteration on every frequency block, and its gradient."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_kernel, as_pair
from refimpl.convolution._fourier import frequency_blocks
from refimpl.convolution._geometry import Pair, kernel_size
from refimpl.convolution._rounding import density_blocks
from refimpl.spectral import gram_iteration_gradient
from refimpl.spectral._enclosure import certified_gram_bound, float_above, scaled_with_loss
from refimpl.spectral._norms import rescale, scaled_by_power_of_two

Array = npt.NDArray[Any]


def circular_norm_bound(K: npt.ArrayLike, n: int | Pair, n_iter: int, *, certified: bool = False) -> float:
    r"""Upper bound on the spectral norm of a convolution with circular padding (the thesis's norm2_circ).

    .. math:: \max_{u,v} \lVert D_{u,v}^{(t)} \rVert_F^{2^{1-t}}, \qquad t = n\_iter + 1

    over the `frequency_blocks`, each by `gram_iteration`.

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Kernel; groups and dilations are written into it with zeros, strides by `polyphase_kernel`.
    n : int or pair of int
        Size of the image. Where it is smaller than the kernel the taps wrap, as in `conv2d`.
    n_iter : int
        Number of Gram steps, at least 0.
    certified : bool
        If true the result is not below the exact spectral norm, whatever the rounding. Slow: each block is
        bounded in rational numbers.

    Returns
    -------
    bound : float
        In the units of `K`; at most ``min(c_out, c_in)**(2**-t)`` times the norm, to which it converges. A
        bound for images of this size only: see `smaller_input_norm_bound` for all sizes and for zero padding.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.prop-3.5.1, thesis.alg-5, lipref.certified-circular

    Examples
    --------
    >>> [circular_norm_bound([[[[2, -1, 2]]]], (1, n), 3).__round__(6) for n in (3, 4)]
    [3.0, 5.0]
    """
    kernel = as_kernel(K)
    size, n_iter = as_pair(n, "n"), as_count(n_iter, "n_iter")
    if as_choice(certified, "certified", (False, True)):
        return _certified(kernel, size, n_iter)
    scaled, exponent = scaled_by_power_of_two(kernel)
    D = frequency_blocks(scaled, size, half=not np.iscomplexobj(scaled))
    return rescale(float(_block_bounds(D, n_iter).max()), exponent)


def _block_bounds(D: Array, n_iter: int) -> Array:
    """Gram iteration with rescaling for each block by itself; a zero block keeps the bound 0."""
    # Blocks in which taps cancel may be so small that their squares underflow.
    bounds, h = np.abs(D).max(axis=(-2, -1)), 1.0
    D = D / np.where(bounds > 0, bounds, 1)[..., None, None]
    for _ in range(n_iter):
        size = np.linalg.norm(D, axis=(-2, -1))
        size[size == 0] = 1
        D = D / size[..., None, None]
        D = D.conj().swapaxes(-1, -2) @ D
        bounds, h = bounds * size**h, h / 2
    return np.asarray(bounds * np.linalg.norm(D, axis=(-2, -1)) ** h)


def _certified(K: Array, n: Pair, n_iter: int) -> float:
    if not K.any():
        return 0.0
    scaled, exponent, loss = scaled_with_loss(K)
    D, error = density_blocks(scaled, n)
    taps = kernel_size(K)
    error += loss * taps[0] * taps[1]
    largest = max(certified_gram_bound(block, n_iter, error) for row in D for block in row)
    return float_above(Fraction(largest) * Fraction(2) ** exponent) if np.isfinite(largest) else largest


def circular_norm_bound_gradient(K: npt.ArrayLike, n: int | Pair, n_iter: int) -> Array:
    r"""Gradient of `circular_norm_bound`, exact up to rounding: that of the block with the largest bound.

    .. math:: \frac{\partial}{\partial K_{:,:,p,q}} = \operatorname{Re}\bigl(e^{2 \pi i (u p / h + v q / w)}\, G\bigr)

    with G the `gram_iteration_gradient` of the block at the maximising frequency (u, v). No iterate is kept.

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Real kernel, not zero.
    n : int or pair of int
        Size of the image.
    n_iter : int
        Number of Gram steps, at least 0.

    Returns
    -------
    gradient : (c_out, c_in, k_h, k_w) ndarray
        Without unit. Where several frequencies (other than complex conjugates) share the maximum the bound
        has a kink; then a subgradient, of the first of them.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `K` is complex or zero.

    References
    ----------
    thesis.alg-5-gradient

    Examples
    --------
    >>> circular_norm_bound_gradient([[[[1, 1, 1]]]], (1, 4), 2).round(12).tolist()
    [[[[1.0, 1.0, 1.0]]]]
    """
    kernel = as_kernel(K)
    (h, w), n_iter = as_pair(n, "n"), as_count(n_iter, "n_iter")
    if np.iscomplexobj(kernel):
        raise ValueError(f"K must be a real kernel, got dtype {kernel.dtype}")
    if not kernel.any():
        raise ValueError("K must not be zero, where the bound is not differentiable, got a zero kernel")
    scaled, _ = scaled_by_power_of_two(kernel)
    D = frequency_blocks(scaled, (h, w), half=True)
    bounds = _block_bounds(D, n_iter)
    if not bounds.any():
        raise ValueError(f"K must not vanish on an image of size {(h, w)}, got taps that cancel when they wrap")
    u, v = (int(i) for i in np.unravel_index(int(bounds.argmax()), bounds.shape))
    G = gram_iteration_gradient(D[u, v], n_iter)
    k_h, k_w = kernel_size(kernel)
    phase = np.exp(2j * np.pi * ((u * np.arange(k_h) % h / h)[:, None] + v * np.arange(k_w) % w / w))
    return np.asarray((G[:, :, None, None] * phase).real)
