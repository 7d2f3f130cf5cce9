"""Figures 4.11, 4.12, 5.1, 5.2: bounds on smoothed functions, simplexes of other masses, certified accuracy by mass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from proofs_check import digits
from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import column, distinct, finish, line, look, where
from refimpl.certificates import certified_accuracy, radius_coordinate
from refimpl.network import product_upper_bound
from refimpl.simplex import sparsemax
from refimpl.weierstrass import (
    lipschitz_bounded,
    lipschitz_smoothed,
    quantile_lipschitz,
    smoothed_probit,
    smoothed_probit_gradient,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class ProbitSizes:
    """A probit of Lipschitz constant L on the line, the noise, and where it is evaluated."""

    sigma: float
    lipschitz: float = 1.0
    reach: float = 2.0
    points: int = 161

    def points_of(self) -> Array:
        """Evenly spaced points around 0."""
        return np.linspace(-self.reach, self.reach, self.points)

    def weight(self) -> list[float]:
        """Of the probit: its steepest slope is this over the root of 2 pi."""
        return [self.lipschitz * math.sqrt(2 * math.pi)]


def slope_of_smoothed(sizes: ProbitSizes, rng: np.random.Generator) -> list[Row]:
    """The derivative of the smoothed probit, and the bounds by what is known."""
    L, sigma = sizes.lipschitz, sizes.sigma
    return [
        {
            "x": float(x), "derivative": float(smoothed_probit_gradient([x], sizes.weight(), 0.0, sigma)[0]),
            "bound_lipschitz": L, "bound_noise": lipschitz_bounded(sigma),
            "bound_both": lipschitz_smoothed(L, sigma),
        }
        for x in sizes.points_of()
    ]


def slope_of_quantile(sizes: ProbitSizes, rng: np.random.Generator) -> list[Row]:
    """The derivative of the quantile of the smoothed probit, and the bounds by what is known."""
    slope = sizes.weight()[0]
    derivative = slope / math.sqrt(1 + (slope * sizes.sigma) ** 2)
    return [
        {
            "x": float(x), "derivative": derivative, "bound_noise": 1 / sizes.sigma,
            "bound_both": quantile_lipschitz(
                smoothed_probit([x], sizes.weight(), 0.0, sizes.sigma), sizes.lipschitz, sizes.sigma
            ),
        }
        for x in sizes.points_of()
    ]


LABELS = {
    "derivative": "derivative", "bound_lipschitz": "bound by L", "bound_noise": r"bound by $\sigma$",
    "bound_both": r"bound by L and $\sigma$",
}


def draw_slopes(figure: Figure, rows: list[Row]) -> None:
    """The derivative and its bounds."""
    figure.set_size_inches(6.4, 4.4)
    axes = figure.subplots()
    for number, key in enumerate(key for key in LABELS if key in rows[0]):
        axes.plot(column(rows, "x"), column(rows, key), label=LABELS[key], **line(number))
    axes.set_ylim(bottom=0)
    finish(axes, "x", "slope")
    axes.legend(fontsize=8)


@dataclass(frozen=True)
class SimplexSizes:
    """The masses, and how many scores are mapped onto each simplex."""

    masses: tuple[float, ...] = (0.5, 1.0, 1.5)
    scores: int = 40


def simplexes(sizes: SimplexSizes, rng: np.random.Generator) -> list[Row]:
    """Random scores of three classes and their sparsemax of each mass."""
    drawn = rng.standard_normal((sizes.scores, 3))
    rows: list[Row] = []
    for mass in sizes.masses:
        for i, p in enumerate(sparsemax(drawn, mass=mass)):
            top = np.sort(p)
            rows.append({
                "mass": mass, "point": i, "p1": float(p[0]), "p2": float(p[1]), "p3": float(p[2]),
                "margin": float(top[-1] - top[-2]), "zeros": int((p == 0).sum()),
            })
    return rows


def draw_simplexes(figure: Figure, rows: list[Row]) -> None:
    """Each simplex with the points mapped onto it."""
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    figure.set_size_inches(6, 5.4)
    axes = figure.add_subplot(projection="3d")
    for number, mass in enumerate(distinct(rows, "mass")):
        mine, colour = where(rows, mass=mass), look(number)["color"]
        axes.add_collection3d(Poly3DCollection([np.eye(3) * mass], alpha=0.15, facecolor=colour, edgecolor=colour))
        axes.scatter(*(column(mine, key) for key in ("p1", "p2", "p3")), s=12, color=colour, label=f"r = {mass:g}")
    for set_label, name in ((axes.set_xlabel, "$p_1$"), (axes.set_ylabel, "$p_2$"), (axes.set_zlabel, "$p_3$")):
        set_label(name)
    axes.view_init(elev=25, azim=40)
    axes.legend(fontsize=8)


@dataclass(frozen=True)
class MassSizes:
    """The network, the noise, the masses, and how many images and samples of noise."""

    network: str = "sr-noise-0.25"
    sigma: float = 0.25
    masses: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    images: int = 60
    samples: int = 200
    levels: tuple[float, ...] = tuple(i / 40 for i in range(33))


def accuracy_by_mass(sizes: MassSizes, rng: np.random.Generator) -> list[Row]:
    """Certified accuracy of the smoothed sparsemax of each mass, from the same noise."""
    network = digits.load(sizes.network)
    L = product_upper_bound(network)
    _, (images, labels) = digits.data()
    images, labels = images[: sizes.images], labels[: sizes.images]
    noise = sizes.sigma * rng.standard_normal((sizes.images, sizes.samples, images.shape[1]))
    scores = np.array([[network(x + delta) for delta in drawn] for x, drawn in zip(images, noise, strict=True)])
    rows: list[Row] = []
    for mass in sizes.masses:
        smoothed = np.array([sparsemax(batch, mass=mass).mean(axis=0) for batch in scores])
        # Sparsemax is 1-Lipschitz, so each of its entries is L-Lipschitz as the network is.
        radii = radius_coordinate(smoothed, labels.tolist(), lipschitz_smoothed(L, sizes.sigma, mass=mass))
        for level, share in zip(sizes.levels, certified_accuracy(radii, sizes.levels), strict=True):
            rows.append({"mass": mass, "epsilon": level, "certified_accuracy": float(share)})
    return rows


def draw_masses(figure: Figure, rows: list[Row]) -> None:
    """Certified accuracy over the perturbation level, one line a mass."""
    figure.set_size_inches(6.4, 4.4)
    axes = figure.subplots()
    for number, mass in enumerate(distinct(rows, "mass")):
        mine = where(rows, mass=mass)
        axes.step(
            column(mine, "epsilon"), column(mine, "certified_accuracy"), where="post", label=f"r = {mass:g}",
            **line(number),
        )
    finish(axes, r"perturbation level $\epsilon$ (l2)", "certified accuracy")
    axes.legend(fontsize=8)


EXPERIMENTS = (
    Experiment(
        "fig-4.11", "derivative of a smoothed probit and its bounds", ProbitSizes(0.2), ProbitSizes(0.2),
        slope_of_smoothed, draw_slopes, "the source's text has another noise, 0.399, than its caption",
    ),
    Experiment(
        "fig-4.12", "derivative of the quantile of a smoothed probit and its bounds", ProbitSizes(0.1, reach=1.0),
        ProbitSizes(0.1, reach=1.0), slope_of_quantile, draw_slopes,
    ),
    Experiment("fig-5.1", "sparsemax of three masses", SimplexSizes(), SimplexSizes(), simplexes, draw_simplexes),
    Experiment(
        "fig-5.2", "certified accuracy by the mass of the simplex", MassSizes(), None, accuracy_by_mass, draw_masses,
        "the source has CIFAR-10, 10,000 samples and confidence bounds; here digits, and means without such bounds",
    ),
)
