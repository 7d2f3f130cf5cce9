"""The explicit matrix of a convolution."""

from __future__ import annotations

from typing import Any

import array_api_compat
import numpy as np

from gpu._arguments import in_range
from gpu._namespace import Array, Namespace, from_host, namespace_of, on_device, quiet, to_host, working
from gpu.convolution._geometry import OUTSIDE, Layer, as_layer
from refimpl._arguments import as_choice


def circulant_matrix(
    K: Any, n: Any, *, dilation: Any = 1, groups: Any = 1, anchor: Any = None, sparse: bool = False
) -> Any:
    """`refimpl.convolution.circulant_matrix`; a sparse matrix is CuPy's where the kernel is."""
    xp = namespace_of(K)
    return matrix_of(xp, as_layer(K, n, "circular", 1, dilation, groups, anchor, xp=xp), sparse)


def toeplitz_matrix(
    K: Any, n: Any, *, padding: Any = "zero", dilation: Any = 1, groups: Any = 1, anchor: Any = None,
    sparse: bool = False,
) -> Any:
    """`refimpl.convolution.toeplitz_matrix`; a sparse matrix is CuPy's where the kernel is."""
    as_choice(padding, "padding", ("zero", "full", "valid"))
    xp = namespace_of(K)
    return matrix_of(xp, as_layer(K, n, padding, 1, dilation, groups, anchor, xp=xp), sparse)


def strided_matrix(
    K: Any, n: Any, stride: Any, *, padding: Any = "circular", dilation: Any = 1, groups: Any = 1, anchor: Any = None,
    sparse: bool = False,
) -> Any:
    """`refimpl.convolution.strided_matrix`; a sparse matrix is CuPy's where the kernel is."""
    xp = namespace_of(K)
    return matrix_of(xp, as_layer(K, n, padding, stride, dilation, groups, anchor, xp=xp), sparse)


def matrix_of(xp: Namespace, layer: Layer, sparse: bool) -> Any:
    """The matrix: of each tap the Kronecker product of the kernel's matrix with who meets whom in both axes."""
    sparse = as_choice(sparse, "sparse", (False, True))
    K = working(xp, layer.K)
    if sparse:
        return _sparse(xp, layer, K)
    c_out, c_in = K.shape[:2]
    h_out, w_out, (h, w) = len(layer.rows), len(layer.columns), layer.n
    W = xp.zeros((c_out, h_out, w_out, c_in, h, w), dtype=K.dtype, device=array_api_compat.device(K))
    vertical, horizontal = (_meetings(xp, taps, size, K) for taps, size in zip((layer.rows, layer.columns), layer.n,
                                                                                strict=True))
    with quiet():
        for p in range(layer.rows.shape[1]):
            for q in range(layer.columns.shape[1]):
                met = vertical[p, :, None, None, :, None] * horizontal[q, None, :, None, None, :]
                W += K[:, None, None, :, None, None, p, q] * met[None, ...]
    return in_range(xp.reshape(W, (c_out * h_out * w_out, c_in * h * w)), "W", xp)


def _meetings(xp: Namespace, taps: Any, n: int, like: Array) -> Array:
    """1 where an output meets a pixel: by tap, output, pixel."""
    met = np.moveaxis(taps[:, :, None] == np.arange(n), 1, 0)
    return xp.astype(from_host(xp, met, like), like.dtype)


def _sparse(xp: Namespace, layer: Layer, K: Array) -> Any:
    """One entry for each output, tap and pair of channels; entries of one place are added."""
    if on_device(xp):
        import cupyx.scipy.sparse as library

        made, values = library.coo_matrix, K
    else:
        import scipy.sparse as library

        made, values = library.coo_array, to_host(K)
    c_out, c_in, k_h, k_w = K.shape
    u, p = np.nonzero(layer.rows != OUTSIDE)
    v, q = np.nonzero(layer.columns != OUTSIDE)
    h_out, w_out = len(layer.rows), len(layer.columns)
    output = u[:, None] * w_out + v
    pixel = layer.rows[u, p][:, None] * layer.n[1] + layer.columns[v, q]
    tap = p[:, None] * k_w + q
    channels = np.arange(c_out)[:, None, None, None], np.arange(c_in)[:, None, None]
    row, column, entry = np.broadcast_arrays(
        channels[0] * (h_out * w_out) + output, channels[1] * (layer.n[0] * layer.n[1]) + pixel,
        (channels[0] * c_in + channels[1]) * (k_h * k_w) + tap,
    )
    place = [from_host(xp, a.ravel()) if on_device(xp) else a.ravel() for a in (row, column, entry)]
    shape = (c_out * h_out * w_out, c_in * layer.n[0] * layer.n[1])
    compressed = made((values.ravel()[place[2]], (place[0], place[1])), shape=shape).tocsr()
    if not bool(xp.all(xp.isfinite(xp.asarray(compressed.data)))):
        raise OverflowError("W leaves the range of floats: scale the arguments down")
    return compressed
