"""The cases: what is computed, by us and by whom else, how accurate both are, and the least work there is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import gpu.confidence
import gpu.convolution
import gpu.simplex
import gpu.spectral
from benchmarks import peers
from benchmarks._places import HOST, Place
from gpu._namespace import namespace_of, to_host


@dataclass(frozen=True)
class Case:
    """One row: two calls of equal accuracy, or the weaker promise named in `note`; the least flops and bytes."""

    group: str
    size: str
    ours_name: str
    peer_name: str
    ours: Callable[[], Any]
    peer: Callable[[], Any]
    note: str = ""
    flops: float = 0.0
    bytes: float = 0.0
    large: bool = False
    tolerance: float = 1e-9
    # The peer does this part of the work, and its time is divided by it.
    peer_share: float = 1.0


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def dense(place: Place) -> Iterator[Case]:
    """The norm of a Gaussian matrix."""
    for m, n in ((512, 512), (1000, 2000), (4096, 4096)):
        drawn = _rng().standard_normal((m, n))
        W, T = place.array(drawn), place.tensor(drawn)
        small, long = min(m, n), max(m, n)
        work = 2.0 * small**2 * long
        large = m > 4000
        size = f"{m} x {n}"
        yield Case("dense", size, "spectral_norm", "torch.linalg.matrix_norm",
                   lambda W=W: gpu.spectral.spectral_norm(W), lambda T=T: peers.singular_values(T), flops=work,
                   large=large)
        yield Case("dense", size, "spectral_norm, lanczos", "torch spectral_norm, power steps",
                   lambda W=W: gpu.spectral.spectral_norm(W, method="lanczos"), lambda T=T: peers.power(T),
                   "neither shows that no value is larger", bytes=drawn.nbytes * 100.0, large=large, tolerance=1e-6)
        if place is HOST:
            yield Case("dense", size, "spectral_norm, lanczos", "scipy svds",
                       lambda W=W: gpu.spectral.spectral_norm(W, method="lanczos"), lambda W=W: peers.lanczos(W),
                       "neither shows that no value is larger", bytes=drawn.nbytes * 100.0, large=large)
        yield Case("dense", size, "spectral_norm_enclosure", "torch.linalg.matrix_norm",
                   lambda W=W: gpu.spectral.spectral_norm_enclosure(W).high, lambda T=T: peers.singular_values(T),
                   "ours is certain in spite of rounding", flops=work, large=large, tolerance=1e-6)


def circular(place: Place) -> Iterator[Case]:
    """Kernels of 3 x 3 taps with circular padding."""
    for c in (16, 64, 256):
        drawn = _rng().standard_normal((c, c, 3, 3))
        K, T = place.array(drawn), place.tensor(drawn)
        for n in (32, 64, 224):
            # Half of the frequencies, one Gram matrix each: complex products are four real ones.
            work = 8.0 * c**3 * (n * n / 2 + 2)
            large = c**3 * n * n > 5e9
            size = f"c {c}, n {n}"
            # The peers hold all blocks at once: where they do not fit, those of every so many frequencies.
            m = n if 16.0 * n * n * c * c < 4e9 else 32
            share, near = (m / n) ** 2, 1e-9 if m == n else 0.02
            said = "" if m == n else f"the peer did one of {round(1 / share)} parts of the frequencies"
            exact = lambda K=K, n=n: gpu.convolution.conv_spectral_norm(K, n).norm  # noqa: E731
            yield Case("circular, exact", size, "conv_spectral_norm", "FFT + SVD (torch)", exact,
                       lambda T=T, m=m: peers.fourier(T, m), said, flops=work, large=large, tolerance=near,
                       peer_share=share)
            yield Case("circular, certain", size, "circular_norm_bound, certified", "FFT + SVD (torch)",
                       lambda K=K, n=n: gpu.convolution.circular_norm_bound(K, n, 6, certified=True),
                       lambda T=T, m=m: peers.fourier(T, m), said or "ours is certain in spite of rounding", flops=work,
                       large=large, tolerance=max(near, 1e-6), peer_share=share)
            yield Case("circular, exact", size, "conv_spectral_norm", "Gram iteration, 6 steps (torch)", exact,
                       lambda T=T, m=m: peers.gram_circular(T, m, 6),
                       said or "the peer is a bound, up to 2 % above", flops=work, large=large, tolerance=0.05,
                       peer_share=share)
            yield Case("circular, 6 Gram steps", size, "circular_norm_bound", "Gram iteration, 6 steps (torch)",
                       lambda K=K, n=n: gpu.convolution.circular_norm_bound(K, n, 6),
                       lambda T=T, m=m: peers.gram_circular(T, m, 6), said, flops=work, large=large, tolerance=near,
                       peer_share=share)


def zero_padded(place: Place) -> Iterator[Case]:
    """Kernels of 3 x 3 taps with zero padding on 32 x 32 pixels."""
    for c in (16, 64):
        drawn = _rng().standard_normal((c, c, 3, 3))
        K, T = place.array(drawn), place.tensor(drawn)
        side = 2**4 * 2 + 1
        work = sum(2.0 * c**3 * (2**t * 2 + 1) ** 2 * (2 ** (t + 1) * 2 + 1) ** 2 for t in range(3)) + c**2 * side**2
        yield Case("zero padding, 4 Gram steps", f"c {c}", "zero_padded_norm_bound", "Gram iteration (torch)",
                   lambda K=K: gpu.convolution.zero_padded_norm_bound(K, 4), lambda T=T: peers.gram_zero_padded(T, 4),
                   flops=work, large=c > 16)
        yield Case("zero padding, bound", f"c {c}, n 32", "circular_norm_bound at n + 1, 6 steps",
                   "Gram iteration, 4 steps (torch)",
                   lambda K=K: gpu.convolution.circular_norm_bound(K, 33, 6), lambda T=T: peers.gram_zero_padded(T, 4),
                   "both are bounds; ours is the smaller one", flops=8.0 * c**3 * 33 * 17, tolerance=0.2, large=c > 16)
        yield Case("zero padding, norm", f"c {c}, n 32", "conv_spectral_norm", "scipy svds on torch's conv2d",
                   lambda K=K: gpu.convolution.conv_spectral_norm(K, 32, padding="zero").norm,
                   lambda T=T: peers.lanczos_zero_padded(T, 32), flops=4.0 * 9 * c * c * 32 * 32 * 50, large=c > 16)


def simplex(place: Place) -> Iterator[Case]:
    """A million rows of ten scores."""
    drawn = _rng().standard_normal((10**6, 10))
    z, T = place.array(drawn), place.tensor(drawn)
    yield Case("sparsemax", "1e6 x 10", "sparsemax", "by sorting (torch)", lambda: gpu.simplex.sparsemax(z),
               lambda: peers.sparsemax(T), bytes=2.0 * drawn.nbytes)


def intervals(place: Place) -> Iterator[Case]:
    """Intervals of inputs with a thousand classes, from ten thousand samples each."""
    for inputs, large in ((500, False), (10_000, True)):
        rng = _rng()
        shares = rng.dirichlet(np.full(1000, 0.02), size=100)
        drawn = np.concatenate([rng.multinomial(10_000, p, size=inputs // 100) for p in shares])
        counts = place.array(drawn)
        yield Case("Clopper-Pearson", f"{inputs} x 1000", "clopper_pearson", "statsmodels",
                   lambda counts=counts: gpu.confidence.clopper_pearson(counts, 10_000, 1e-6),
                   lambda counts=drawn: peers.clopper_pearson(counts, 10_000, 1e-6),
                   "" if place is HOST else "the peer is on the host", bytes=3.0 * drawn.nbytes, large=large)


def grid(place: Place) -> Iterator[Case]:
    """Margins of empirical Bernstein bounds over temperatures and three maps, of samples with a thousand classes."""
    for samples, count, large in ((1000, 5, False), (10_000, 50, True)):
        drawn = _rng().standard_normal((samples, 1000)) * 3
        drawn[:, 0] += 8
        scores, T = place.array(drawn), place.tensor(drawn)
        temperatures = np.geomspace(0.05, 20, count).tolist()
        yield Case("LVM-RS grid", f"{count} x 3 x {samples} x 1000", "simplex and confidence", "map by map (torch)",
                   lambda scores=scores, t=temperatures: bernstein_grid(scores, t, 1e-3),
                   lambda T=T, t=temperatures: peers.bernstein_grid(T, t, 1e-3),
                   bytes=drawn.nbytes * (4.0 * count + 2), large=large)


def bernstein_grid(scores: Any, temperatures: list[float], alpha: float) -> float:
    """The largest margin; hardmax has no temperature, so that it is mapped once."""
    xp, best = namespace_of(scores), -math.inf
    n, c = scores.shape
    choices = [(gpu.simplex.hardmax, None)]
    choices += [(tau, t) for t in temperatures for tau in (gpu.simplex.softmax, gpu.simplex.sparsemax)]
    for tau, t in choices:
        values = tau(scores) if t is None else tau(scores, temperature=t)
        means, variances = to_host(xp.mean(values, axis=0)), to_host(xp.var(values, axis=0, correction=1))
        top = int(means.argmax())
        log = math.log(2 * c / alpha)
        shift = np.sqrt(2 * variances * log / n) + 7 * log / (3 * (n - 1))
        upper = means + shift
        upper[top] = -math.inf
        best = max(best, float(means[top] - shift[top] - upper.max()))
    return best


def all_cases(place: Place = HOST) -> Iterator[Case]:
    """All rows, small ones first in each group."""
    for make in (dense, circular, zero_padded, simplex, intervals, grid):
        yield from make(place)
