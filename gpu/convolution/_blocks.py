"""The blocks of a circular convolution, a chunk of frequencies at a time.

A block is a sum over the taps, so that a chunk of blocks is one product of two matrices: phases by taps, taps by pairs
of channels. The Gram matrices of the blocks are sums over the lags of the Gram kernel, at a price that does not grow
with the channels; with many taps they are products of the blocks instead.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from gpu._namespace import Array, Namespace, adjoint, from_host, is_complex, matmul, roundoff
from gpu.convolution._geometry import Pair, kernel_size
from gpu.convolution._roots import unit_roots
from gpu.convolution._zero_padded import gram_step


class Spectrum:
    """Frequencies (u, v) of an image of size n, counted row by row; half of them where that is enough."""

    def __init__(self, xp: Namespace, K: Array, n: Pair, *, half: bool) -> None:
        self.xp, self.K, self.n = xp, K, n
        self.width = n[1] // 2 + 1 if half else n[1]
        self.count = n[0] * self.width
        self.shape = K.shape[:2]
        self._taps = self._columns(K)

    def _columns(self, K: Array) -> Array:
        xp = self.xp
        columns = xp.reshape(xp.permute_dims(K, (2, 3, 0, 1)), (K.shape[2] * K.shape[3], -1))
        return columns if is_complex(xp, K) else xp.astype(columns, self.complex_dtype)

    @property
    def complex_dtype(self) -> Any:
        """Of the blocks."""
        single = self.K.dtype in (self.xp.float32, self.xp.complex64)
        return self.xp.complex64 if single else self.xp.complex128

    def places(self, index: Any) -> tuple[Any, Any]:
        """The frequencies of these indices."""
        return np.divmod(np.asarray(index), self.width)

    def phases(self, index: Any, first: Any, second: Any) -> Array:
        """exp(-2 pi i (u p / h + v q / w)) for frequencies and places (p, q), reduced before anything is rounded."""
        u, v = self.places(index)
        h, w = self.n
        vertical = unit_roots(h)[np.multiply.outer(u, first) % h]
        horizontal = unit_roots(w)[np.multiply.outer(v, second) % w]
        return from_host(self.xp, (vertical * horizontal).astype(self._host_dtype), self.K)

    @property
    def _host_dtype(self) -> str:
        return "complex64" if self.complex_dtype == self.xp.complex64 else "complex128"

    @property
    def all(self) -> Any:
        """Indices of all frequencies."""
        return np.arange(self.count)

    def blocks(self, index: Any) -> Array:
        """The blocks of these frequencies."""
        p, q = (i.ravel() for i in np.indices(kernel_size(self.K)))
        return self.xp.reshape(matmul(self.phases(index, p, q), self._taps), (-1, *self.shape))

    # -- Gram matrices ----------------------------------------------------------------------------

    @property
    def by_lags(self) -> bool:
        """Whether sums over lags are cheaper than products of blocks."""
        k_h, k_w = kernel_size(self.K)
        return (2 * k_h - 1) * (2 * k_w - 1) <= 4 * self.shape[0]

    def grams(self, index: Any) -> Array:
        """``D* D`` of these frequencies."""
        xp, c = self.xp, self.shape[1]
        if not self.by_lags:
            D = self.blocks(index)
            return matmul(adjoint(xp, D), D)
        phases = self.phases(index, *self._lag_places)
        if is_complex(xp, self.K):
            half = xp.reshape(matmul(phases, self._lags[0]), (-1, c, c))
            return half + adjoint(xp, half)
        even, odd = self._lags
        parts = matmul(xp.real(phases), even) + 1j * matmul(xp.imag(phases), odd)
        return xp.reshape(xp.astype(parts, self.complex_dtype, copy=False), (-1, c, c))

    @property
    def size_of_lags(self) -> float:
        """The sum of the Frobenius norms of the Gram kernel's taps: what its sums are rounded by, in units of u."""
        return 2 * sum(float(self.xp.sum(self.xp.linalg.vector_norm(part, axis=1))) for part in self._lags)

    @property
    def count_of_lags(self) -> int:
        """Of those that are added up."""
        return int(self._lags[0].shape[0])

    @property
    def block_length(self) -> float:
        """Not less than the Frobenius norm of any block, but for rounding: the sum of those of the taps."""
        xp = self.xp
        room = 1 + (math.prod(self.K.shape) + 8) * roundoff()
        return float(xp.sum(xp.linalg.vector_norm(self.K, axis=(0, 1)))) * room

    @functools.cached_property
    def _lag_places(self) -> tuple[Any, Any]:
        k_h, k_w = kernel_size(self.K)
        p, q = (i.ravel()[i.size // 2 :] for i in np.indices((2 * k_h - 1, 2 * k_w - 1)))
        return p - (k_h - 1), q - (k_w - 1)

    @functools.cached_property
    def _lags(self) -> tuple[Array, ...]:
        """The Gram kernel after lag 0, and half of it at 0: the other lags are adjoints of these.

        Of a real kernel the real parts of the sum are symmetric, the imaginary parts are not: so T + T^T and T - T^T.
        """
        xp, c = self.xp, self.shape[1]
        G = xp.permute_dims(gram_step(xp, self.K), (2, 3, 0, 1))
        G = xp.reshape(G, (-1, c * c))
        middle = G.shape[0] // 2
        kept = xp.concat([G[middle : middle + 1, :] / 2, G[middle + 1 :, :]])
        if is_complex(xp, self.K):
            return (kept,)
        T = xp.reshape(kept, (-1, c, c))
        turned = xp.permute_dims(T, (0, 2, 1))
        return xp.reshape(T + turned, (-1, c * c)), xp.reshape(T - turned, (-1, c * c))


def tall(xp: Namespace, K: Array) -> Array:
    """The kernel or its transpose, with no fewer output than input channels; the singular values are the same."""
    return K if K.shape[0] >= K.shape[1] else xp.permute_dims(K, (1, 0, 2, 3))
