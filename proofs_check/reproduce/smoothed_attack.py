"""Projected gradient ascent against certified smoothed classifiers: inside of the radius nothing may be found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from proofs_check import digits
from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import column, distinct, finish, look, where
from refimpl.certificates import certify, noisy_counts
from refimpl.network import Sequential, pgd_attack
from refimpl.simplex import softmax

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]


class LogMeanSoftmax:
    """Logarithm of the mean softmax over fixed noise, as a layer: attacked in place of the smoothed classifier."""

    def __init__(self, network: Sequential, noise: Array) -> None:
        self.network, self.noise, self.scores = network, noise, digits.batched(network)

    def __call__(self, x: Array) -> Array:
        """Value at one input."""
        return np.asarray(np.log(softmax(self.scores(x + self.noise)).mean(axis=0)))

    def jacobian(self, x: Array) -> Array:
        """Derivative of the logarithm of the mean."""
        moved = x + self.noise
        shares = softmax(self.scores(moved))
        jacobians = np.stack([self.network.jacobian(point) for point in moved])
        centred = jacobians - np.einsum("ic,icd->id", shares, jacobians)[:, None, :]
        gradient = (shares[:, :, None] * centred).mean(axis=0)
        return np.asarray(gradient / shares.mean(axis=0)[:, None])

    def lipschitz(self, n: int) -> float:
        """Nothing is known of it."""
        return float("inf")

    def outputs(self, n: int) -> int:
        """Number of classes."""
        return self.network.outputs(n)


@dataclass(frozen=True)
class Sizes:
    """Images, the noise, the risk, and how far and long is searched, in shares of the certified radius."""

    test_images: int = 20
    sigmas: tuple[float, ...] = (0.25, 0.5, 1.0)
    estimation: int = 10_000
    alpha: float = 0.001
    shares: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0, 3.0)
    noise_samples: int = 32
    steps: int = 10
    judged_by: int = 10_000


def attacks(sizes: Sizes, rng: np.random.Generator) -> list[Row]:
    """For each noise and share of the radius: how many of the certified images change their label."""
    _, (images, _) = digits.data()
    chosen, seed = rng.permutation(len(images))[: sizes.test_images], int(rng.integers(2**32))
    rows: list[Row] = []
    for sigma in sizes.sigmas:
        network = digits.load(f"mlp-noise-{sigma:.2f}")
        f = digits.batched(network)
        changed = np.zeros(len(sizes.shares), dtype=int)
        certified = 0
        for index in chosen:
            x, own = images[index], np.random.default_rng([seed, index, round(100 * sigma)])
            n = sizes.estimation
            certificate = certify(f, x, sigma, sizes.alpha, rng=own, estimation=n, batch=n)
            if certificate.label < 0:
                continue
            certified += 1
            noise = sigma * own.standard_normal((sizes.noise_samples, x.size))
            smoothed = Sequential([LogMeanSoftmax(network, noise)], x.size)
            for i, share in enumerate(sizes.shares):
                radius = share * certificate.radius
                found = pgd_attack(
                    smoothed, x, certificate.label, radius, sizes.steps, step=2.5 * radius / sizes.steps, rng=own)
                counts = noisy_counts(f, found, sigma, sizes.judged_by, rng=own, batch=sizes.judged_by)
                changed[i] += counts.argmax() != certificate.label
        allowed = int(stats.binom.isf(1e-6, certified, sizes.alpha)) if certified else 0
        rows += [{
            "sigma": sigma, "share_of_radius": share, "certified": certified, "changed": int(count),
            "explained_by_the_risk": allowed if share <= 1 else "",
        } for share, count in zip(sizes.shares, changed, strict=True)]
    return rows


def draw_attacks(figure: Figure, rows: list[Row]) -> None:
    """Share of the images that change their label over the share of the radius."""
    figure.set_size_inches(6.4, 4.4)
    axes = figure.subplots()
    axes.axvspan(0, 1, color="#56B4E9", alpha=0.2, linewidth=0)
    axes.text(0.5, 0.9, "certified", ha="center", transform=axes.get_xaxis_transform(), fontsize=9)
    for number, sigma in enumerate(distinct(rows, "sigma")):
        mine = where(rows, sigma=sigma)
        shares = [row["changed"] / max(row["certified"], 1) for row in mine]
        axes.plot(column(mine, "share_of_radius"), shares, label=rf"$\sigma$ = {sigma:g}", **look(number))
    axes.set_xlim(left=0)
    axes.legend(fontsize=8)
    finish(axes, "length of the perturbation, in certified radii", "share of the labels changed")


EXPERIMENTS = (
    Experiment(
        "smoothed-attack", "projected gradient ascent on certified smoothed classifiers", Sizes(), None, attacks,
        draw_attacks, "digits, three dense layers trained with the noise; an attack may miss what is there, "
        "so that nothing found is no proof",
    ),
)
