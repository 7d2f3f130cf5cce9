"""Convolutions, their matrices and bounds in balls: entry by entry from the definitions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product as cartesian
from typing import Any, NamedTuple

import numpy as np
from flint import acb, arb

from proofs_check.balls import spectral
from proofs_check.balls._dual import derivative
from proofs_check.balls._lift import ball_array, euclidean_norm, is_complex

Pair = tuple[int, int]

# Above this side the norm of a circular convolution comes from its frequencies, not from its matrix.
_MATRIX_SIDE = 12


class ConvSpectralNorm(NamedTuple):
    """The norm; in balls there is nothing to estimate."""

    norm: arb
    error: arb
    method: str


def _pair(value: Any) -> Pair:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _zeros(*shape: int) -> np.ndarray:
    out = np.empty(shape, dtype=object)
    out.ravel()[:] = [arb(0) for _ in range(out.size)]
    return out


def _conjugate(value: Any) -> Any:
    return value.conjugate() if isinstance(value, acb) else value


class _Geometry:
    """Output u of an axis meets pixel ``u * stride + tap * dilation - anchor``, if there is one."""

    def __init__(self, n: int, k: int, padding: str, stride: int, dilation: int, anchor: int | None) -> None:
        reach = (k - 1) * dilation
        default = {"full": reach, "valid": 0}.get(padding, reach // 2)
        self.n, self.k, self.stride, self.dilation = n, k, stride, dilation
        self.anchor = default if anchor is None else anchor
        positions = {"full": n + reach, "valid": n - reach}.get(padding, n)
        self.outputs = -(-positions // stride)
        self.wraps = padding == "circular"

    def pixel(self, output: int, tap: int) -> int | None:
        place = output * self.stride + tap * self.dilation - self.anchor
        if self.wraps:
            return place % self.n
        return place if 0 <= place < self.n else None


class _Layer:
    """All (output, pixel, weight) of a convolution."""

    def __init__(
        self, K: Any, n: Any, padding: str = "circular", stride: Any = 1, dilation: Any = 1, groups: int = 1,
        anchor: Any = None,
    ) -> None:
        self.K, self.groups, self.n = ball_array(K), groups, _pair(n)
        anchors = (None, None) if anchor is None else _pair(anchor)
        self.axes = [
            _Geometry(*axis) for axis in zip(
                self.n, self.K.shape[2:], (padding, padding), _pair(stride), _pair(dilation), anchors, strict=True
            )
        ]
        self.c_out, self.c_in = self.K.shape[0], self.K.shape[1] * groups

    @property
    def shape_out(self) -> tuple[int, int, int]:
        return self.c_out, self.axes[0].outputs, self.axes[1].outputs

    def weights(self) -> Iterator[tuple[tuple[int, int, int], tuple[int, int, int], Any]]:
        out_group, in_group = self.c_out // self.groups, self.K.shape[1]
        for j, u, v in np.ndindex(*self.shape_out):
            for i, p, q in np.ndindex(*self.K.shape[1:]):
                x, y = self.axes[0].pixel(u, p), self.axes[1].pixel(v, q)
                if x is not None and y is not None:
                    yield (j, u, v), (j // out_group * in_group + i, x, y), self.K[j, i, p, q]

    def matrix(self) -> np.ndarray:
        W = _zeros(int(np.prod(self.shape_out)), self.c_in * self.n[0] * self.n[1])
        for output, pixel, weight in self.weights():
            row = np.ravel_multi_index(output, self.shape_out)
            column = np.ravel_multi_index(pixel, (self.c_in, *self.n))
            W[row, column] = W[row, column] + weight
        return W


def conv2d(X: Any, K: Any, **how: Any) -> np.ndarray:
    """The sum over taps, as it is defined."""
    image = ball_array(X)
    layer = _Layer(K, image.shape[1:], **how)
    Y = _zeros(*layer.shape_out)
    for output, pixel, weight in layer.weights():
        Y[output] = Y[output] + weight * image[pixel]
    return Y


def conv2d_transpose(Y: Any, K: Any, n: Any, **how: Any) -> np.ndarray:
    """The same weights from outputs to pixels, conjugated."""
    image = ball_array(Y)
    layer = _Layer(K, n, **how)
    X = _zeros(layer.c_in, *layer.n)
    for output, pixel, weight in layer.weights():
        X[pixel] = X[pixel] + _conjugate(weight) * image[output]
    return X


def circulant_matrix(K: Any, n: Any, *, sparse: bool = False, **how: Any) -> np.ndarray:
    """The matrix with circular padding."""
    return _Layer(K, n, "circular", **how).matrix()


def toeplitz_matrix(K: Any, n: Any, *, padding: str = "zero", sparse: bool = False, **how: Any) -> np.ndarray:
    """The matrix with zeros outside."""
    return _Layer(K, n, padding, **how).matrix()


def strided_matrix(
    K: Any, n: Any, stride: Any, *, padding: str = "circular", sparse: bool = False, **how: Any
) -> np.ndarray:
    """The matrix with a stride."""
    return _Layer(K, n, padding, stride, **how).matrix()


def conv_spectral_norm(
    K: Any, n: Any, *, padding: str = "circular", stride: Any = 1, dilation: Any = 1, groups: int = 1,
    anchor: Any = None, method: str = "auto",
) -> ConvSpectralNorm:
    """The norm of the matrix; of a large circular one by its frequencies."""
    layer = _Layer(K, n, padding, stride, dilation, groups, anchor)
    plain = padding == "circular" and groups == 1 and _pair(stride) == _pair(dilation) == (1, 1)
    if plain and min(layer.c_out, layer.c_in) * layer.n[0] * layer.n[1] > _MATRIX_SIDE:
        norm = _max(spectral.spectral_norm(block) for block in _blocks(layer.K, layer.n))
    else:
        norm = spectral.spectral_norm(layer.matrix())
    return ConvSpectralNorm(norm, arb(0), "definition")


def _max(values: Any) -> arb:
    largest = arb(0)
    for value in values:
        largest = largest.max(value)
    return largest


def _root_of_unity(part: arb) -> acb:
    """exp(-2 pi i part)."""
    return acb(-2 * part).exp_pi_i()


def dft_matrix(n: int) -> np.ndarray:
    """Powers of a root of unity."""
    U = _zeros(n, n)
    for u, v in np.ndindex(n, n):
        U[u, v] = _root_of_unity(arb(u * v) / n)
    return U


def _density(K: np.ndarray, vertical: Any, horizontal: Any) -> np.ndarray:
    """The sum of the taps, each turned by its phases."""
    total = _zeros(*K.shape[:2]) + acb(0)
    for p, q in np.ndindex(*K.shape[2:]):
        total = total + K[:, :, p, q] * (vertical(p) * horizontal(q))
    return total


def spectral_density(K: Any, w1: Any, w2: Any) -> np.ndarray:
    """The trigonometric polynomial at given angles."""
    kernel = ball_array(K)
    first, second = np.broadcast_arrays(ball_array(w1), ball_array(w2))
    blocks = [
        _density(kernel, lambda p, a=a: acb(0, -p * a).exp(), lambda q, b=b: acb(0, -q * b).exp())
        for a, b in zip(first.ravel(), second.ravel(), strict=True)
    ]
    out: np.ndarray = np.array(blocks, dtype=object).reshape(*first.shape, *kernel.shape[:2])
    return out


def _block(K: np.ndarray, n: Pair, u: int, v: int) -> np.ndarray:
    return _density(K, lambda p: _root_of_unity(arb(u * p) / n[0]), lambda q: _root_of_unity(arb(v * q) / n[1]))


def _blocks(K: np.ndarray, n: Pair) -> list[np.ndarray]:
    """One block a frequency; of two conjugate ones of a real kernel only the first."""
    real = not is_complex(K)
    places = [(u, v) for u, v in np.ndindex(*n) if not real or (u, v) <= (-u % n[0], -v % n[1])]
    return [_block(K, n, u, v) for u, v in places]


def frequency_blocks(K: Any, n: Any, *, half: bool = False) -> np.ndarray:
    """All blocks, or those with v at most half of the width."""
    kernel, (h, w) = ball_array(K), _pair(n)
    columns = w // 2 + 1 if half else w
    blocks = [_block(kernel, (h, w), u, v) for u, v in np.ndindex(h, columns)]
    out: np.ndarray = np.array(blocks, dtype=object).reshape(h, columns, *kernel.shape[:2])
    return out


def channel_permutation(channels: int, positions: int) -> np.ndarray:
    """One 1 in each column."""
    P = _zeros(channels * positions, channels * positions)
    for i, f in cartesian(range(channels), range(positions)):
        P[f * channels + i, i * positions + f] = arb(1)
    return P


def _kronecker(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    product: np.ndarray = np.multiply.outer(A, B).transpose(0, 2, 1, 3).reshape(
        A.shape[0] * B.shape[0], A.shape[1] * B.shape[1])
    return product


def _identity(n: int) -> np.ndarray:
    return channel_permutation(n, 1)


def block_diagonalization(K: Any, n: Any, *, anchor: Any = None) -> tuple[np.ndarray, ...]:
    """The five factors, D from the blocks, turned by the anchor's phase."""
    kernel, (h, w) = ball_array(K), _pair(n)
    a, b = ((k - 1) // 2 for k in kernel.shape[2:]) if anchor is None else _pair(anchor)
    c_out, c_in = kernel.shape[:2]
    D = _zeros(h * w * c_out, h * w * c_in)
    for f, (u, v) in enumerate(np.ndindex(h, w)):
        phase = _root_of_unity(-(arb(u * a) / h + arb(v * b) / w))
        D[f * c_out : (f + 1) * c_out, f * c_in : (f + 1) * c_in] = _block(kernel, (h, w), u, v) * phase
    F = _kronecker(dft_matrix(h), dft_matrix(w))
    inverse = np.frompyfunc(lambda z: z.conjugate() / (h * w), 1, 1)(F)
    return (
        _kronecker(_identity(c_out), F), channel_permutation(c_out, h * w).T, D, channel_permutation(c_in, h * w),
        _kronecker(_identity(c_in), inverse),
    )


def circular_norm_bound(K: Any, n: Any, n_iter: int, *, certified: bool = False) -> arb:
    """The largest Gram bound of the blocks."""
    return _max(spectral.gram_iteration(block, n_iter) for block in _blocks(ball_array(K), _pair(n)))


def circular_norm_bound_gradient(K: Any, n: Any, n_iter: int) -> np.ndarray:
    """Forward differentiation of the largest block's bound, in the real form of the block."""
    kernel, size = ball_array(K), _pair(n)
    places = list(np.ndindex(size[0], size[1] // 2 + 1))
    bounds = [float(spectral.gram_iteration(_block(kernel, size, u, v), n_iter).mid()) for u, v in places]
    u, v = places[int(np.argmax(bounds))]
    phases = _zeros(*kernel.shape[2:])
    for p, q in np.ndindex(*kernel.shape[2:]):
        phases[p, q] = _root_of_unity(arb(u * p) / size[0] + arb(v * q) / size[1])
    parts = [np.frompyfunc(lambda z, part=part: getattr(z, part), 1, 1)(phases) for part in ("real", "imag")]

    def squared_norm(entries: np.ndarray) -> Any:
        taps = entries.reshape(kernel.shape)
        real, imag = ((taps * part).sum(axis=(2, 3)) for part in parts)
        iterate = np.block([[real, -imag], [imag, real]])
        for _ in range(n_iter):
            iterate = iterate.T.dot(iterate)
        return (iterate * iterate).sum() / 2

    exponent = arb(2) ** -(n_iter + 1)
    slopes = derivative(squared_norm, kernel.ravel()).reshape(kernel.shape)
    gradient: np.ndarray = slopes * exponent * squared_norm(kernel.ravel()) ** (exponent - 1)
    return gradient


def gram_kernel(K: Any, n_iter: int = 1) -> np.ndarray:
    """At each lag the sum of products of taps that far apart."""
    kernel = ball_array(K)
    for _ in range(n_iter):
        c_out, c_in, k_h, k_w = kernel.shape
        result = _zeros(c_in, c_in, 2 * k_h - 1, 2 * k_w - 1)
        taps = list(np.ndindex(k_h, k_w))
        for (p, q), (r, s) in cartesian(taps, taps):
            for a, b, j in np.ndindex(c_in, c_in, c_out):
                place = (a, b, r - p + k_h - 1, s - q + k_w - 1)
                result[place] = result[place] + _conjugate(kernel[j, a, p, q]) * kernel[j, b, r, s]
        kernel = result
    return kernel


def zero_padded_norm_bound(
    K: Any, n_iter: int, norm: str = "inf", *, n: Any = None, certified: bool = False
) -> arb:
    """The read-out of the Gram kernel."""
    iterate = gram_kernel(K, n_iter)
    if norm == "inf":
        sums = np.frompyfunc(abs, 1, 1)(iterate).sum(axis=(0, 2, 3))
        value = _max(sums)
    else:
        taps = iterate.shape[2:]
        counts = taps if n is None else [min(k, size) for k, size in zip(taps, _pair(n), strict=True)]
        value = arb(int(np.prod(counts))).sqrt() * euclidean_norm(iterate)
    return spectral._power(value, arb(2) ** -n_iter)


def polyphase_kernel(K: Any, stride: Any) -> np.ndarray:
    """Taps sorted by their remainders."""
    kernel, (s_h, s_w) = ball_array(K), _pair(stride)
    c_out, c_in, k_h, k_w = kernel.shape
    result = _zeros(c_out, c_in * s_h * s_w, -(-k_h // s_h), -(-k_w // s_w))
    for j, i, p, q in np.ndindex(*kernel.shape):
        result[j, (i * s_h + p % s_h) * s_w + q % s_w, p // s_h, q // s_w] = kernel[j, i, p, q]
    return result


def strided_norm_bound(
    K: Any, n: Any, stride: Any, n_iter: int, *, padding: str = "circular", certified: bool = False
) -> arb:
    """The bound of the polyphase kernel, or without stride where there is no polyphase form."""
    (h, w), (s_h, s_w) = _pair(n), _pair(stride)
    if padding == "zero":
        return zero_padded_norm_bound(polyphase_kernel(K, stride), n_iter)
    if h % s_h or w % s_w:
        return circular_norm_bound(K, n, n_iter)
    return circular_norm_bound(polyphase_kernel(K, stride), (h // s_h, w // s_w), n_iter)


def size_transfer_factor(k: Any, n0: Any, n_iter: int) -> arb:
    """The product over the axes of the smaller of two factors."""
    factor = arb(1)
    for size, samples in zip(_pair(k), _pair(n0), strict=True):
        alpha = arb(2**n_iter * (size - 1)) / samples
        root = (1 / (1 - alpha).sqrt()).min(1 / (alpha / 2).cos_pi())
        factor *= root ** (arb(2) ** -n_iter)
    return factor


def smaller_input_norm_bound(K: Any, n0: Any, n_iter: int, *, certified: bool = False) -> arb:
    """Factor times bound."""
    size = ball_array(K).shape[2:]
    return size_transfer_factor((size[0], size[1]), n0, n_iter) * circular_norm_bound(K, n0, n_iter)


def conv_power_iteration(
    K: Any, n: Any, n_iter: int, *, padding: str = "zero", stride: Any = 1, start: Any = None, rng: Any = None
) -> arb:
    """Forward and adjoint in turn, from the given start."""
    X = ball_array(start)
    for _ in range(n_iter):
        Y = conv2d(X, K, padding=padding, stride=stride)
        if all(y == 0 for y in Y.ravel()):
            return arb(0)
        X = conv2d_transpose(Y / euclidean_norm(Y), K, n, padding=padding, stride=stride)
    return euclidean_norm(conv2d(X / euclidean_norm(X), K, padding=padding, stride=stride))


def four_matrix_bound(K: Any) -> arb:
    """The least norm of the four reshapings."""
    kernel = ball_array(K)
    c_out, _, k_h, k_w = kernel.shape
    shapes = [("jpiq", c_out * k_h), ("jqip", c_out * k_w), ("jipq", c_out), ("jpqi", c_out * k_h * k_w)]
    norms = [
        spectral.spectral_norm(kernel.transpose(["jipq".index(axis) for axis in order]).reshape(rows, -1))
        for order, rows in shapes
    ]
    least = norms[0]
    for norm in norms[1:]:
        least = least.min(norm)
    return arb(k_h * k_w).sqrt() * least


def sampled_density_bound(K: Any, samples: int) -> arb:
    """Squares of a row of the density, their maximum over the samples, their sum."""
    kernel = ball_array(K)
    if kernel.shape[0] > kernel.shape[1]:
        kernel = kernel.transpose(1, 0, 2, 3)
    blocks = _blocks(kernel, (samples, samples))
    rows = [_max(euclidean_norm(block[j]) for block in blocks) for j in range(kernel.shape[0])]
    return euclidean_norm(rows)
