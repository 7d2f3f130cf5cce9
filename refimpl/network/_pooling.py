"""Lipschitz constants of pooling layers."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_pair
from refimpl.spectral import spectral_norm

Array = npt.NDArray[Any]


def pooling_lipschitz(
    kind: Literal["max", "average"], n: int | tuple[int, int], k: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
) -> float:
    r"""Exact Lipschitz constant of a pooling layer without padding (up to rounding).

    For max-pooling the root of the largest number of windows that share a pixel; for average-pooling the spectral
    norm of its matrix. Windows that do not overlap give 1 and :math:`1 / \sqrt{k_h k_w}`.

    Parameters
    ----------
    kind : {"max", "average"}
        The function of a window.
    n : int or pair of int
        Size of the image.
    k : int or pair of int
        Size of the windows, at most that of the image.
    stride : int or pair of int, optional
        Step between windows, by default `k`.

    Returns
    -------
    constant : float
        Without unit. Max-pooling of 3 x 3 windows with stride 2, as in residual networks, has the constant 2.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.app-B.1-pooling, thesis.app-B.1-pooling.overlap, thesis.app-B.1-average

    Examples
    --------
    >>> pooling_lipschitz("max", 8, 2), pooling_lipschitz("max", 7, 3, 2)
    (1.0, 2.0)
    >>> round(pooling_lipschitz("average", 8, 2), 12)
    0.5
    """
    as_choice(kind, "kind", ("max", "average"))
    vertical, horizontal = _axes(n, k, stride)
    if kind == "max":
        return math.sqrt(math.prod(int(w.sum(axis=0).max()) for w in (vertical, horizontal)))
    return math.prod(spectral_norm(w / w.sum(axis=1, keepdims=True)) for w in (vertical, horizontal))


def windows_of(n: Any, k: Any, stride: Any) -> Array:
    """1 where a window (row) holds a pixel (column) of an image."""
    return np.kron(*_axes(n, k, stride))


def _axes(n: Any, k: Any, stride: Any) -> tuple[Array, Array]:
    """The same for the vertical and the horizontal axis."""
    size, window = as_pair(n, "n"), as_pair(k, "k")
    step = window if stride is None else as_pair(stride, "stride")
    if any(a > b for a, b in zip(window, size, strict=True)):
        raise ValueError(f"k must be at most the size of the image {size}, got {window}")
    vertical, horizontal = (windows_of_axis(*axis) for axis in zip(size, window, step, strict=True))
    return vertical, horizontal


def windows_of_axis(n: int, k: int, stride: int, pads: tuple[int, int] = (0, 0)) -> Array:
    """1 where a window (row) holds a pixel (column) of one axis, with so many places before and after the pixels."""
    first = np.arange(-pads[0], n + pads[1] - k + 1, stride)[:, None]
    pixels = np.arange(n)
    return np.asarray(((pixels >= first) & (pixels < first + k)).astype(float))
