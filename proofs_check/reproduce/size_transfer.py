"""Fig. 3.2: the factor from a bound on a small image to a bound on a large one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import column, distinct, finish, line, where
from refimpl.convolution import size_transfer_factor

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sizes:
    """The kernel, the largest image, the source's t (one more than the number of Gram steps)."""

    k: int = 3
    n: int = 224
    t: tuple[int, ...] = (1, 3, 5, 6)


def factors(sizes: Sizes, rng: np.random.Generator) -> list[Row]:
    """Both factors for every image size that the theorem admits; nothing is drawn."""
    rows = []
    for t in sizes.t:
        span = 2**t * (sizes.k // 2)
        for n0 in range(span + 1, sizes.n + 1):
            alpha = span / n0
            rows.append({
                "t": t, "n0": n0, "alpha": alpha, "factor_printed": (1 / (1 - alpha)) ** 2.0**-t,
                "factor_corrected": size_transfer_factor(sizes.k, n0, t - 1),
            })
    return rows


def draw_factors(figure: Figure, rows: list[Row]) -> None:
    """The excess over 1, since most factors are close to it."""
    figure.set_size_inches(10, 5)
    panels = figure.subplots(1, 2, sharey=True)
    kinds = {"factor_printed": "as printed, once", "factor_corrected": "corrected, once an axis"}
    for axes, (name, words) in zip(panels, kinds.items(), strict=True):
        for number, t in enumerate(distinct(rows, "t")):
            mine = where(rows, t=t)
            axes.plot(column(mine, "n0"), [row[name] - 1 for row in mine], label=f"t = {t}", **line(number))
        axes.set_yscale("log")
        axes.set_title(words, fontsize=10)
        finish(axes, "image size $n_0$ (pixels)", "factor minus 1 (relative excess)")
        axes.legend()


EXPERIMENTS = (
    Experiment(
        "fig-3.2", "factor from a bound at image size n0 to every size, printed and corrected",
        Sizes(), Sizes(), factors, draw_factors,
        "printed (1/(1-alpha))^(2^-t) with alpha = 2^t floor(k/2)/n0; corrected: size_transfer_factor(k, n0, t-1)",
    ),
)
