"""Convolution kernels with short dyadic taps, and images and sizes that go with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check.strategies._matrices import Array, dyadics, gaussian_integers, vectors

Size = tuple[int, int]

# Heights of 1 are one-dimensional convolutions: cheap, and where counterexamples are smallest.
SIZES: tuple[Size, ...] = ((1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3))


def _filled(shape: tuple[int, ...], entries: SearchStrategy[Any]) -> SearchStrategy[Array]:
    count = int(np.prod(shape))
    return st.lists(entries, min_size=count, max_size=count).map(lambda values: np.array(values).reshape(shape))


def kernels(
    max_channels: int = 2, sizes: tuple[Size, ...] = SIZES, *, complex_entries: bool = False
) -> SearchStrategy[Array]:
    """Convolution kernels (c_out, c_in, k_h, k_w) of every kind.

    Generic taps, signs only, no negative taps (the norm is a sum then), a single tap (a shift), sums of 0 (no response
    to constants), zero, separable; heights of 1 are one-dimensional convolutions.

    Parameters
    ----------
    max_channels : int
        Largest number of channels, in and out.
    sizes : tuple of (int, int)
        Kernel sizes to choose from.
    complex_entries : bool
        Whether complex taps are drawn too.

    Returns
    -------
    strategy
        Of arrays (c_out, c_in, k_h, k_w).

    Examples
    --------
    >>> from hypothesis import find
    >>> find(kernels(1), lambda K: K.any() and K.sum() == 0).tolist()
    [[[[1.0, -1.0]]]]
    """
    channels = st.integers(1, max_channels)
    shapes = st.tuples(channels, channels, st.sampled_from(sizes)).map(lambda s: (s[0], s[1], *s[2]))
    kinds: list[SearchStrategy[Any]] = [
        dyadics(), st.sampled_from([1.0, -1.0]), st.integers(0, 3).map(float),
        st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0]),
    ]
    if complex_entries:
        kinds.append(gaussian_integers())
    plain = shapes.flatmap(lambda shape: st.one_of(*[_filled(shape, kind) for kind in kinds]))
    return st.one_of(plain, separable_kernels(max_channels, sizes))


def separable_kernels(max_channels: int = 2, sizes: tuple[Size, ...] = SIZES) -> SearchStrategy[Array]:
    """Outer products of four vectors: the norm is a product of simpler norms.

    Rank one in every unfolding: reshaped kernels and frequency blocks of rank one.

    Parameters
    ----------
    max_channels : int
        Largest number of channels, in and out.
    sizes : tuple of (int, int)
        Kernel sizes to choose from.

    Returns
    -------
    strategy
        Of arrays (c_out, c_in, k_h, k_w).

    Examples
    --------
    >>> from hypothesis import find
    >>> find(separable_kernels(), lambda K: K.sum() >= 2).shape
    (1, 1, 1, 1)
    """
    def build(shape: tuple[int, int, Size]) -> SearchStrategy[Array]:
        lengths = (shape[0], shape[1], *shape[2])
        small = [vectors(length, st.integers(-2, 2).map(float)) for length in lengths]
        return st.tuples(*small).map(lambda parts: np.einsum("j,i,p,q->jipq", *parts))

    channels = st.integers(1, max_channels)
    return st.tuples(channels, channels, st.sampled_from(sizes)).flatmap(build)


def complementary_kernels(max_doublings: int = 3) -> SearchStrategy[Array]:
    """Two output channels of signs whose autocorrelations cancel at every lag but 0 (Golay pairs), times an integer.

    The response is the same at all frequencies: bounds by one frequency are equalities, bounds by taps far off.

    Parameters
    ----------
    max_doublings : int
        The kernel has at most two to this power taps.

    Returns
    -------
    strategy
        Of arrays (2, 1, 1, taps).

    Examples
    --------
    >>> from hypothesis import find
    >>> find(complementary_kernels(), lambda K: True)[:, 0, 0].tolist()
    [[1.0, 1.0], [1.0, -1.0]]
    """
    return _golay_pairs(max_doublings)


# What a composite strategy draws is shown as it is, where a mapped one may show the function that made it.
@st.composite
def _golay_pairs(draw: st.DrawFn, max_doublings: int) -> Array:
    a = b = np.ones(1)
    for _ in range(draw(st.integers(1, max_doublings))):
        a, b = np.concatenate([a, b]), np.concatenate([a, -b])
        a, b = (b, a) if draw(st.booleans()) else (a, b)
        a = -a if draw(st.booleans()) else a
    return np.stack([a, b])[:, None, None, :] * draw(st.integers(1, 2))


def orthogonal_kernels() -> SearchStrategy[Array]:
    """Kernels whose circular convolution at the kernel's own size is a multiple of an orthogonal map.

    On other sizes, or with zero padding, it is none: what goes wrong where that is taken for granted.

    Returns
    -------
    strategy
        Of arrays (1, 1, k_h, k_w).

    Examples
    --------
    >>> from hypothesis import find
    >>> find(orthogonal_kernels(), lambda K: (K != 0).sum() == 3).ravel().tolist()
    [2.0, -1.0, 2.0]
    """
    lines = [[1.0], [0.0, 1.0], [2.0, -1.0, 2.0], [-1.0, 2.0, 2.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0, -1.0]]
    line = st.builds(lambda taps, sign: np.array(taps) * sign, st.sampled_from(lines), st.sampled_from([1, -1, 2]))
    flat = line.map(lambda taps: taps[None, None, None, :])
    short = line.filter(lambda taps: taps.size <= 3)
    return flat | st.builds(lambda a, b: np.outer(a, b)[None, None], short, short)


def image_sizes(K: Array, low: int = 1, high: int = 4) -> SearchStrategy[Size]:
    """Sizes of images for a kernel: of height 1 where the kernel has height 1.

    Images smaller than the kernel are among them.

    Parameters
    ----------
    K : array
        The kernel.
    low, high : int
        Smallest and largest side.

    Returns
    -------
    strategy
        Of pairs of integers.

    Examples
    --------
    >>> from hypothesis import find
    >>> import numpy as np
    >>> find(image_sizes(np.ones((1, 1, 1, 3))), lambda n: n[1] > 2)
    (1, 3)
    """
    heights = st.just(1) if np.shape(K)[2] == 1 else st.integers(low, high)
    return st.tuples(heights, st.integers(low, high))


def convolutions(
    kernel: SearchStrategy[Array], *, low: int = 1, high: int = 4, **rest: SearchStrategy[Any]
) -> SearchStrategy[dict[str, Any]]:
    """Cases of a kernel ``K`` and an image size ``n``, with further arguments.

    Parameters
    ----------
    kernel : strategy
        Of kernels.
    low, high : int
        Smallest and largest side of the images.
    **rest : strategy
        Of further arguments, by name.

    Returns
    -------
    strategy
        Of dictionaries.

    Examples
    --------
    >>> from hypothesis import find
    >>> case = find(convolutions(kernels(1)), lambda case: case["K"].any())
    >>> case["K"].tolist(), case["n"]
    ([[[[1.0]]]], (1, 1))
    """
    return kernel.flatmap(
        lambda K: st.fixed_dictionaries({"K": st.just(K), "n": image_sizes(K, low, high), **rest})
    )


def images(channels: int, size: Size) -> SearchStrategy[Array]:
    """Images (channels, h, w) of short dyadic pixels.

    Parameters
    ----------
    channels : int
        Number of channels.
    size : (int, int)
        Height and width.

    Returns
    -------
    strategy
        Of float arrays (channels, h, w).

    Examples
    --------
    >>> from hypothesis import find
    >>> find(images(1, (1, 2)), lambda X: X.any()).tolist()
    [[[0.0, 1.0]]]
    """
    return _filled((channels, *size), dyadics())


def unit_arrays(*shape: int) -> list[Array]:
    """All arrays of the shape with a single 1: a multilinear identity holds if it holds for these.

    Not a strategy but the whole list.

    Parameters
    ----------
    *shape : int
        The shape.

    Returns
    -------
    strategy
        A list of arrays, for an exhaustive test.

    Examples
    --------
    >>> len(unit_arrays(2, 3))
    6
    """
    count = int(np.prod(shape))
    return [row.reshape(shape) for row in np.eye(count)]
