"""How loose the bounds on convolutions are, by padding, kernel size and number of Gram steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import column, distinct, finish, look, where
from refimpl.convolution import (
    circular_norm_bound,
    conv_spectral_norm,
    four_matrix_bound,
    sampled_density_bound,
    size_transfer_factor,
    smaller_input_norm_bound,
    strided_norm_bound,
    zero_padded_norm_bound,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]
Padding = Literal["circular", "zero"]

PADDINGS: tuple[Padding, ...] = ("circular", "zero")


@dataclass(frozen=True)
class Sizes:
    """Kernels and images; t is the source's, one more than the number of Gram steps."""

    k: tuple[int, ...] = (1, 2, 3, 5)
    t: tuple[int, ...] = (1, 2, 3, 4, 5)
    channels: int = 4
    n: int = 8
    kernels_drawn: int = 12


class Bound(NamedTuple):
    """A bound, the stride it is for, and the padding whose norm it is compared with."""

    name: str
    padding: Padding
    stride: int
    value: Callable[[Array, int, int], float]
    least_t: int = 1
    has_steps: bool = True


def _samples(K: Array, n_iter: int) -> int:
    """Twice the least number of samples that the size transfer admits."""
    return 2 ** (n_iter + 1) * (K.shape[-1] - 1) + 1


def _sampled_corrected(K: Array, n: int, n_iter: int) -> float:
    k, samples = K.shape[-1], 2 * K.shape[-1]
    return size_transfer_factor(k, samples, 0) * sampled_density_bound(K, samples)


BOUNDS = (
    Bound("circular, at n", "circular", 1, circular_norm_bound),
    Bound("circular, at n + floor(k/2)", "zero", 1,
          lambda K, n, n_iter: circular_norm_bound(K, n + K.shape[-1] // 2, n_iter)),
    *(Bound("smaller input", padding, 1, lambda K, n, n_iter: smaller_input_norm_bound(K, _samples(K, n_iter), n_iter))
      for padding in PADDINGS),
    *(Bound("Gram kernel, inf", padding, 1, lambda K, n, n_iter: zero_padded_norm_bound(K, n_iter), 2)
      for padding in PADDINGS),
    Bound("Gram kernel, fro, without n", "circular", 1, lambda K, n, n_iter: zero_padded_norm_bound(K, n_iter, "fro")),
    Bound("Gram kernel, fro, with n", "zero", 1, lambda K, n, n_iter: zero_padded_norm_bound(K, n_iter, "fro", n=n)),
    Bound("polyphase", "circular", 2, lambda K, n, n_iter: strided_norm_bound(K, n, 2, n_iter)),
    *(Bound("four matrices", padding, 1, lambda K, n, n_iter: four_matrix_bound(K), has_steps=False)
      for padding in PADDINGS),
    *(Bound("sampled density, corrected", padding, 1, _sampled_corrected, has_steps=False)
      for padding in PADDINGS),
)


def structured(k: int, channels: int) -> Iterator[Array]:
    """Kernels that some bound is exact for: a tap, ones, alternating signs; channels of rank one, and unmixed."""
    line = np.arange(k)
    spatial = [np.outer(line == k // 2, line == k // 2), np.ones((k, k)), (-1.0) ** np.add.outer(line, line)]
    mixes = [np.outer(np.arange(1, channels + 1) == 1, np.ones(channels)), np.eye(channels)]
    for mix in mixes:
        for taps in spatial:
            yield np.einsum("ji,pq->jipq", mix.astype(float), taps.astype(float))


def drawn(sizes: Sizes, k: int, rng: np.random.Generator) -> list[Array]:
    """Gaussian kernels and kernels without negative taps, in turn."""
    shape = (sizes.channels, sizes.channels, k, k)
    return [rng.standard_normal(shape) if i % 2 == 0 else rng.random(shape) for i in range(sizes.kernels_drawn)]


def ratios(sizes: Sizes, rng: np.random.Generator) -> list[Row]:
    """Bound over norm: the least over all kernels, and how it lies over the random ones."""
    rows = []
    for k in sizes.k:
        random_kernels = drawn(sizes, k, rng)
        kernels = [*random_kernels, *structured(k, sizes.channels)]
        norms = {
            (bound.padding, bound.stride): [
                conv_spectral_norm(K, sizes.n, padding=bound.padding, stride=bound.stride).norm for K in kernels
            ] for bound in BOUNDS
        }
        for bound in BOUNDS:
            for t in sizes.t if bound.has_steps else sizes.t[:1]:
                if t >= bound.least_t:
                    values = np.array([bound.value(K, sizes.n, t - 1) for K in kernels])
                    found = values / norms[bound.padding, bound.stride]
                    rows.append(_row(bound, k, t, found, len(random_kernels)))
    return rows


def _row(bound: Bound, k: int, t: int, found: Array, random: int) -> Row:
    return {
        "bound": bound.name, "padding": bound.padding, "stride": bound.stride, "k": k,
        "t": t if bound.has_steps else "any", "tightest": float(found.min()),
        "tightest_random": float(found[:random].min()), "median_random": float(np.median(found[:random])),
        "loosest_random": float(found[:random].max()),
    }


def _look(kind: int, padding: str) -> dict[str, Any]:
    """A bound has its colour and marker, a padding its dashes."""
    return {**look(kind), "linestyle": "-" if padding == "circular" else "--"}


def draw_ratios(figure: Figure, rows: list[Row]) -> None:
    """A panel for each kernel size."""
    sizes = distinct(rows, "k")
    figure.set_size_inches(3.2 * len(sizes) + 3.5, 5)
    panels = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
    names = [(name, padding) for name in distinct(rows, "bound") for padding in PADDINGS
             if where(rows, bound=name, padding=padding)]
    kinds = distinct(rows, "bound")
    for axes, k in zip(panels, sizes, strict=True):
        for name, padding in names:
            mine = where(rows, bound=name, padding=padding, k=k)
            steps = [t for t in distinct(rows, "t") if t != "any"]
            x = steps if mine[0]["t"] == "any" else column(mine, "t")
            y = np.resize([row["median_random"] for row in mine], len(x))
            axes.plot(x, y, label=f"{name} / {padding}", **_look(kinds.index(name), padding))
        axes.set_yscale("log")
        axes.set_yticks([1, 1.2, 1.5, 2, 3], ["1", "1.2", "1.5", "2", "3"])
        axes.minorticks_off()
        axes.set_title(f"k = {k}", fontsize=10)
        finish(axes, "t (one more than the Gram steps)", "bound / norm, median" if k == sizes[0] else "")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize=7)


EXPERIMENTS = (
    Experiment(
        "tightness", "how far the bounds on convolutions lie above the norm",
        Sizes(), None, ratios, draw_ratios,
        "tightest: over random kernels and six structured ones. The Gram kernel and the smaller "
        "input are bounds for every size of the image and are compared at n",
    ),
)
