"""Train networks of ten layers with and without normalization: ``python -m proofs_check.digits.train_deep``.

Architecture, optimiser and initial weights are those of the source's appendix E, with narrower layers and no shift,
scale or bias, as in its definitions 4 and 8. Needs ``pip install 'lipref[experiments]'``.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from safetensors.numpy import save

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F  # noqa: N812
except ImportError as missing:
    raise SystemExit("training needs PyTorch: pip install 'lipref[experiments]'") from missing

from proofs_check.digits import data
from proofs_check.digits.deep import DEPTH, EPSILON, FILE, KINDS, SEEDS, WIDTH, scaled

RATE, DECAY, BATCH, EPOCHS = 1e-3, 1e-4, 128, 100
POWER_STEPS = 50


class Deep(nn.Module):
    """Linear, normalizer, ReLU, ten times; no ReLU after the last."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        sizes = [64, *[WIDTH] * (DEPTH - 1), 10]
        self.kind = kind
        self.weights = nn.ParameterList(
            nn.init.kaiming_normal_(torch.empty(m, n), nonlinearity="relu")
            for n, m in itertools.pairwise(sizes)
        )

    def before(self, x: Tensor) -> list[Tensor]:
        """What each normalizer sees, and the scores; batch statistics are those of this batch."""
        seen = []
        for i, W in enumerate(self.weights):
            y = x @ W.T
            seen.append(y)
            if self.kind == "batch":
                y = F.batch_norm(y, None, None, training=True, eps=EPSILON)
            elif self.kind == "layer":
                y = F.layer_norm(y, y.shape[1:], eps=EPSILON)
            x = F.relu(y) if i < DEPTH - 1 else y
        return [*seen, x]

    def forward(self, x: Tensor) -> Tensor:
        """Scores."""
        return self.before(x)[-1]


def record(network: Deep, train: Any, test: Any) -> dict[str, np.ndarray]:
    """Norms of the weights, variances before the normalizers, accuracies, at the present weights."""
    with torch.no_grad():
        *seen, scores = network.before(train[0])
        axis = 1 if network.kind == "layer" else 0
        spread = [y.var(axis, unbiased=False) for y in seen]
        return {
            "norms": np.array([float(torch.linalg.matrix_norm(W, 2)) for W in network.weights]),
            "variance_mean": np.array([float(v.mean()) for v in spread]),
            "variance_least": np.array([float(v.min()) for v in spread]),
            "accuracy": np.array([accuracy(scores, train[1]), accuracy(frozen(network, train[0], test[0]), test[1])]),
            "loss": np.array([float(F.cross_entropy(scores, train[1]))]),
        }


def accuracy(scores: Tensor, labels: Tensor) -> float:
    """Share of the images whose largest score is that of the label."""
    return float((scores.argmax(1) == labels).double().mean())


def frozen(network: Deep, train: Tensor, x: Tensor) -> Tensor:
    """Scores with the statistics of the training images."""
    if network.kind != "batch":
        return network(x)
    for i, (W, y) in enumerate(zip(network.weights, network.before(train)[:-1], strict=True)):
        x = (x @ W.T - y.mean(0)) / (y.var(0, unbiased=False) + EPSILON).sqrt()
        x = F.relu(x) if i < DEPTH - 1 else x
    return x


def sharpness(network: Deep, images: Tensor, labels: Tensor) -> float:
    """Largest eigenvalue of the Hessian of the training loss times the squared length of the weights."""
    weights = list(network.weights)
    gradient = torch.autograd.grad(F.cross_entropy(network(images), labels), weights, create_graph=True)
    v, value = [torch.randn_like(W) for W in weights], 0.0
    for _ in range(POWER_STEPS):
        length = torch.sqrt(sum((part**2).sum() for part in v))
        v = [part / length for part in v]
        product = torch.autograd.grad(gradient, weights, v, retain_graph=True)
        value = float(sum((a * b).sum() for a, b in zip(v, product, strict=True)))
        v = list(product)
    return value * float(sum((W.detach()**2).sum() for W in weights))


def train(kind: str, seed: int) -> dict[str, np.ndarray]:
    """Everything recorded of one network, the weights and frozen statistics at the end included."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    parts = [(torch.tensor(scaled(images)).float(), torch.tensor(labels).long()) for images, labels in data()]
    (images, labels), _ = parts
    network = Deep(kind)
    optimizer = torch.optim.Adam(network.parameters(), RATE, weight_decay=DECAY)
    series = [record(network, *parts)]
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(network(images[chosen]), labels[chosen]).backward()
            optimizer.step()
        series.append(record(network, *parts))
    arrays = {key: np.array([one[key] for one in series], dtype=np.float32) for key in series[0]}
    arrays["sharpness"] = np.array([sharpness(network, images, labels)], dtype=np.float32)
    with torch.no_grad():
        seen = network.before(images)[:-1]
        for i, (W, y) in enumerate(zip(network.weights, seen, strict=True)):
            arrays[f"weight.{i}"] = W.numpy().copy()
            if kind == "batch":
                arrays[f"mean.{i}"] = y.mean(0).numpy()
                arrays[f"variance.{i}"] = y.var(0, unbiased=False).numpy()
    return arrays


def main() -> None:
    """Train all of them and write one file."""
    kept = {}
    for kind in KINDS:
        for seed in SEEDS:
            arrays = train(kind, seed)
            kept.update({f"{kind}.{seed}.{key}": value for key, value in arrays.items()})
            print(kind, seed, "accuracies", arrays["accuracy"][-1], "sharpness", arrays["sharpness"])  # noqa: T201
    FILE.write_bytes(save(kept))


if __name__ == "__main__":
    main()
