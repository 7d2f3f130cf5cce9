"""Figure 7.1 and table D.1.1 on the last layer of a network trained on digits, with the smoothed loss exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from proofs_check import digits
from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import column, finish, look
from refimpl.curvature import (
    activation_decay,
    cross_entropy,
    cross_entropy_gradient,
    smoothed_cross_entropy,
    smoothed_cross_entropy_bound,
    smoothed_cross_entropy_gradient,
    smoothed_cross_entropy_hessian,
    smoothed_hessian_bound,
    taylor_smoothed_cross_entropy,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Head:
    """The last layer of a trained network: its weights, and logits, activations and labels of some images."""

    weight: Array
    logits: Array
    activations: Array
    labels: list[int]

    @classmethod
    def of(cls, name: str, count: int) -> Head:
        """Of the first training images."""
        network = digits.load(name)
        (images, labels), _ = digits.data()
        values = [network.values(x) for x in images[:count]]
        dense: Any = network.parts[-1]
        return cls(
            dense.weight, np.array([v[-1] for v in values]), np.array([v[-2] for v in values]),
            labels[:count].tolist(),
        )

    def mean(self, loss: Any, sigma: float) -> float:
        """Of a loss of logits, label, activations and noise over the images."""
        samples = zip(self.logits, self.labels, self.activations, strict=True)
        return float(np.mean([loss(*sample, sigma) for sample in samples]))

    def weight_gradient(self, rows: Any) -> Array:
        """In the last layer's weights, from the gradients in the logits."""
        return np.asarray(np.array(rows).T @ self.activations / len(self.labels))

    def plain_gradient(self) -> Array:
        """Of the mean loss without noise; that of activation decay is the same."""
        pairs = zip(self.logits, self.labels, strict=True)
        return self.weight_gradient([cross_entropy_gradient(a, y) for a, y in pairs])


@dataclass(frozen=True)
class SurrogateSizes:
    """The network, the images, the source's noises and the number of samples of noise."""

    network: str = "resnet-noise-0.00"
    images: int = 40
    sigmas: tuple[float, ...] = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 1.0)
    samples: int = 100


def surrogates(sizes: SurrogateSizes, rng: np.random.Generator) -> list[Row]:
    """For each noise: the smoothed loss, exactly and by Monte Carlo, what stands for it, and how gradients align."""
    head = Head.of(sizes.network, sizes.images)
    plain = head.plain_gradient()
    loss = head.mean(lambda a, y, h, sigma: cross_entropy(a, y), 0.0)
    rows: list[Row] = []
    for sigma in sizes.sigmas:
        sampled, sampled_gradient = _monte_carlo(head, sigma, sizes.samples, rng)
        exact = head.weight_gradient([
            smoothed_cross_entropy_gradient(*sample, sigma)
            for sample in zip(head.logits, head.labels, head.activations, strict=True)
        ])
        smoothed, decay = head.mean(smoothed_cross_entropy, sigma), head.mean(activation_decay, sigma)
        rows.append({
            "sigma": sigma, "loss": loss, "smoothed_loss": smoothed, "monte_carlo_loss": sampled,
            "activation_decay": decay, "sharper_bound": head.mean(smoothed_cross_entropy_bound, sigma),
            "expansion": head.mean(taylor_smoothed_cross_entropy, sigma), "gap": smoothed - decay,
            "monte_carlo_gap": sampled - decay, "cosine": _cosine(exact, plain),
            "monte_carlo_cosine": _cosine(sampled_gradient, plain),
            "norm_ratio": float(np.linalg.norm(exact) / np.linalg.norm(plain)),
        })
    return rows


def _monte_carlo(head: Head, sigma: float, samples: int, rng: np.random.Generator) -> tuple[float, Array]:
    """Mean loss and its gradient over moved weights, the same for all images, as a batch has them."""
    losses, gradients = [], []
    for _ in range(samples):
        logits = head.logits + head.activations @ (sigma * rng.standard_normal(head.weight.shape)).T
        pairs = list(zip(logits, head.labels, strict=True))
        losses.append(np.mean([cross_entropy(a, y) for a, y in pairs]))
        gradients.append(head.weight_gradient([cross_entropy_gradient(a, y) for a, y in pairs]))
    return float(np.mean(losses)), np.asarray(np.mean(gradients, axis=0))


