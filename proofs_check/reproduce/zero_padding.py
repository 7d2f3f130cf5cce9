"""Fig. 3.11: bounds for zero padding against the exact norm."""

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
    smaller_input_norm_bound,
    zero_padded_norm_bound,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Sizes:
    """Layers and numbers of steps."""

    channels: tuple[int, ...]
    kernels_drawn: int
    k: int = 3
    n: int = 32
    gram_iterations: int = 6
    power_iterations: int = 100
    samples: int = 50


def admitted_steps(k: int, n: int, most: int) -> int:
    """The most Gram steps (t - 1) for which the theorem's condition n > 2^t floor(k/2) holds."""
    steps = [step for step in range(most + 1) if 2 ** (step + 1) * (k // 2) < n]
    if not steps:
        raise ValueError(f"n must be above {2 * (k // 2)} for kernels of size {k}, got {n}")
    return steps[-1]


def printed_bound(K: Array, n: int, n_iter: int) -> float:
    """The circular bound times the factor of Theorem 3.7.1 as printed."""
    t = n_iter + 1
    alpha = 2**t * (K.shape[-1] // 2) / n
    return (1 / (1 - alpha)) ** 2.0**-t * circular_norm_bound(K, n, n_iter)


def methods(sizes: Sizes, K: Array, start: Array) -> dict[str, Callable[[], float]]:
    """What is compared, by name."""
    n, steps = sizes.n, admitted_steps(sizes.k, sizes.n, sizes.gram_iterations)
    return {
        "power iteration": lambda: conv_power_iteration(K, n, sizes.power_iterations, start=start),
        "Gram on the kernel (norm2_toep)": lambda: zero_padded_norm_bound(K, sizes.gram_iterations),
        "circular times printed factor": lambda: printed_bound(K, n, steps),
        "circular times corrected factor": lambda: smaller_input_norm_bound(K, n, steps),
        "circular, no factor": lambda: circular_norm_bound(K, n, sizes.gram_iterations),
        "circular at n + floor(k/2)": lambda: circular_norm_bound(K, n + sizes.k // 2, sizes.gram_iterations),
        "four matrices": lambda: four_matrix_bound(K),
        "sampled density": lambda: sampled_density_bound(K, sizes.samples),
    }


def compare(sizes: Sizes, rng: np.random.Generator) -> list[Row]:
    """A row for each number of channels and method, over the same Gaussian kernels."""
    rows = []
    for c in sizes.channels:
        runs: dict[str, list[tuple[float, float, float]]] = {}
        for _ in range(sizes.kernels_drawn):
            K = rng.standard_normal((c, c, sizes.k, sizes.k))
            start = rng.standard_normal((c, sizes.n, sizes.n))
            exact, exact_seconds = timed(functools.partial(conv_spectral_norm, K, sizes.n, padding="zero"))
            for name, method in methods(sizes, K, start).items():
                value, seconds = timed(method)
                runs.setdefault(name, []).append((value, exact.norm, seconds / exact_seconds))
        rows += [{"channels": c, "method": name, **_row(np.array(run).T)} for name, run in runs.items()]
    return rows


def _row(run: Array) -> Row:
    values, exact, ratio = run
    return {
        "error_mean": float((values - exact).mean()), "error_std": float((values - exact).std()),
        "relative_error_mean": float((values / exact - 1).mean()),
        "relative_error_min": float((values / exact - 1).min()),
        "relative_error_max": float((values / exact - 1).max()),
        "time_ratio_to_exact": float(np.median(ratio)),
    }


def draw_comparison(figure: Figure, rows: list[Row]) -> None:
    """Errors on the left, ratios of times on the right."""
    figure.set_size_inches(13, 5.2)
    left, right = figure.subplots(1, 2)
    channels = distinct(rows, "channels")
    for number, method in enumerate(distinct(rows, "method")):
        mine = where(rows, method=method)
        left.plot(channels, column(mine, "relative_error_mean"), label=method, **look(number))
        right.plot(channels, column(mine, "time_ratio_to_exact"), label=method, **look(number))
    left.axhline(0, color="black", linewidth=0.8)
    left.set_yscale("symlog", linthresh=1e-3)
    left.margins(y=0.1)
    right.axhline(1, color="black", linewidth=1, linestyle=":", label="exact norm")
    right.set_yscale("log")
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_xticks(channels, [str(c) for c in channels])
        axes.minorticks_off()
    finish(left, "channels in and out", r"mean of $\sigma_{method} / \sigma_{exact} - 1$ (relative)")
    finish(right, "channels in and out", "time relative to the exact norm")
    figure.legend(*right.get_legend_handles_labels(), loc="outside right upper", fontsize=8)


EXPERIMENTS = (
    Experiment(
        "fig-3.11", "bounds for zero padding against the exact norm, over the number of channels",
        Sizes((1, 2, 4, 8), 3), Sizes((1, 2, 4, 8, 16, 32), 50), compare, draw_comparison,
        "the bounds with a factor take the most Gram steps that the condition n > 2^t floor(k/2) of the theorem "
        "admits, which six steps at n = 32 break; the number of kernels is that of fig-3.7, the source names none",
    ),
)
