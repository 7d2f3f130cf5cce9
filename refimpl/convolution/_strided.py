"""Strided convolutions: their polyphase form, and upper bounds on their spectral norm."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_kernel, as_pair
from refimpl.convolution._circular import circular_norm_bound
from refimpl.convolution._geometry import Pair, kernel_size
from refimpl.convolution._zero_padded import zero_padded_norm_bound

Array = npt.NDArray[Any]


def polyphase_kernel(K: npt.ArrayLike, stride: int | Pair) -> Array:
    r"""Kernel of the same map as a convolution without stride, exact.

    .. math:: K^{\mathrm{poly}}_{j, (i, r, t), p, q} = K_{j, i, s p + r, s q + t}, \qquad 0 \le r, t < s

    A convolution of stride s takes s x s pixels at a time: with these as channels it has stride 1.

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Kernel.
    stride : int or pair of int
        (s_h, s_w).

    Returns
    -------
    kernel : (c_out, c_in * s_h * s_w, ceil(k_h / s_h), ceil(k_w / s_w)) ndarray
        Padded with zeros where the stride does not divide the size of the kernel.

    Raises
    ------
    ValueError
        If `K` is not a finite kernel or `stride` not positive.

    References
    ----------
    lipref.polyphase

    Examples
    --------
    >>> polyphase_kernel([[[[1, 2, 3]]]], (1, 2)).tolist()
    [[[[1.0, 3.0]], [[2.0, 0.0]]]]
    """
    kernel = as_kernel(K)
    s_h, s_w = as_pair(stride, "stride")
    c_out, c_in = kernel.shape[:2]
    size = tuple(-(-k // s) for k, s in zip(kernel_size(kernel), (s_h, s_w), strict=True))
    padded = np.zeros((c_out, c_in, size[0] * s_h, size[1] * s_w), kernel.dtype)
    padded[:, :, : kernel.shape[2], : kernel.shape[3]] = kernel
    phases = padded.reshape(c_out, c_in, size[0], s_h, size[1], s_w).transpose(0, 1, 3, 5, 2, 4)
    return np.ascontiguousarray(phases.reshape(c_out, c_in * s_h * s_w, *size))


def strided_norm_bound(
    K: npt.ArrayLike, n: int | Pair, stride: int | Pair, n_iter: int, *,
    padding: Literal["circular", "zero"] = "circular", certified: bool = False,
) -> float:
    r"""Upper bound on the spectral norm of a strided convolution, by Gram iteration on its polyphase form.

    `circular_norm_bound` or `zero_padded_norm_bound` of `polyphase_kernel`, the first on an image of size
    ``n / stride``. Circular padding with a stride that does not divide `n` has no polyphase form; then the
    bound of the convolution without stride is returned: a stride only drops rows of the matrix.

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Kernel.
    n : int or pair of int
        Size of the image. Where `padding` is "zero" the bound is one for every size.
    stride : int or pair of int
        At most the size of the image.
    n_iter : int
        Number of Gram steps, at least 0, or 1 where `padding` is "zero".
    padding : {"circular", "zero"}
        As in `conv2d`.
    certified : bool
        If true the result is not below the exact spectral norm, whatever the rounding.

    Returns
    -------
    bound : float
        In the units of `K`. It converges to the norm for "circular" with a stride that divides `n`, and
        for "zero" to the supremum of the norms over all image sizes.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.sec-3.8-refined, thesis.sec-3.8-downsampling, lipref.certified-strided

    Examples
    --------
    Windows that do not overlap: the norm is the length of the kernel, here 5. Without stride it is 7.

    >>> round(strided_norm_bound([[[[3, 4]]]], (1, 4), (1, 2), 4), 12)
    5.0
    >>> round(strided_norm_bound([[[[3, 4]]]], (1, 4), 1, 4), 12)
    7.0
    """
    kernel = as_kernel(K)
    size, steps = as_pair(n, "n"), as_pair(stride, "stride")
    as_choice(padding, "padding", ("circular", "zero"))
    if any(s > a for s, a in zip(steps, size, strict=True)):
        raise ValueError(f"stride must be at most the size of the image {size}, got {steps}")
    if padding == "zero":
        return zero_padded_norm_bound(polyphase_kernel(kernel, steps), n_iter, certified=certified)
    if any(a % s for a, s in zip(size, steps, strict=True)):
        return circular_norm_bound(kernel, size, n_iter, certified=certified)
    reduced = (size[0] // steps[0], size[1] // steps[1])
    return circular_norm_bound(polyphase_kernel(kernel, steps), reduced, n_iter, certified=certified)