def _cosine(a: Array, b: Array) -> float:
    return float(np.vdot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


LOSSES = {
    "activation_decay": "activation decay", "sharper_bound": "sharper bound", "expansion": "expansion (thm D.2.1)",
    "smoothed_loss": "smoothed, exact", "monte_carlo_loss": "smoothed, Monte Carlo", "loss": "without noise",
}


def draw_surrogates(figure: Figure, rows: list[Row]) -> None:
    """Losses and cosines over the noise."""
    figure.set_size_inches(9.6, 4.6)
    left, right = figure.subplots(1, 2)
    for number, (key, label) in enumerate(LOSSES.items()):
        left.plot(column(rows, "sigma"), column(rows, key), label=label, **look(number))
    left.set_yscale("log")
    finish(left, r"noise on the last layer's weights $\sigma$", "mean loss")
    left.legend(fontsize=7, loc="center right", bbox_to_anchor=(1, 0.53))
    for number, (key, label) in enumerate((("cosine", "exact"), ("monte_carlo_cosine", "Monte Carlo"))):
        right.plot(column(rows, "sigma"), column(rows, key), label=label, **look(3 + number))
    right.set_ylim(top=1.02)
    finish(right, r"noise on the last layer's weights $\sigma$", "cosine of the smoothed and the plain gradient")
    right.legend(fontsize=8)


@dataclass(frozen=True)
class CurvatureSizes:
    """The network, the images and the noises."""

    network: str = "resnet-noise-0.00"
    images: int = 40
    sigmas: tuple[float, ...] = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)


def smoothed_curvature(sizes: CurvatureSizes, rng: np.random.Generator) -> list[Row]:
    """For each noise: the largest eigenvalue of the smoothed Hessian in the last layer's weights, and the bounds."""
    head = Head.of(sizes.network, sizes.images)
    # Values of u^T gradient lie in an interval of length (2 spread)^(1/2), and the Hessian is at most half of spread.
    spread = float(np.linalg.norm(head.activations, 2)) ** 2 / sizes.images
    measured = float(np.linalg.norm(head.plain_gradient()))
    return [
        {
            "sigma": sigma, "largest_eigenvalue": _largest_eigenvalue(head, sigma),
            "bound": smoothed_hessian_bound(spread / 2, np.sqrt(spread / 2), sigma),
            "bound_gradient_at_the_end": smoothed_hessian_bound(spread / 2, measured, sigma),
            "base_curvature": spread / 2, "gradient_at_the_end": measured,
        }
        for sigma in sizes.sigmas
    ]


def _largest_eigenvalue(head: Head, sigma: float) -> float:
    total = 0.0
    for a, h in zip(head.logits, head.activations, strict=True):
        total = total + np.kron(smoothed_cross_entropy_hessian(a, h, sigma), np.outer(h, h))
    return float(np.linalg.eigvalsh(total)[-1] / len(head.labels))


CURVATURES = {
    "bound": "corollary 7.2.2, gradient bounded everywhere",
    "bound_gradient_at_the_end": "corollary 7.2.2, gradient at the trained weights",
    "largest_eigenvalue": "largest eigenvalue, exact",
}


def draw_curvature(figure: Figure, rows: list[Row]) -> None:
    """The eigenvalue and the bounds over the noise."""
    figure.set_size_inches(6.8, 4.6)
    axes = figure.subplots()
    for number, (key, label) in enumerate(CURVATURES.items()):
        axes.plot(column(rows, "sigma"), column(rows, key), label=label, **look(number))
    axes.set_yscale("log")
    finish(axes, r"noise on the last layer's weights $\sigma$", "norm of the Hessian in these weights")
    axes.legend(fontsize=8)


EXPERIMENTS = (
    Experiment(
        "fig-7.1", "largest eigenvalue of the smoothed Hessian and its bounds", CurvatureSizes(), None,
        smoothed_curvature, draw_curvature, "the source trains a ResNet-56 on CIFAR-10 once for every noise; here one "
        "small network on 8 x 8 digits is smoothed afterwards",
    ),
    Experiment(
        "tab-D.1.1", "activation decay against the smoothed loss of the last layer", SurrogateSizes(), None, surrogates,
        draw_surrogates, "the source has an MLP on CIFAR-10 and means over its training; here a trained network on "
        "8 x 8 digits",
    ),
)
