"""Fig. 4.10: what rescalings do to the singular values of a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from proofs_check.real_layers import digits_network
from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import column, distinct, finish, line, look, where
from refimpl.layers import spectral_rescaling

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]
SN = "spectral normalization"


@dataclass(frozen=True)
class Sizes:
    """The layers, and the numbers of steps: for the profiles, and the largest for the convergence."""

    side: int = 64
    profiles: tuple[int, ...] = (1, 2, 4)
    most: int = 8


def rescaled(sizes: Sizes, rng: np.random.Generator) -> list[Row]:
    """Singular values over the largest, and the largest itself, for each number of steps."""
    network = digits_network()
    layers = {
        "trained (digits)": network[list(network)[4]][: sizes.side, : sizes.side],
        "Gaussian": rng.standard_normal((sizes.side, sizes.side)),
    }
    rows: list[Row] = []
    for name, W in layers.items():
        rows += _profile(name, SN, 0, W / np.linalg.norm(W, 2))
        for t in range(1, sizes.most + 1):
            method = "AOL" if t == 1 else f"SR, t = {t}"
            rows += _profile(name, method, t, W * spectral_rescaling(W, t), only_first=t not in sizes.profiles)
    return rows


def _profile(layer: str, method: str, t: int, W: Array, only_first: bool = False) -> list[Row]:
    sigma = np.linalg.svd(W, compute_uv=False)
    return [
        {"layer": layer, "method": method, "t": t, "index": i + 1, "sigma": float(s),
         "share_of_largest": float(s / sigma[0])}
        for i, s in enumerate(sigma[: 1 if only_first else len(sigma)])
    ]


def draw_rescaled(figure: Figure, rows: list[Row]) -> None:
    """Profiles of each layer, then the convergence."""
    figure.set_size_inches(13, 4.6)
    layers = distinct(rows, "layer")
    panels = figure.subplots(1, len(layers) + 1)
    for axes, layer in zip(panels, layers, strict=False):
        mine = where(rows, layer=layer)
        drawn = [m for m in distinct(mine, "method") if len(where(mine, method=m)) > 1]
        for number, method in enumerate(drawn):
            profile = where(mine, method=method)
            axes.plot(column(profile, "index"), column(profile, "share_of_largest"), label=method, **line(number))
        axes.set_title(layer, fontsize=10)
        finish(axes, "index i", r"$\sigma_i / \sigma_1$")
        axes.legend(fontsize=8)
    for number, layer in enumerate(layers):
        mine = [row for row in where(rows, layer=layer, index=1) if row["t"] > 0]
        panels[-1].plot(column(mine, "t"), column(mine, "sigma"), label=layer, **look(number))
    finish(panels[-1], "t (Gram steps)", r"$\sigma_1(W R)$")
    panels[-1].legend(fontsize=8)


EXPERIMENTS = (
    Experiment(
        "fig-4.10", "singular values of rescaled layers", Sizes(), None, rescaled, draw_rescaled,
        "the source has a 512 x 1000 layer of a ResNet-18; here a layer trained on digits, and a Gaussian one",
    ),
)
