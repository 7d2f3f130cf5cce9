"""The largest norm or bound among the blocks of a convolution, without the full work for each block.

A few steps of power iteration on all blocks tell which are likely to be the largest; those are decided first. Then
Cholesky's factorization shows for the others, far cheaper than their singular values, that they are below. Where it
fails the block is decided like the first ones, so that nothing depends on the guess but the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat
import numpy as np

from gpu._namespace import (
    Array,
    Namespace,
    adjoint,
    chunk_size,
    frobenius,
    from_host,
    matmul,
    memory_of_chunks,
    on_device,
    quiet,
    roundoff,
    to_host,
)
from gpu.convolution._blocks import Spectrum
from gpu.spectral._certified import cholesky, eigenvalues_below
from gpu.spectral._norms import largest_singular_values

# Arrays of the size of a block that are alive at once: Gram matrices, what is subtracted from them, factors, copies.
COPIES = 8
# Blocks that are decided before the others, steps of power iteration on all, and on a few.
FIRST, STEPS, MORE_STEPS = 4, 6, 30
# From so many Gram steps on a factorization of every block is cheaper than the steps that it spares.
MANY_STEPS = 7
# Sums over lags may cancel: their size in units of the square of the norm that still leaves the digits.
CANCELS = 1e3


def over_chunks(spectrum: Spectrum, memory_limit: int | None, visit: Callable[[int, int], None]) -> None:
    """Visit ranges of frequencies that fit into the memory, one after another."""
    each = COPIES * spectrum.shape[0] * spectrum.shape[1] * (8 if roundoff() > 2.0**-53 else 16)
    size = chunk_size(spectrum.xp, spectrum.count, each, memory_limit, "memory_limit")
    with memory_of_chunks(spectrum.xp, size, each):
        for start in range(0, spectrum.count, size):
            visit(start, min(start + size, spectrum.count))


def worth_it(spectrum: Spectrum) -> bool:
    """Whether there are enough blocks that are large enough, and Gram matrices keep the digits of the norm."""
    if spectrum.count <= 16 * FIRST or spectrum.shape[1] < 4:
        return False
    return sound(spectrum)


def sound(spectrum: Spectrum) -> bool:
    """Whether the sums over lags do not cancel so far that the norm loses digits."""
    if not spectrum.by_lags:
        return True
    some = np.unique(np.linspace(0, spectrum.count - 1, FIRST).astype(int))
    reached = float(spectrum.xp.max(largest_singular_values(spectrum.xp, spectrum.chosen(some))))
    return spectrum.size_of_lags <= CANCELS * reached**2


def likely(xp: Namespace, G: Array, above: float) -> Any:
    """Indices of some blocks that seem to have the largest eigenvalues, if they seem to be above so much already."""
    few = np.argsort(-to_host(_power(xp, G, STEPS)))[: 8 * FIRST]
    closer = to_host(_power(xp, xp.take(G, from_host(xp, few, G), axis=0), MORE_STEPS))
    order = np.argsort(-closer)[:FIRST]
    return few[order[closer[order] > above]]


def _power(xp: Namespace, G: Array, steps: int) -> Array:
    """Rayleigh quotients after some steps: never above the largest eigenvalue but for rounding."""
    start = np.random.default_rng(0).standard_normal((1, G.shape[-1], 2)) @ [1, 1j]
    v = xp.broadcast_to(xp.astype(from_host(xp, start, G), G.dtype)[..., None], (*G.shape[:-1], 1))
    size = xp.ones((G.shape[0], 1, 1), dtype=xp.real(G).dtype)
    for _ in range(steps):
        w = matmul(G, v)
        size = frobenius(xp, w)[:, None, None]
        v = w / xp.where(size > 0, size, xp.ones_like(size))
    return size[:, 0, 0]


def not_below(xp: Namespace, G: Array, square: float) -> Any:
    """Indices of the Gram matrices of which it is not shown that no eigenvalue is above the square."""
    parts = [np.flatnonzero(to_host(frobenius(xp, G)) > square)]
    found: list[int] = []
    eye = xp.eye(G.shape[-1], dtype=G.dtype, device=array_api_compat.device(G)) * square
    # A list and no recursion, whose frames would keep arrays alive.
    while parts:
        index = parts.pop()
        if index.size == 0 or _factorizes(xp, eye, G, index):
            continue
        if index.size == 1:
            found.append(int(index[0]))
        else:
            parts += [index[index.size // 2 :], index[: index.size // 2]]
    return np.array(found, dtype=int)


def _factorizes(xp: Namespace, eye: Array, G: Array, index: Any) -> bool:
    part = G if index.size == G.shape[0] else xp.take(G, from_host(xp, index, G), axis=0)
    return cholesky(xp, eye - part) is not None


def largest_norm(spectrum: Spectrum, memory_limit: int | None = None, *, by: str = "auto") -> tuple[float, float]:
    """The largest singular value of all blocks, and by how much another one could be above it for all we know."""
    xp = spectrum.xp
    if by == "auto":
        by = "cholesky" if worth_it(spectrum) and not on_device(xp) else "values"
    norm, room = 0.0, 1 + 16 * spectrum.shape[1] * roundoff()

    def visit(start: int, stop: int) -> None:
        nonlocal norm
        if by == "values":
            norm = max(norm, float(xp.max(largest_singular_values(xp, spectrum.blocks(start, stop)))))
            return
        G = spectrum.grams(start, stop)
        norm = max(norm, _decided(spectrum, start + likely(xp, G, norm**2)))
        norm = max(norm, _decided(spectrum, start + not_below(xp, G, norm**2 * room)))

    over_chunks(spectrum, memory_limit, visit)
    return norm, norm * (room - 1) if by == "cholesky" else 0.0


def certified_square(spectrum: Spectrum, gram_error: float, memory_limit: int | None = None) -> float | None:
    """A bound on the square of the norm that rounding cannot break, next to it; None where no proof is found."""
    xp = spectrum.xp
    norm, bound, proved = 0.0, 0.0, True

    def visit(start: int, stop: int) -> None:
        nonlocal norm, bound, proved
        G = spectrum.grams(start, stop)
        norm = max(norm, _decided(spectrum, start + likely(xp, G, norm**2)))
        room, above = 16 * spectrum.shape[1] * roundoff(), None
        while proved and above is None:
            above = eigenvalues_below(xp, G, norm**2 * (1 + room), gram_error)
            if above is None:
                # Others are larger than those that seemed the largest, or rounding is in the way.
                norm = max(norm, _decided(spectrum, start + not_below(xp, G, norm**2 * (1 + room))))
                room, proved = 4 * room, room < 1
        if above is not None:
            bound = max(bound, float(xp.max(above)))

    over_chunks(spectrum, memory_limit, visit)
    return bound if proved else None


def _decided(spectrum: Spectrum, index: Any) -> float:
    if index.size == 0:
        return 0.0
    return float(spectrum.xp.max(largest_singular_values(spectrum.xp, spectrum.chosen(index))))


def largest_gram_bound(spectrum: Spectrum, n_iter: int, memory_limit: int | None = None, *, by: str = "auto") -> float:
    """The largest bound by Gram iteration of all blocks."""
    xp = spectrum.xp
    if by == "auto":
        by = "cholesky" if n_iter >= MANY_STEPS and not on_device(xp) else "pruned"
        by = by if worth_it(spectrum) else "every"
    if n_iter < 2 or (by != "every" and not sound(spectrum)):
        by = "every"
    best = 0.0

    def visit(start: int, stop: int) -> None:
        nonlocal best
        if by == "every":
            best = max(best, float(xp.max(gram_bounds(xp, spectrum.blocks(start, stop), n_iter))))
            return
        G = spectrum.grams(start, stop)
        first = likely(xp, G, best**2 / 2)
        if first.size:
            best = max(best, _bound_from_gram(xp, xp.take(G, from_host(xp, first, G), axis=0), n_iter, best))
        if by == "cholesky":
            left = not_below(xp, G, _harmless(xp, G, n_iter, best))
            if left.size == 0:
                return
            G = xp.take(G, from_host(xp, left, G), axis=0)
        best = max(best, _bound_from_gram(xp, G, n_iter, best))

    over_chunks(spectrum, memory_limit, visit)
    return best


def _harmless(xp: Namespace, G: Array, n_iter: int, best: float) -> float:
    """A square such that no Gram matrix with eigenvalues up to it has a bound above the best.

    With the eigenvalues x of G the bound to the power ``p = 2^(n+1)`` is the sum of ``x^(p/2)``, which is at most the
    largest x to the power ``p/2 - 2`` times the sum of the squares.
    """
    half = 2.0**n_iter
    frobenius_ratio = float(xp.max(frobenius(xp, G))) / best**2
    return best**2 * frobenius_ratio ** (-2 / (half - 2)) if half > 2 else 0.0


def _bound_from_gram(xp: Namespace, G: Array, n_iter: int, best: float) -> float:
    """The largest bound of the matrices; those whose bound, which only falls, is not above the best are dropped."""
    bounds, h = xp.ones((G.shape[0],), dtype=xp.real(G).dtype), 0.5
    for step in range(n_iter):
        size = frobenius(xp, G)
        so_far = bounds * size**h
        left = np.flatnonzero(to_host(so_far) > best)
        if left.size == 0:
            return best
        if left.size < G.shape[0]:
            index = from_host(xp, left, G)
            G, bounds, size = (xp.take(a, index, axis=0) for a in (G, bounds, size))
        if step == n_iter - 1:
            return float(xp.max(bounds * size**h))
        G = G / size[:, None, None]
        G, bounds, h = matmul(adjoint(xp, G), G), bounds * size**h, h / 2
    return best


def gram_bounds(xp: Namespace, D: Array, n_iter: int) -> Array:
    """Gram iteration with rescaling for each block by itself; a zero block keeps the bound 0."""
    # Blocks in which taps cancel may be so small that their squares underflow.
    bounds, h = xp.max(xp.abs(D), axis=(-2, -1)), 1.0
    D = D / xp.where(bounds > 0, bounds, xp.ones_like(bounds))[..., None, None]
    with quiet():
        for _ in range(n_iter):
            size = frobenius(xp, D)
            size = xp.where(size > 0, size, xp.ones_like(size))
            D = D / size[..., None, None]
            D = matmul(adjoint(xp, D), D)
            bounds, h = bounds * size**h, h / 2
    return bounds * frobenius(xp, D) ** h
