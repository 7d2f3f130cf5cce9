"""Convolution kernels with short dyadic taps, and images and sizes that go with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check.strategies._matrices import Array, dyadics, vectors

Size = tuple[int, int]

# Heights of 1 are one-dimensional convolutions: cheap, and where counterexamples are smallest.
SIZES: tuple[Size, ...] = ((1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3))


def _filled(shape: tuple[int, ...], entries: SearchStrategy[Any]) -> SearchStrategy[Array]:
    count = int(np.prod(shape))
    return st.lists(entries, min_size=count, max_size=count).map(lambda values: np.array(values).reshape(shape))


def kernels(
    max_channels: int = 2, sizes: tuple[Size, ...] = SIZES, *, complex_entries: bool = False
) -> SearchStrategy[Array]:
    """Kernels (c_out, c_in, k_h, k_w): generic, of signs, without negative taps, single taps, separable."""
    channels = st.integers(1, max_channels)
    shapes = st.tuples(channels, channels, st.sampled_from(sizes)).map(lambda s: (s[0], s[1], *s[2]))
    kinds: list[SearchStrategy[Any]] = [
        dyadics(), st.sampled_from([1.0, -1.0]), st.integers(0, 3).map(float),
        st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0]),
    ]
    if complex_entries:
        kinds.append(st.builds(complex, st.integers(-2, 2), st.integers(-2, 2)))
    plain = shapes.flatmap(lambda shape: st.one_of(*[_filled(shape, kind) for kind in kinds]))
    return st.one_of(plain, separable_kernels(max_channels, sizes))


def separable_kernels(max_channels: int = 2, sizes: tuple[Size, ...] = SIZES) -> SearchStrategy[Array]:
    """Outer products of four vectors: the norm is the product of simpler norms."""
    def build(shape: tuple[int, int, Size]) -> SearchStrategy[Array]:
        lengths = (shape[0], shape[1], *shape[2])
        small = [vectors(length, st.integers(-2, 2).map(float)) for length in lengths]
        return st.tuples(*small).map(lambda parts: np.einsum("j,i,p,q->jipq", *parts))

    channels = st.integers(1, max_channels)
    return st.tuples(channels, channels, st.sampled_from(sizes)).flatmap(build)


def complementary_kernels(max_doublings: int = 3) -> SearchStrategy[Array]:
    """Two output channels of signs whose autocorrelations cancel at every lag but 0 (Golay pairs), times an integer."""
    def build(data: tuple[list[tuple[bool, bool]], int]) -> Array:
        flips, scale = data
        a = b = np.ones(1)
        for swap, negate in flips:
            a, b = np.concatenate([a, b]), np.concatenate([a, -b])
            a, b = (b, a) if swap else (a, b)
            a = -a if negate else a
        return np.stack([a, b])[:, None, None, :] * scale

    flips = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=max_doublings)
    return st.tuples(flips, st.integers(1, 2)).map(build)


def orthogonal_kernels() -> SearchStrategy[Array]:
    """Kernels whose circular convolution at the kernel's own size is a multiple of an orthogonal map."""
    lines = [[1.0], [0.0, 1.0], [2.0, -1.0, 2.0], [-1.0, 2.0, 2.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0, -1.0]]
    line = st.builds(lambda taps, sign: np.array(taps) * sign, st.sampled_from(lines), st.sampled_from([1, -1, 2]))
    flat = line.map(lambda taps: taps[None, None, None, :])
    short = line.filter(lambda taps: taps.size <= 3)
    return flat | st.builds(lambda a, b: np.outer(a, b)[None, None], short, short)


def image_sizes(K: Array, low: int = 1, high: int = 4) -> SearchStrategy[Size]:
    """Sizes of images for a kernel: of height 1 where the kernel has height 1."""
    heights = st.just(1) if np.shape(K)[2] == 1 else st.integers(low, high)
    return st.tuples(heights, st.integers(low, high))


def convolutions(
    kernel: SearchStrategy[Array], *, low: int = 1, high: int = 4, **rest: SearchStrategy[Any]
) -> SearchStrategy[dict[str, Any]]:
    """Cases of a kernel ``K`` and an image size ``n``, with further arguments."""
    return kernel.flatmap(
        lambda K: st.fixed_dictionaries({"K": st.just(K), "n": image_sizes(K, low, high), **rest})
    )


def images(channels: int, size: Size) -> SearchStrategy[Array]:
    """Images (channels, h, w) of short dyadic pixels."""
    return _filled((channels, *size), dyadics())


def unit_arrays(*shape: int) -> list[Array]:
    """All arrays of the shape with a single 1: a multilinear identity holds if it holds for these."""
    count = int(np.prod(shape))
    return [row.reshape(shape) for row in np.eye(count)]
