"""Train the digits networks with PyTorch and write their files: ``python -m proofs_check.digits.train [NAME ...]``.

Needs ``pip install 'lipref[experiments]'``. The same version of PyTorch gives the same files on one machine.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F  # noqa: N812
except ImportError as missing:
    raise SystemExit("training needs PyTorch: pip install 'lipref[experiments]'") from missing

from proofs_check.digits import FOLDER, NAMES, RESCALING_STEPS, data

BATCH = 128
RATE = 1e-2
EPOCHS = 100
# Of the source's section 5.1.
TEMPERATURE, OFFSET = 0.25, 1.5 * 2**0.5
CHANNELS, HIDDEN = 8, 16
MLP_WIDTHS = 128, 64
DEPTHS = {"small": 4, "medium": 8, "noise": 4}


class Block(nn.Module):
    """Two convolutions with batch norm and a shortcut, a projection where the size changes."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        if stride != 1:
            self.projection = nn.Conv2d(c_in, c_out, 1, stride, bias=False)
            self.projection_bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """Value at a batch of images."""
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = self.projection_bn(self.projection(x)) if hasattr(self, "projection") else x
        return F.relu(y + shortcut)


class ResNet(nn.Module):
    """A stem, one block at full size, one at half, the mean of each channel, and a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, 1, 1, bias=False)
        self.stem_bn = nn.BatchNorm2d(16)
        self.block1 = Block(16, 16, 1)
        self.block2 = Block(16, 32, 2)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of a batch of images."""
        y = self.block2(self.block1(F.relu(self.stem_bn(self.stem(x)))))
        return self.head(F.avg_pool2d(y, 4).flatten(1))


def rescaling(weight: Tensor, log_q: Tensor, steps: int) -> Tensor:
    """Spectral rescaling of the columns of a matrix or the input channels of a kernel."""
    gram = weight
    for _ in range(steps):
        if gram.ndim == 2:
            gram = gram.T @ gram
        else:
            flipped = gram.transpose(0, 1)
            gram = F.conv2d(flipped, flipped, padding=(gram.shape[2] - 1, gram.shape[3] - 1))
    moduli = gram.abs() if gram.ndim == 2 else gram.abs().sum((2, 3))
    return ((moduli * (log_q[None, :] - log_q[:, None]).exp()).sum(1) + 1e-12) ** -(0.5**steps)


class LipschitzLayer(nn.Module):
    """x - 2 W R^2 relu(W^T x + b) with a convolution W."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.weight = nn.Parameter(torch.empty(CHANNELS, HIDDEN, 3, 3))
        nn.init.xavier_normal_(self.weight)
        self.bias = nn.Parameter(torch.zeros(HIDDEN))
        self.log_q = nn.Parameter(torch.zeros(HIDDEN))

    def forward(self, x: Tensor) -> Tensor:
        """Value at a batch of images."""
        square = rescaling(self.weight, self.log_q, self.steps) ** 2
        hidden = F.relu(F.conv_transpose2d(x, self.weight, self.bias, padding=1))
        return x - 2 * F.conv2d(hidden * square[:, None, None], self.weight, padding=1)


class Lipschitz(nn.Module):
    """Channels filled up with zeros, residual layers of constant 1, a rescaled dense layer and a scale."""

    def __init__(self, depth: int, steps: int, free_scale: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList([LipschitzLayer(steps) for _ in range(depth)])
        self.steps = steps
        # Of the source's form W diag(R): its columns are the pixels.
        self.head = nn.Linear(CHANNELS * 64, 10)
        self.head_log_q = nn.Parameter(torch.zeros(CHANNELS * 64))
        self.scale = nn.Parameter(torch.ones(1), requires_grad=free_scale)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of a batch of images."""
        y = F.pad(x, (0, 0, 0, 0, 0, CHANNELS - 1))
        for layer in self.layers:
            y = layer(y)
        weight = self.head.weight * rescaling(self.head.weight, self.head_log_q, self.steps)
        return self.scale * (y.flatten(1) @ weight.T + self.head.bias)


def mlp() -> nn.Module:
    """A plain network of three dense layers."""
    first, second = MLP_WIDTHS
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 10)
    )


def build(name: str) -> nn.Module:
    """The network of a name, untrained."""
    kind, size, _ = name.split("-")
    if kind == "mlp":
        return mlp()
    return ResNet() if kind == "resnet" else Lipschitz(DEPTHS[size], RESCALING_STEPS[kind], size == "noise")


def train(name: str) -> nn.Module:
    """The trained network of a name."""
    _, size, last = name.split("-")
    noise, seed = (float(last), 0) if size == "noise" else (0.0, int(last))
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    images, labels = (torch.tensor(part) for part in data()[0])
    images, labels = images.float().reshape(-1, 1, 8, 8), labels.long()
    network = build(name)
    steps = EPOCHS * -(-len(images) // BATCH)
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    network.train()
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(images)).split(BATCH):
            x = images[chosen] + noise * torch.randn(len(chosen), 1, 8, 8)
            loss = _loss(network(x), labels[chosen], margin=size != "noise")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def _loss(scores: Tensor, labels: Tensor, margin: bool) -> Tensor:
    if not margin:
        return F.cross_entropy(scores, labels)
    shifted = scores - OFFSET * F.one_hot(labels, 10)
    return TEMPERATURE * F.cross_entropy(shifted / TEMPERATURE, labels)


def arrays(network: nn.Module) -> dict[str, np.ndarray]:
    """The numbers of a network by name."""
    state: dict[str, Any] = network.state_dict()
    return {key: value.numpy() for key, value in state.items() if value.dtype.is_floating_point}


def main(names: list[str], folder: Path = FOLDER) -> None:
    """Train and write some of the networks, all without a name."""
    for name in names or NAMES:
        network = train(name)
        (folder / f"{name}.safetensors").write_bytes(save(arrays(network)))
        with torch.no_grad():
            images, labels = data()[1]
            scores = network(torch.tensor(images).float().reshape(-1, 1, 8, 8)).argmax(1).numpy()
        print(f"{name}: accuracy {np.mean(scores == labels):.3f}")  # noqa: T201
        if name == "resnet-noise-0.00":
            _export(network, folder / "resnet.onnx")


def _export(network: nn.Module, file: Path) -> None:
    """The graph with its batch norms, not folded into the convolutions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no further package is the older one
        torch.onnx.export(
            network, (torch.zeros(1, 1, 8, 8),), str(file), dynamo=False, do_constant_folding=False,
            training=torch.onnx.TrainingMode.PRESERVE,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
