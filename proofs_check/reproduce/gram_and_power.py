"""Fig. 3.3 and 3.5: the errors of power iteration and Gram iteration from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import COLOURS, column, distinct, finish, line, where
from refimpl.spectral import gram_bound_sequence, spectral_norm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]
POWER, GRAM = "power iteration", "Gram iteration"
# A relative error that counts as numerical zero: some thousand units of rounding.
ZERO = 1e-12
# Errors below the rounding of a singular value are drawn here: a logarithm has no place for zero.
FLOOR = 1e-16


@dataclass(frozen=True)
class Sizes:
    """Matrices and numbers of steps; `runs` is the number of random starts of power iteration a matrix."""

    rows: int
    columns: int
    matrices: int
    runs: int
    power_iterations: int = 2000
    gram_iterations: int = 15


def power_estimates(W: Array, start: Array, n_iter: int) -> Array:
    """What `refimpl.spectral.power_iteration` returns after 1, 2, ..., n_iter steps, in one go."""
    u, estimates = start, np.zeros(n_iter)
    for step in range(n_iter):
        v = W @ u
        u = W.T @ (v / np.linalg.norm(v))
        estimates[step] = np.linalg.norm(u)
        u = u / estimates[step]
    return estimates


def _steps(n: int) -> Array:
    """Numbers of steps, evenly on a logarithmic axis."""
    return np.unique(np.geomspace(1, n, 60).round().astype(int))


def _signed_errors(sizes: Sizes, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Reference values, and the signed relative errors of each method: matrix, (run,) step."""
    references, power, gram = [], [], []
    for _ in range(sizes.matrices):
        W = rng.standard_normal((sizes.rows, sizes.columns))
        starts = rng.standard_normal((sizes.runs, sizes.columns))
        reference = spectral_norm(W)
        references.append(reference)
        power.append([power_estimates(W, start, sizes.power_iterations) - reference for start in starts])
        gram.append(gram_bound_sequence(W, sizes.gram_iterations)[1:] - reference)
    return np.array(references), np.array(power), np.array(gram)


def over_matrices(sizes: Sizes, rng: np.random.Generator) -> list[Row]:
    """Mean and spread over random matrices."""
    references, power, gram = _signed_errors(sizes, rng)
    rows = []
    for method, errors, steps in (
        (POWER, power[:, 0], _steps(sizes.power_iterations)),
        (GRAM, gram, np.arange(1, sizes.gram_iterations + 1)),
    ):
        for step in steps:
            error = errors[:, step - 1]
            rows.append({
                "method": method, "iteration": int(step),
                "mean_absolute_error": float(np.abs(error).mean()),
                "std_absolute_error": float(np.abs(error).std()),
                "least_relative_error": float((error / references).min()),
                "largest_relative_error": float((error / references).max()),
                "share_converged": float((np.abs(error) <= ZERO * references).mean()),
            })
    return rows


def draw_over_matrices(figure: Figure, rows: list[Row]) -> None:
    """Both means with a band of one standard deviation."""
    figure.set_size_inches(8, 5.5)
    axes = figure.subplots()
    for number, method in enumerate((POWER, GRAM)):
        mine = where(rows, method=method)
        x = np.array(column(mine, "iteration"))
        mean, std = (np.array(column(mine, f"{name}_absolute_error")) for name in ("mean", "std"))
        axes.plot(x, np.maximum(mean, FLOOR), label=f"{method}, mean", **line(number))
        axes.fill_between(
            x, np.maximum(mean - std, FLOOR), np.maximum(mean + std, FLOOR), color=COLOURS[number], alpha=0.2,
            linewidth=0, label=f"{method}, one standard deviation",
        )
    _log_log(axes)


def over_starts(sizes: Sizes, rng: np.random.Generator) -> list[Row]:
    """Each run on the same matrix; Gram iteration needs no start."""
    _, power, gram = _signed_errors(sizes, rng)
    rows = [
        {"method": POWER, "run": run + 1, "iteration": int(step), "absolute_error": float(abs(errors[step - 1]))}
        for run, errors in enumerate(power[0]) for step in _steps(sizes.power_iterations)
    ]
    return rows + [
        {"method": GRAM, "run": 1, "iteration": step + 1, "absolute_error": float(abs(error))}
        for step, error in enumerate(gram[0])
    ]


def draw_over_starts(figure: Figure, rows: list[Row]) -> None:
    """A line a run."""
    figure.set_size_inches(8, 5.5)
    axes = figure.subplots()
    for number, method in enumerate((POWER, GRAM)):
        runs = distinct(where(rows, method=method), "run")
        for run in runs:
            mine = where(rows, method=method, run=run)
            words = f"{method}, {len(runs)} random starts" if method == POWER else f"{method}, no start to draw"
            axes.plot(
                column(mine, "iteration"), np.maximum(column(mine, "absolute_error"), FLOOR),
                label=words if run == 1 else None, alpha=0.6 if method == POWER else 1, **line(number),
            )
    _log_log(axes)


def _log_log(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    # Room for the legend above the curves.
    axes.set_ylim(1e-15, axes.get_ylim()[1] * 100)
    axes.legend(loc="upper right", fontsize=9)
    finish(axes, "iteration", r"$|\sigma_{method} - \sigma_{SVD}|$ (units of the entries)")


EXPERIMENTS = (
    Experiment(
        "fig-3.3", "errors of power and Gram iteration on random Gaussian matrices",
        Sizes(400, 200, 20, 1), Sizes(2000, 1000, 100, 1), over_matrices, draw_over_matrices,
        f"share converged: relative error at most {ZERO}; "
        "the band reaches the bottom where the deviation exceeds the mean",
    ),
    Experiment(
        "fig-3.5", "errors on one matrix, power iteration from several random starts",
        Sizes(400, 200, 1, 10), Sizes(2000, 1000, 1, 10), over_starts, draw_over_starts,
        "the source's text names neither the size of its matrix nor the number of starts: those of fig-3.3, and 10",
    ),
)
