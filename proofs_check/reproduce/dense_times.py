"""Fig. 3.4, Tab. A.0.1 and A.0.2: error against time, for power iteration, Gram iteration and the SVD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from proofs_check.reproduce._series import Experiment, Row, timed
from proofs_check.reproduce._style import COLOURS, MARKERS, column, finish, look, where
from proofs_check.reproduce.gram_and_power import FLOOR, GRAM, POWER
from refimpl.spectral import gram_iteration, power_iteration, spectral_norm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TIMINGS = 2
# Keeps a number readable where it crosses a line.
_BACKGROUND = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8}


@dataclass(frozen=True)
class Sizes:
    """Matrices and the numbers of iterations to compare at."""

    rows: int
    columns: int
    matrices: int
    power_iterations: tuple[int, ...] = (10, 100, 1000)
    gram_iterations: tuple[int, ...] = (10, 11, 12)


@dataclass(frozen=True)
class Sides:
    """Sides of square matrices and one number of iterations a method."""

    sides: tuple[int, ...]
    matrices: int
    power_iterations: int = 100
    gram_iterations: int = 10


def against_svd(sizes: Sizes, rng: np.random.Generator) -> list[Row]:
    """Signed error ratios and times in units of that of the singular values of the same matrix."""
    plan = [(POWER, n) for n in sizes.power_iterations] + [(GRAM, n) for n in sizes.gram_iterations]
    errors, times = np.zeros((2, len(plan), sizes.matrices))
    for draw in range(sizes.matrices):
        W = rng.standard_normal((sizes.rows, sizes.columns))
        start = rng.standard_normal(sizes.columns)
        reference, seconds = timed(lambda W=W: spectral_norm(W), TIMINGS)
        for number, (method, n) in enumerate(plan):
            value, spent = timed(lambda W=W, start=start, method=method, n=n: (
                power_iteration(W, n, start=start) if method == POWER else gram_iteration(W, n)
            ), TIMINGS)
            errors[number, draw], times[number, draw] = value / reference - 1, spent / seconds
    return [
        {"method": method, "iterations": n, "error_ratio_mean": float(error.mean()),
         "error_ratio_std": float(error.std()), "time_ratio_to_svd": float(np.median(spent))}
        for (method, n), error, spent in zip(plan, errors, times, strict=True)
    ]


def draw_scatter(figure: Figure, rows: list[Row]) -> None:
    """Size of the error ratio over time, each point with its number of iterations."""
    figure.set_size_inches(8, 5.5)
    axes = figure.subplots()
    for number, (method, words) in enumerate({POWER: "below the reference", GRAM: "above"}.items()):
        mine = where(rows, method=method)
        x, y = column(mine, "time_ratio_to_svd"), np.maximum(np.abs(column(mine, "error_ratio_mean")), FLOOR)
        axes.plot(x, y, label=f"{method} ({words})", **look(number))
        for row, height in zip(mine, y, strict=True):
            # To the left of one curve and to the upper right of the other, where nothing else is.
            place = {"xytext": (-7, -3), "ha": "right"} if method == GRAM else {"xytext": (5, 4), "ha": "left"}
            axes.annotate(
                str(row["iterations"]), (row["time_ratio_to_svd"], height), textcoords="offset points",
                fontsize=8, color=COLOURS[number], bbox=_BACKGROUND, **place,
            )
    axes.axvline(1, color="black", linewidth=1, linestyle=":", label="time of the SVD")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(0.08)
    finish(axes, "time relative to the SVD", r"$|\sigma_{method} / \sigma_{SVD} - 1|$ (relative)")
    axes.legend(loc="lower left")


def draw_table(figure: Figure, rows: list[Row]) -> None:
    """A row a method: error ratio on the left, time on the right."""
    figure.set_size_inches(10, 4.5)
    left, right = figure.subplots(1, 2, sharey=True)
    words = [f"{row['method']}, {row['iterations']}" for row in rows]
    for place, row in enumerate(rows):
        number = 0 if row["method"] == POWER else 1
        how = {"color": COLOURS[number], "marker": MARKERS[number], "markersize": 8}
        ratio, spread = row["error_ratio_mean"], row["error_ratio_std"]
        left.plot(max(abs(ratio), FLOOR), place, **how)
        left.annotate(f"{ratio:.2e} ± {spread:.1e}", (max(abs(ratio), FLOOR), place), fontsize=8, ha="center",
                      textcoords="offset points", xytext=(0, 8))
        right.plot(row["time_ratio_to_svd"], place, **how)
    left.set_yticks(range(len(rows)), words)
    left.set_ylim(len(rows) - 0.4, -0.8)
    for axes in (left, right):
        axes.set_xscale("log")
    left.margins(x=0.25)
    right.margins(x=0.4)
    right.xaxis.set_minor_formatter("")
    right.axvline(1, color="black", linewidth=1, linestyle=":", label="time of the SVD")
    right.legend(loc="lower left")
    finish(left, r"size of $\sigma_{method} / \sigma_{SVD} - 1$ (relative; signed in the labels)", "")
    finish(right, "time relative to the SVD", "")


def over_sides(sizes: Sides, rng: np.random.Generator) -> list[Row]:
    """Mean signed errors of square matrices, and how much longer power iteration takes."""
    rows = []
    for p in sizes.sides:
        found = []
        for _ in range(sizes.matrices):
            W, start = rng.standard_normal((p, p)), rng.standard_normal(p)
            power, power_time = timed(
                lambda W=W, start=start: power_iteration(W, sizes.power_iterations, start=start))
            gram, gram_time = timed(lambda W=W: gram_iteration(W, sizes.gram_iterations))
            reference = spectral_norm(W)
            found.append((reference, power - reference, gram - reference, power_time / gram_time))
        reference, power, gram, _ = np.mean(found, axis=0)
        rows.append({
            "p": p, "reference_mean": float(reference), "power_error_mean": float(power),
            "gram_error_mean": float(gram),
            "time_ratio_power_to_gram": float(np.median([ratio for *_, ratio in found])),
        })
    return rows


def draw_over_sides(figure: Figure, rows: list[Row]) -> None:
    """Errors on the left, the ratio of times on the right."""
    figure.set_size_inches(10, 4.8)
    left, right = figure.subplots(1, 2)
    p = column(rows, "p")
    for number, (name, words) in enumerate({"power": f"{POWER} (below)", "gram": f"{GRAM} (above)"}.items()):
        left.plot(p, np.maximum(np.abs(column(rows, f"{name}_error_mean")), FLOOR), label=words, **look(number))
    right.plot(p, column(rows, "time_ratio_power_to_gram"), label="measured side by side", **look(2))
    right.axhline(1, color="black", linewidth=1, linestyle=":", label="equal times")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.legend()
    finish(left, "side p of the matrix", r"$|$mean of $\sigma_{method} - \sigma_{SVD}|$ (units of the entries)")
    finish(right, "side p of the matrix", "time of power iteration relative to Gram iteration")


_FIRST = {"power_iterations": (1, 3, 10, 30, 100, 300, 1000), "gram_iterations": (2, 4, 6, 8, 9, 10, 11, 12)}
_TIMES = "times: the faster of two calls on one thread, over that of the singular values of the same matrix"
EXPERIMENTS = (
    Experiment(
        "fig-3.4", "error ratio of power and Gram iteration against time",
        Sizes(1000, 500, 5, **_FIRST), Sizes(2000, 1000, 100, **_FIRST), against_svd, draw_scatter,
        f"{_TIMES}; sizes and numbers of iterations beyond those of tab-A.0.1 are not in the source's text",
    ),
    Experiment(
        "tab-A.0.1", "error ratios and times of power and Gram iteration",
        Sizes(1000, 500, 5), Sizes(2000, 1000, 100), against_svd, draw_table, _TIMES,
    ),
    Experiment(
        "tab-A.0.2", "errors and times of power and Gram iteration over the size of square matrices",
        Sides((10, 30, 100, 300, 1000), 3), Sides((10, 100, 1000, 10000), 10), over_sides, draw_over_sides,
        "the source's p = 50000 is left out at any size: one copy of that matrix takes 20 GB",
    ),
)
