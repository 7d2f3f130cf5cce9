"""The spectral norm of a convolution: exact, by the cheapest of three ways."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import LinearOperator, svds

from refimpl._arguments import as_choice, as_pair
from refimpl.convolution._apply import conv2d, conv2d_transpose
from refimpl.convolution._fourier import frequency_blocks
from refimpl.convolution._geometry import Padding, Pair, as_layer
from refimpl.convolution._matrices import matrix_of
from refimpl.convolution._strided import polyphase_kernel
from refimpl.spectral import spectral_norm
from refimpl.spectral._norms import rescale, scaled_by_power_of_two

Array = npt.NDArray[Any]
Method = Literal["auto", "blocks", "dense", "lanczos"]

METHODS = ("auto", "blocks", "dense", "lanczos")
UNIT_ROUNDOFF = 2.0**-53
# Above this many entries a matrix is not written out (32 MB of float64).
DENSE_ENTRIES = 4_000_000
# ARPACK needs more rows and columns than the vectors it is asked for.
LANCZOS_SIDE = 4


class ConvSpectralNorm(NamedTuple):
    """A spectral norm, an estimate of its absolute error, and the method that found it."""

    norm: float
    error: float
    method: str


def conv_spectral_norm(
    K: npt.ArrayLike, n: int | Pair, *, padding: Padding = "circular", stride: int | Pair = 1,
    dilation: int | Pair = 1, groups: int = 1, anchor: int | Pair | None = None, method: Method = "auto",
) -> ConvSpectralNorm:
    r"""Exact spectral norm of a convolution (up to rounding).

    .. math:: \sigma_1(W_K) = \max_{X \ne 0} \frac{\lVert K \star X \rVert_2}{\lVert X \rVert_2}

    Parameters
    ----------
    K : (c_out, c_in / groups, k_h, k_w) array_like
        Kernel.
    n : int or pair of int
        Size of the image.
    padding, stride, dilation, groups, anchor : as in `conv2d`
        The same arguments.
    method : {"auto", "blocks", "dense", "lanczos"}
        "blocks" decomposes the frequency blocks of the kernel's polyphase form (half of the spectrum where
        the kernel is real), which needs circular padding and a stride that divides `n`; "dense" the explicit
        matrix; "lanczos" runs scipy's ARPACK on the convolution and its adjoint, without a matrix. "auto"
        takes the first that applies, "dense" up to 4 million entries.

    Returns
    -------
    result : ConvSpectralNorm
        ``norm`` in the units of `K`; ``error``, an estimate of its absolute error: a multiple of rounding,
        and for "lanczos" the residual of the singular pair. That distance holds to *some* singular value: an
        iteration may in principle miss the largest, and then `norm` is a lower bound. ``method``, the method
        used.

    Raises
    ------
    ValueError
        If an argument is out of its range, or `method` does not apply.

    References
    ----------
    thesis.eq-3.14, thesis.tab-3.1-sedghi, lipref.conv-norm-methods, lipref.grouped-norm

    Examples
    --------
    Going round, an all-ones kernel triples a constant image; with zeros outside it cannot:

    >>> conv_spectral_norm([[[[1, 1, 1]]]], (1, 4)).norm
    3.0
    >>> conv_spectral_norm([[[[1, 1, 1]]]], (1, 3), padding="zero").norm.__round__(12) == round(1 + 2**0.5, 12)
    True
    """
    as_choice(method, "method", METHODS)
    layer = as_layer(K, n, padding, stride, dilation, groups, anchor)
    steps = as_pair(stride, "stride")
    by_blocks = padding == "circular" and all(size % s == 0 for size, s in zip(layer.n, steps, strict=True))
    shape = layer.K.shape[0] * len(layer.rows) * len(layer.columns), layer.K.shape[1] * layer.n[0] * layer.n[1]
    small = min(shape) < LANCZOS_SIDE
    if method == "auto":
        by_matrix = small or shape[0] * shape[1] <= DENSE_ENTRIES
        method = "blocks" if by_blocks else "dense" if by_matrix else "lanczos"
    if method == "blocks":
        if not by_blocks:
            raise ValueError(
                f"method must not be 'blocks' unless padding is 'circular' and stride divides n, got padding "
                f"{padding!r}, stride {steps}, n {layer.n}"
            )
        return _by_blocks(layer.K, layer.n, steps)
    scaled, exponent = scaled_by_power_of_two(layer.K)
    if method == "dense":
        W = matrix_of(layer._replace(K=scaled), sparse=False)
        norm, error = spectral_norm(W), _rounding(W) + _rounding_of_taps(scaled)
    else:
        if small:
            raise ValueError(
                f"method must not be 'lanczos' for a matrix with fewer than {LANCZOS_SIDE} rows or columns, "
                f"got shape {shape}"
            )
        norm, error = _by_lanczos(scaled, layer.n, {"padding": padding, "stride": stride, "anchor": anchor})
    return ConvSpectralNorm(rescale(norm, exponent), rescale(error, exponent), method)


def _rounding(W: Array) -> float:
    """A multiple of the roundoff of the entries' sizes: what a backward stable decomposition leaves."""
    return float(sum(W.shape[-2:]) * UNIT_ROUNDOFF * np.linalg.norm(W, axis=(-2, -1)).max())


def _rounding_of_taps(K: Array) -> float:
    """A multiple of the roundoff of sums over the taps, which may cancel."""
    return float(K.shape[2] * K.shape[3] * UNIT_ROUNDOFF * np.abs(K).sum())


def _by_blocks(K: Array, n: Pair, stride: Pair) -> ConvSpectralNorm:
    scaled, exponent = scaled_by_power_of_two(polyphase_kernel(K, stride))
    size = (n[0] // stride[0], n[1] // stride[1])
    D = frequency_blocks(scaled, size, half=not np.iscomplexobj(scaled))
    norm = float(np.linalg.svd(D, compute_uv=False).max())
    transform = float(np.log2(size[0] * size[1]) + 8) * _rounding_of_taps(scaled)
    return ConvSpectralNorm(rescale(norm, exponent), rescale(_rounding(D) + transform, exponent), "blocks")


def _by_lanczos(K: Array, n: Pair, how: dict[str, Any]) -> tuple[float, float]:
    channels = K.shape[1]
    shape_out = conv2d(np.zeros((channels, *n)), K, **how).shape
    rows, columns = int(np.prod(shape_out)), channels * n[0] * n[1]

    def apply(x: Array) -> Array:
        return conv2d(x.reshape(channels, *n), K, **how).ravel()

    def adjoint(y: Array) -> Array:
        return conv2d_transpose(y.reshape(shape_out), K, n, **how).ravel()

    rounding = channels * _rounding_of_taps(K)
    if not apply(np.random.default_rng(0).standard_normal(columns)).any():
        return 0.0, rounding  # ARPACK cannot start on the zero map
    operator = LinearOperator((rows, columns), matvec=apply, rmatvec=adjoint, dtype=K.dtype)
    start = np.random.default_rng(0).standard_normal(min(rows, columns))
    left, sigma, right = svds(operator, k=1, v0=start, tol=0)
    u, v, norm = left[:, 0], right[0].conj(), float(sigma[0])
    residual = np.hypot(np.linalg.norm(apply(v) - norm * u), np.linalg.norm(adjoint(u) - norm * v))
    return norm, float(residual) + rounding
