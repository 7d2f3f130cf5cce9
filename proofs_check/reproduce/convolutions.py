"""Fig. 3.7 to 3.9: bounds and estimates for convolutions, over kernel size, channels and image size."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from proofs_check.reproduce._series import Experiment, Row, timed
from proofs_check.reproduce._style import column, distinct, finish, look, where
from refimpl.convolution import (
    circular_norm_bound,
    conv_power_iteration,
    conv_spectral_norm,
    four_matrix_bound,
    sampled_density_bound,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]
Method = Callable[[Array, int], float]
REFERENCE, EXACT = "power iteration, zero padding", "exact, zero padding"
# The source says "uniform" only; on [0, 1) the two distributions differ in more than a factor.
KERNELS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "Gaussian": lambda rng, shape: rng.standard_normal(shape),
    "uniform on [0, 1)": lambda rng, shape: rng.random(shape),
}
# Exact values carry a rounding error of their own.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Sizes:
    """What is varied is a tuple of several; the exact norm is left out where an image has more entries."""

    kernel_sizes: tuple[int, ...] = (3,)
    channels: tuple[int, ...] = (16,)
    image_sizes: tuple[int, ...] = (32,)
    kernels_drawn: int = 50
    power_iterations: int = 100
    gram_iterations: int = 5
    samples: int = 50
    exact_up_to: int = 20000


def methods(sizes: Sizes) -> dict[str, Method]:
    """What is compared with the reference, by name."""
    return {
        "circular: FFT and SVD": lambda K, n: conv_spectral_norm(K, n).norm,
        "circular: Gram iteration": lambda K, n: circular_norm_bound(K, n, sizes.gram_iterations),
        "four matrices": lambda K, n: four_matrix_bound(K),
        "sampled density": lambda K, n: sampled_density_bound(K, sizes.samples),
    }


def compare(sizes: Sizes, rng: np.random.Generator, *, vary: str) -> list[Row]:
    """A row for each distribution, value of what is varied and method."""
    rows = []
    settings = [(k, c, n) for k in sizes.kernel_sizes for c in sizes.channels for n in sizes.image_sizes]
    for words, draw in KERNELS.items():
        for k, c, n in settings:
            value = {"k": k, "channels": c, "n": n}[vary]
            rows += [{"kernels": words, vary: value, **row} for row in _setting(sizes, rng, draw, (k, c, n))]
    return rows


def _setting(sizes: Sizes, rng: np.random.Generator, draw: Any, setting: tuple[int, int, int]) -> list[Row]:
    """All methods on the same kernels of one size; kept by method, a pair of value and seconds a kernel."""
    k, c, n = setting
    runs: dict[str, list[tuple[float, float]]] = {}
    for _ in range(sizes.kernels_drawn):
        K = draw(rng, (c, c, k, k))
        start = rng.standard_normal((c, n, n))
        iterate = functools.partial(conv_power_iteration, K, n, sizes.power_iterations, start=start)
        runs.setdefault(REFERENCE, []).append(timed(iterate))
        for name, method in methods(sizes).items():
            runs.setdefault(name, []).append(timed(functools.partial(method, K, n), 3))
        if c * n * n <= sizes.exact_up_to:
            exact = functools.partial(conv_spectral_norm, K, n, padding="zero")
            value, seconds = timed(exact)
            runs.setdefault(EXACT, []).append((value.norm, seconds))
    found = {name: np.array(pairs).T for name, pairs in runs.items()}
    return [_row(name, found) for name in found if name != REFERENCE]


def _row(name: str, found: dict[str, Array]) -> Row:
    """Differences to the reference, which may not have converged: where known, to the exact norm as well."""
    (values, seconds), (reference, reference_seconds) = found[name], found[REFERENCE]
    exact = found[EXACT][0] if EXACT in found else None
    return {
        "method": name,
        "difference_mean": float((values - reference).mean()),
        "difference_std": float((values - reference).std()),
        "relative_difference_mean": float((values / reference - 1).mean()),
        "difference_to_exact_mean": "" if exact is None else float((values - exact).mean()),
        "reference_short_of_exact_mean": "" if exact is None else float((exact - reference).mean()),
        "share_at_least_reference": float((values >= reference * (1 - TOLERANCE)).mean()),
        "share_at_least_exact": "" if exact is None else float((values >= exact * (1 - TOLERANCE)).mean()),
        "time_ratio_to_power_iteration": float(np.median(seconds / reference_seconds)),
    }


def draw_comparison(figure: Figure, rows: list[Row], *, vary: str) -> None:
    """Differences above, ratios of times below, a column a distribution."""
    figure.set_size_inches(10, 8)
    panels = figure.subplots(2, len(KERNELS), sharex=True, sharey="row", squeeze=False)
    words = {"k": "kernel size k (pixels)", "channels": "channels in and out", "n": "image size n (pixels)"}
    for place, kernels in enumerate(distinct(rows, "kernels")):
        above, below = panels[:, place]
        for number, method in enumerate(distinct(rows, "method")):
            mine = where(rows, kernels=kernels, method=method)
            how = {**look(number), "markerfacecolor": "none"} if "Gram" in method else look(number)
            how["markersize"] = 9 if "Gram" in method else 4.5
            x = column(mine, vary)
            above.errorbar(
                x, column(mine, "difference_mean"), yerr=column(mine, "difference_std"), label=method, capsize=2, **how)
            below.plot(x, column(mine, "time_ratio_to_power_iteration"), label=method, **how)
        above.axhline(0, color="black", linewidth=0.8)
        above.set_yscale("symlog", linthresh=1e-3)
        above.set_title(f"{kernels} kernels", fontsize=10)
        below.axhline(1, color="black", linewidth=1, linestyle=":", label="power iteration")
        below.set_yscale("log")
        if vary != "k":
            below.set_xscale("log", base=2)
        below.set_xticks(distinct(rows, vary), [str(value) for value in distinct(rows, vary)])
        below.minorticks_off()
        finish(above, "", "difference to power iteration\n(units of the entries)" if place == 0 else "")
        finish(below, words[vary], "time relative to\npower iteration" if place == 0 else "")
    figure.legend(*panels[1, 0].get_legend_handles_labels(), loc="outside right upper", fontsize=8)


def _experiment(name: str, title: str, vary: str, sizes: Sizes, source: Sizes, unstated: str) -> Experiment:
    return Experiment(
        name, title, sizes, source, functools.partial(compare, vary=vary),
        functools.partial(draw_comparison, vary=vary),
        "reference: power iteration with zero padding, which may not have converged; exact up to = entries of an "
        f"image up to which the exact norm is computed too; {unstated}",
    )


EXPERIMENTS = (
    _experiment(
        "fig-3.7", "bounds on the norm of convolutions over the size of the kernel", "k",
        Sizes(kernel_sizes=(1, 3, 5, 7), channels=(8,), image_sizes=(16,), kernels_drawn=3),
        Sizes(kernel_sizes=(1, 3, 5, 7), image_sizes=(252,)), "the source's text does not name its kernel sizes",
    ),
    _experiment(
        "fig-3.8", "bounds on the norm of convolutions over the number of channels", "channels",
        Sizes(channels=(2, 4, 8, 16), image_sizes=(16,), kernels_drawn=4),
        Sizes(channels=(4, 8, 16, 32, 64)), "the source's text does not name its numbers of channels",
    ),
    _experiment(
        "fig-3.9", "bounds on the norm of convolutions over the size of the image", "n",
        Sizes(channels=(4,), image_sizes=(8, 16, 32, 48), kernels_drawn=3),
        Sizes(image_sizes=(8, 16, 32, 64, 128, 252)), "the source's text does not name its image sizes",
    ),
)
