"""Fig. 3.6: Gram iteration with three read-outs against power iteration, where the singular values are known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.stats import ortho_group

from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import column, distinct, finish, look, where
from proofs_check.reproduce.gram_and_power import POWER, power_estimates
from refimpl.spectral import gram_bound_sequence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]
READOUTS = {"Gram, Frobenius": "fro", "Gram, 1-norm": "1", "Gram, inf-norm": "inf"}
# Below this rounding decides, and quotients of errors mean nothing.
RESOLVED = 1e-13


@dataclass(frozen=True)
class Sizes:
    """The side of the matrix, the ratios of its singular values, the number of iterations."""

    side: int = 60
    rho: tuple[float, ...] = (0.6, 0.8)
    iterations: int = 12


def matrix(side: int, rho: float, rng: np.random.Generator) -> Array:
    """Singular values 1, rho, rho^2, ... between two random rotations."""
    U, V = ortho_group.rvs(side, size=2, random_state=rng)
    return np.asarray((U * rho ** np.arange(side)) @ V.T)


def errors(sizes: Sizes, rng: np.random.Generator) -> list[Row]:
    """Relative error, local order and reduction of each method at each step."""
    rows: list[Row] = []
    for rho in sizes.rho:
        W = matrix(sizes.side, rho, rng)
        found = {name: gram_bound_sequence(W, sizes.iterations, norm)[1:] for name, norm in READOUTS.items()}
        found[POWER] = power_estimates(W, rng.standard_normal(sizes.side), sizes.iterations)
        for method, values in found.items():
            error = [abs(float(value) - 1) for value in values]
            for step, now in enumerate(error):
                after = error[step + 1] if step + 1 < len(error) else 0.0
                usable = now < 1 and after > RESOLVED
                rows.append({
                    "rho": rho, "method": method, "iteration": step + 1, "relative_error": now,
                    "local_order": math.log(after) / math.log(now) if usable else "",
                    "reduction": after / now if usable else "",
                })
    return rows


def draw_errors(figure: Figure, rows: list[Row]) -> None:
    """Errors above, local orders below, a column a ratio."""
    figure.set_size_inches(10, 7.5)
    ratios = distinct(rows, "rho")
    panels = figure.subplots(2, len(ratios), sharex=True, sharey="row", squeeze=False)
    for place, rho in enumerate(ratios):
        for number, method in enumerate(distinct(rows, "method")):
            mine = where(rows, rho=rho, method=method)
            seen = [row for row in mine if row["relative_error"] > RESOLVED]
            panels[0, place].plot(
                column(seen, "iteration"), column(seen, "relative_error"), label=method, **look(number))
            orders = [row for row in mine if row["local_order"] != ""]
            panels[1, place].plot(
                column(orders, "iteration"), column(orders, "local_order"), label=method, **look(number))
        panels[0, place].set_yscale("log")
        panels[0, place].set_title(rf"$\sigma_2 / \sigma_1 = {rho}$", fontsize=10)
        panels[1, place].axhline(2, color="black", linewidth=1, linestyle=":", label="order 2")
        finish(panels[0, place], "", "error (relative)")
        finish(panels[1, place], "iteration", r"local order $\log e_{t+1} / \log e_t$")
        panels[1, place].set_ylim(0.9, 3)
    panels[0, -1].legend(loc="lower right", fontsize=8)
    panels[1, 0].legend(loc="upper right", fontsize=8)


EXPERIMENTS = (
    Experiment(
        "fig-3.6", "read-outs of Gram iteration and power iteration, matrix with known singular values",
        Sizes(), Sizes(), errors, draw_errors,
        f"singular values 1, rho, rho^2, ...; errors below {RESOLVED} (rounding) are not drawn",
    ),
)
