"""Lipschitz layers in balls: inverses and exponentials of python-flint, sums and powers as they are defined."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import acb, arb, arb_series

from proofs_check.balls import convolution, spectral
from proofs_check.balls._lift import adjoint, as_flint, ball_array, is_complex, product


def _identity(n: int) -> np.ndarray:
    return convolution._identity(n)


def _from_flint(matrix: Any) -> np.ndarray:
    out = np.empty((matrix.nrows(), matrix.ncols()), dtype=object)
    out.ravel()[:] = matrix.entries()
    return out


def _inverse(A: np.ndarray) -> np.ndarray:
    return _from_flint(as_flint(A).inv())


def spectral_normalization(W: Any, *, certified: bool = False) -> np.ndarray:
    """Every entry over the norm."""
    array = ball_array(W)
    normalized: np.ndarray = array / spectral.spectral_norm(array)
    return normalized


def spectral_rescaling(W: Any, n_iter: int, q: Any = None) -> np.ndarray:
    """Row sums of the Gram iterate, to a power."""
    array = ball_array(W)
    if array.ndim == 4:
        moduli = np.frompyfunc(abs, 1, 1)(convolution.gram_kernel(array, n_iter)).sum(axis=(2, 3))
    else:
        moduli = np.frompyfunc(abs, 1, 1)(spectral.gram_iterate(array, n_iter))
    n = len(moduli)
    weights = ball_array(np.ones(n) if q is None else q)
    R = np.empty(n, dtype=object)
    for i in range(n):
        total = sum((moduli[i, j] * weights[j] / weights[i] for j in range(n)), arb(0))
        R[i] = arb(0) if total == 0 else total ** -(arb(2) ** -n_iter)
    return R


def sll_rescaling(W: Any, q: Any = None) -> np.ndarray:
    """One Gram step."""
    return spectral_rescaling(W, 1, q)


def aol_rescaling(W: Any) -> np.ndarray:
    """One Gram step, equal weights."""
    return spectral_rescaling(W, 1)


def cayley(W: Any) -> np.ndarray:
    """Fraction of the skew part."""
    array = ball_array(W)
    A, identity = array - adjoint(array), _identity(len(array))
    return product(_inverse(identity - A), identity + A)


def cayley_rectangular(W: Any, V: Any) -> tuple[np.ndarray, np.ndarray]:
    """The two blocks as they are printed."""
    square, free = ball_array(W), ball_array(V)
    Z, identity = square - adjoint(square) + product(adjoint(free), free), _identity(len(square))
    inverse = _inverse(identity + Z)
    return product(inverse, identity - Z), product(free, inverse) * -2


def skew_exponential(W: Any, terms: int | None = None) -> np.ndarray:
    """The exponential of python-flint, or a partial sum."""
    array = ball_array(W)
    A = array - adjoint(array)
    if terms is None:
        return _from_flint(as_flint(A).exp())
    total = term = _identity(len(A))
    for k in range(1, terms):
        term = product(term, A) / arb(k)
        total = total + term
    return total


def bjorck(W: Any, n_iter: int) -> np.ndarray:
    """The cubic map, step by step."""
    array = ball_array(W)
    for _ in range(n_iter):
        array = array * arb(1.5) - product(array, product(adjoint(array), array)) / 2
    return array


def _polar(A: np.ndarray) -> np.ndarray:
    """(A A*)^(-1/2) A for one or two rows (or columns) of real numbers."""
    if A.shape[0] > A.shape[1]:
        return _polar(A.T).T
    S = product(A, adjoint(A))
    if len(S) == 1:
        return A / S[0, 0].sqrt()
    if len(S) != 2:
        raise NotImplementedError("the polar factor in balls is for one or two rows or columns")
    root = (S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0]).sqrt()
    return product(_inverse((S + _identity(2) * root) / (S[0, 0] + S[1, 1] + 2 * root).sqrt()), A)


def reshaped_kernel_orthogonalization(K: Any) -> np.ndarray:
    """The polar factor of the reshaped kernel."""
    kernel = ball_array(K)
    polar = _polar(kernel.reshape(len(kernel), -1)).reshape(kernel.shape)
    scaled: np.ndarray = polar / arb(kernel[0, 0].size).sqrt()
    return scaled


def _by_frequency(K: Any, n: Any, transform: Any) -> np.ndarray:
    kernel, (h, w) = ball_array(K), convolution._pair(n)
    blocks = convolution.frequency_blocks(kernel, (h, w))
    full = np.empty((*kernel.shape[:2], h, w), dtype=object)
    changed = {place: transform(blocks[place]) for place in np.ndindex(h, w)}
    for p, q in np.ndindex(h, w):
        total = sum((changed[u, v] * convolution._root_of_unity(-(arb(u * p) / h + arb(v * q) / w))
                     for u, v in np.ndindex(h, w)), np.zeros(kernel.shape[:2], dtype=int)) / arb(h * w)
        full[:, :, p, q] = total if is_complex(kernel) else np.frompyfunc(lambda z: acb(z).real, 1, 1)(total)
    return full


def cayley_convolution(K: Any, n: Any) -> np.ndarray:
    """Each block by the Cayley transform."""
    return _by_frequency(K, n, cayley)


def skew_orthogonal_convolution(K: Any, n: Any, terms: int | None = None) -> np.ndarray:
    """Each block by the exponential."""
    return _by_frequency(K, n, lambda D: skew_exponential(D, terms))


def _projector(U: Any, c: int) -> np.ndarray:
    """On the span of the columns, at most one of them not zero."""
    columns = [u for u in ball_array(U).T if not all(v == 0 for v in u)]
    if len(columns) > 1:
        raise NotImplementedError("projectors in balls are for one column")
    if not columns:
        return _identity(c) * 0
    u = columns[0].reshape(-1, 1)
    return product(u, adjoint(u)) / product(adjoint(u), u)[0, 0]


def block_orthogonal_convolution(H: Any, directions: Any) -> np.ndarray:
    """Composition of kernels of two taps."""
    kernel = ball_array(H)[:, :, None, None]
    c = len(kernel)
    for wide, high in directions:
        for U, axis in ((wide, 3), (high, 2)):
            P = _projector(U, c)
            grown = [size + (i == axis) for i, size in enumerate(kernel.shape)]
            result = convolution._zeros(*grown)
            for tap, factor in enumerate((P, _identity(c) - P)):
                for p, q in np.ndindex(*kernel.shape[2:]):
                    place = (p + tap * (axis == 2), q + tap * (axis == 3))
                    result[:, :, *place] = result[:, :, *place] + product(kernel[:, :, p, q], factor)
            kernel = result
    return kernel


def activation(x: Any, name: str, *, slope: float = 0.01) -> np.ndarray:
    """The definitions, a number at a time."""
    zero = arb(0)
    functions = {
        "relu": lambda v: v.max(zero), "leaky_relu": lambda v: v.max(zero) + arb(slope) * v.min(zero),
        "tanh": lambda v: v.tanh(), "sigmoid": lambda v: 1 / (1 + (-v).exp()),
        "gelu": lambda v: v * (1 + (v / arb(2).sqrt()).erf()) / 2, "softplus": lambda v: (1 + v.exp()).log(),
        "silu": lambda v: v / (1 + (-v).exp()), "abs": abs, "identity": lambda v: v,
    }
    values = ball_array(x)
    out = np.empty(values.shape, dtype=object)
    out.ravel()[:] = [functions[name](v) for v in values.ravel()]
    return out


def activation_derivative(x: Any, name: str, *, slope: float = 0.01) -> np.ndarray:
    """The second term of a power series; at a kink the slope from the left."""
    kinked = {"relu": arb(0), "leaky_relu": arb(slope), "abs": arb(-1)}
    smooth = {
        "tanh": lambda v: 1 - 2 / ((2 * v).exp() + 1), "sigmoid": lambda v: 1 / (1 + (-v).exp()),
        "gelu": lambda v: v * (1 + (v / arb(2).sqrt()).erf()) / 2, "softplus": lambda v: (1 + v.exp()).log(),
        "silu": lambda v: v / (1 + (-v).exp()), "identity": lambda v: v,
    }

    def one(v: arb) -> arb:
        if name not in kinked:
            return smooth[name](arb_series([v, 1], prec=2))[1]
        low = kinked[name]
        return arb(1) if v > 0 else low if v <= 0 else low.union(arb(1))

    values = ball_array(x)
    out = np.empty(values.shape, dtype=object)
    out.ravel()[:] = [one(v) for v in values.ravel()]
    return out


def activation_lipschitz(name: str, *, slope: float = 0.01) -> arb:
    """The largest slope: known, or at a zero of the second derivative."""
    if name == "leaky_relu":
        return arb(1).max(abs(arb(slope)))
    if name == "gelu":  # (2 - x^2) phi(x) = 0
        return (1 + arb(1).erf()) / 2 + arb(-1).exp() / arb.pi().sqrt()
    if name == "silu":  # x/2 tanh(x/2) = 1, where the slope is 1/2 + x/4
        return arb(0.5) + _root_of_silu() / 4
    return arb(0.25) if name == "sigmoid" else arb(1)


def _root_of_silu() -> arb:
    low, high = arb(2), arb(3)
    for _ in range(400):
        middle = ((low + high) / 2).mid()
        sign = middle / 2 * (middle / 2).tanh() - 1
        if sign < 0:
            low = middle
        elif sign > 0:
            high = middle
        else:
            break
    return low.union(high)


def _residual(x: Any, W: np.ndarray, b: Any, square: Any, name: str) -> np.ndarray:
    hidden = product(W.T, ball_array(x).reshape(-1, 1)).ravel()
    hidden = hidden if b is None else hidden + ball_array(b)
    return ball_array(x) - product(W, (square * activation(hidden, name)).reshape(-1, 1)).ravel() * 2


def convex_potential_layer(x: Any, W: Any, b: Any = None, *, name: str = "relu") -> np.ndarray:
    """With one over the squared norm."""
    array = ball_array(W)
    norm = spectral.spectral_norm(array)
    return _residual(x, array, b, 1 / (norm * norm), name)


def sll_layer(x: Any, W: Any, b: Any = None, *, q: Any = None, n_iter: int = 1, name: str = "relu") -> np.ndarray:
    """With the squared rescaling."""
    array = ball_array(W)
    R = spectral_rescaling(array, n_iter, q)
    return _residual(x, array, b, R * R, name)


def sandwich_layer(x: Any, W: Any, V: Any, q: Any, b: Any = None, *, name: str = "relu") -> np.ndarray:
    """Down, activation, up."""
    upper, lower = cayley_rectangular(W, V)
    psi = np.array([arb(v).exp() for v in ball_array(q)], dtype=object)
    hidden = product(adjoint(lower), ball_array(x).reshape(-1, 1)).ravel() * arb(2).sqrt() / psi
    hidden = hidden if b is None else hidden + ball_array(b)
    out = product(upper, (psi * activation(hidden, name)).reshape(-1, 1)).ravel() * arb(2).sqrt()
    return out


def residual_linear_block(Q: Any) -> np.ndarray:
    """Identity plus matrix, over its norm."""
    array = ball_array(Q)
    return spectral_normalization(array + _identity(len(array)))
