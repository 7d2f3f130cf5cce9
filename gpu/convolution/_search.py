"""The largest norm or bound among the blocks of a convolution, without the full work for each block.

A few steps of power iteration on all blocks tell which are likely to be the largest; those are decided first. Then
Cholesky's factorization shows for the others, far cheaper than their singular values, that they are below. Where it
fails the block is decided like the first ones, so that nothing depends on the guess but the time. On large images that
is done for the centres of cells first, and cells that lie below as a whole are not looked at.
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
from gpu.convolution._cells import cells_for
from gpu.spectral._certified import definite, eigenvalues_below
from gpu.spectral._norms import largest_singular_values

# Arrays of the size of a block that are alive at once: Gram matrices, what is subtracted from them, factors, copies.
COPIES = 8
# Blocks that are decided before the others, steps of power iteration on all, and on a few.
FIRST, STEPS, MORE_STEPS = 4, 6, 30
# From so many Gram steps on a factorization of every block is cheaper than the steps that it spares.
MANY_STEPS = 4
# Sums over lags may cancel: their size in units of the square of the norm that still leaves the digits.
CANCELS = 1e3


def over_chunks(spectrum: Spectrum, index: Any, memory_limit: int | None, visit: Callable[[Any], None]) -> None:
    """Visit these frequencies, as many at a time as fit into the memory."""
    each = COPIES * spectrum.shape[0] * spectrum.shape[1] * (8 if roundoff() > 2.0**-53 else 16)
    size = chunk_size(spectrum.xp, spectrum.count, each, memory_limit, "memory_limit")
    with memory_of_chunks(spectrum.xp, size, each):
        for start in range(0, index.size, size):
            visit(index[start : start + size])


def over_cells(
    spectrum: Spectrum, memory_limit: int | None, norms: Callable[[Array], Array], look: Callable[[Any, float], Any]
) -> None:
    """Look at the centres of cells, then at all frequencies in those cells that are left; at all, where that is less.

    ``look(index, floor)`` decides on the largest norm so far and returns the frequencies of which it is not shown that
    their norm is below `floor` times that. `norms` are those of blocks, to choose the cells by.
    """

    def joined(index: Any, of: Callable[[Any], Any]) -> Any:
        found: list[Any] = []
        over_chunks(spectrum, index, memory_limit, lambda part: found.append(of(part)))
        return np.concatenate(found)

    cells = cells_for(spectrum, lambda index: joined(index, lambda part: to_host(norms(spectrum.blocks(part)))))
    left = spectrum.all
    if cells is not None:
        left = cells.inside(joined(cells.centres, lambda part: look(part, cells.floor)))
    over_chunks(spectrum, left, memory_limit, lambda part: look(part, 1.0))


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
    reached = float(spectrum.xp.max(largest_singular_values(spectrum.xp, spectrum.blocks(some))))
    return spectrum.size_of_lags <= CANCELS * reached**2


def likely(xp: Namespace, G: Array, rough: Array, above: float) -> Any:
    """Indices of some blocks that seem to have the largest eigenvalues, if they seem to be above so much already."""
    few = np.argsort(-to_host(rough))[: 8 * FIRST]
    closer = to_host(_power(xp, xp.take(G, from_host(xp, few, G), axis=0), MORE_STEPS))
    order = np.argsort(-closer)[:FIRST]
    return few[order[closer[order] > above]]


def _power(xp: Namespace, G: Array, steps: int = STEPS) -> Array:
    """Rayleigh quotients after some steps: never above the largest eigenvalue but for rounding."""
    start = np.random.default_rng(0).standard_normal((1, G.shape[-1], 2)) @ [1, 1j]
    v = xp.broadcast_to(xp.astype(from_host(xp, start, G), G.dtype)[..., None], (*G.shape[:-1], 1))
    size = xp.ones((G.shape[0], 1, 1), dtype=xp.real(G).dtype)
    for _ in range(steps):
        w = matmul(G, v)
        size = frobenius(xp, w)[:, None, None]
        v = w / xp.where(size > 0, size, xp.ones_like(size))
    return size[:, 0, 0]


def not_below(xp: Namespace, G: Array, rough: Array, square: float, shown: Callable[[Array], Any] | None = None) -> Any:
    """Indices of the Gram matrices of which it is not shown that no eigenvalue is above the square.

    `rough` are numbers that the largest eigenvalues are not below. `shown` tells of which matrices it is shown: by a
    factorization, if nothing else is said.
    """
    if shown is None:
        eye = xp.eye(G.shape[-1], dtype=G.dtype, device=array_api_compat.device(G)) * square

        def shown(part: Array) -> Any:
            return definite(xp, eye - part)

    left = to_host(frobenius(xp, G)) > square
    tried = np.flatnonzero(left & (to_host(rough) <= square))
    if tried.size:
        left[tried] = ~shown(_taken(xp, G, tried))
    return np.flatnonzero(left)


def _taken(xp: Namespace, G: Array, index: Any) -> Array:
    return G if index.size == G.shape[0] else xp.take(G, from_host(xp, index, G), axis=0)


def largest_norm(spectrum: Spectrum, memory_limit: int | None = None, *, by: str = "auto") -> tuple[float, float]:
    """The largest singular value of all blocks, and by how much another one could be above it for all we know."""
    xp = spectrum.xp
    if by == "auto":
        by = "cholesky" if worth_it(spectrum) and not on_device(xp) else "values"
    norm, room = 0.0, 1 + 16 * spectrum.shape[1] * roundoff()

    def look(index: Any, floor: float) -> Any:
        nonlocal norm
        if by == "values":
            values = to_host(largest_singular_values(xp, spectrum.blocks(index)))
            norm = max(norm, float(values.max()))
            return index[values > floor * norm]
        G = spectrum.grams(index)
        rough = _power(xp, G)
        norm = max(norm, _decided(spectrum, index[likely(xp, G, rough, norm**2)]))
        left = index[not_below(xp, G, rough, (floor * norm) ** 2 * room)]
        if floor == 1:
            norm = max(norm, _decided(spectrum, left))
        return left

    over_cells(spectrum, memory_limit, lambda D: largest_singular_values(xp, D), look)
    return norm, norm * (room - 1) if by == "cholesky" else 0.0


def certified_square(spectrum: Spectrum, gram_error: float, memory_limit: int | None = None) -> float | None:
    """A bound on the square of the norm that rounding cannot break, next to it; None where no proof is found."""
    xp, side = spectrum.xp, spectrum.shape[1]
    norm, bound, proved = 0.0, 0.0, True

    def look(index: Any, floor: float) -> Any:
        nonlocal norm, bound, proved
        G = spectrum.grams(index)
        rough = _power(xp, G)
        norm = max(norm, _decided(spectrum, index[likely(xp, G, rough, norm**2)]))
        if floor < 1:
            # The cells that are not left are below this bound, if the other centres are too: they are looked at again.
            bound = max(bound, norm**2)
            most = (floor * norm) ** 2

            def shown(part: Array) -> Any:
                below = most * (1 - 8 * side**2 * roundoff()) - 2 * gram_error
                return eigenvalues_below(xp, part, below, gram_error) <= most

            return index[not_below(xp, G, rough, most, shown)]
        room = 16 * side * roundoff()
        while proved:
            above = eigenvalues_below(xp, G, norm**2 * (1 + room), gram_error)
            open_ones = np.isinf(above)
            if not open_ones.any():
                bound = max(bound, float(above.max()))
                break
            # These are larger than those that seemed the largest, or rounding is in the way.
            norm = max(norm, _decided(spectrum, index[open_ones]))
            room, proved = 4 * room, room < 1
        return index

    over_cells(spectrum, memory_limit, lambda D: largest_singular_values(xp, D), look)
    return bound if proved else None


def _decided(spectrum: Spectrum, index: Any) -> float:
    if index.size == 0:
        return 0.0
    return float(spectrum.xp.max(largest_singular_values(spectrum.xp, spectrum.blocks(index))))


def largest_gram_bound(spectrum: Spectrum, n_iter: int, memory_limit: int | None = None, *, by: str = "auto") -> float:
    """The largest bound by Gram iteration of all blocks."""
    xp = spectrum.xp
    if n_iter < 2:
        by = "every"
    elif by == "auto":
        by = "cholesky" if n_iter >= MANY_STEPS and not on_device(xp) else "pruned"
        by = by if worth_it(spectrum) else "every"
    elif by != "every" and not sound(spectrum):
        by = "every"
    best = 0.0

    def visit(index: Any) -> None:
        nonlocal best
        best = max(best, float(xp.max(gram_bounds(xp, spectrum.blocks(index), n_iter))))

    def look(index: Any, floor: float) -> Any:
        nonlocal best
        G = spectrum.grams(index)
        rough = _power(xp, G)
        first = likely(xp, G, rough, best**2 / 2)
        if first.size:
            best = max(best, float(_bounds_above(xp, _taken(xp, G, first), n_iter, 0.0)[1].max()))
        left = np.arange(index.size)
        if by == "cholesky":
            left = not_below(xp, G, rough, _harmless(xp, G, n_iter, floor * best))
        if left.size:
            above, bounds = _bounds_above(xp, _taken(xp, G, left), n_iter, floor * best)
            best = max(best, float(bounds.max(initial=0.0)))
            left = left[above][bounds > floor * best]
        return index[left]

    if by == "every":
        over_chunks(spectrum, spectrum.all, memory_limit, visit)
    else:
        over_cells(spectrum, memory_limit, lambda D: gram_bounds(xp, D, n_iter), look)
    return best


def _harmless(xp: Namespace, G: Array, n_iter: int, best: float) -> float:
    """A square such that no Gram matrix with eigenvalues up to it has a bound above the best.

    With the eigenvalues x of G the bound to the power ``p = 2^(n+1)`` is the sum of ``x^(p/2)``, which is at most the
    largest x to the power ``p/2 - 2`` times the sum of the squares.
    """
    half = 2.0**n_iter
    frobenius_ratio = float(xp.max(frobenius(xp, G))) / best**2
    return best**2 * frobenius_ratio ** (-2 / (half - 2)) if half > 2 else 0.0


def _bounds_above(xp: Namespace, G: Array, n_iter: int, floor: float) -> tuple[Any, Any]:
    """Which matrices have bounds above the floor, and these; as bounds only fall, others are dropped on the way."""
    which, bounds, h = np.arange(G.shape[0]), xp.ones((G.shape[0],), dtype=xp.real(G).dtype), 0.5
    for step in range(n_iter):
        size = frobenius(xp, G)
        so_far = bounds * size**h
        left = np.flatnonzero(to_host(so_far) > floor)
        if left.size < G.shape[0]:
            index = from_host(xp, left, G)
            G, size, so_far = (xp.take(a, index, axis=0) for a in (G, size, so_far))
            which = which[left]
        if left.size == 0 or step == n_iter - 1:
            break
        G = G / size[:, None, None]
        G, bounds, h = matmul(adjoint(xp, G), G), so_far, h / 2
    return which, to_host(so_far)


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
