"""Feed-forward networks as the sources define them."""

from __future__ import annotations

from typing import Any

from gpu._arguments import as_real_matrix, as_real_vector
from gpu._namespace import Array, namespace_of
from gpu.convolution._geometry import zeros
from gpu.layers._activations import ACTIVATIONS
from gpu.network._compositions import Sequential
from gpu.network._layers import Activation, Dense
from gpu.network._normalizers import Normalizer
from refimpl._arguments import as_choice, as_sequence


class FeedForward(Sequential):
    """`refimpl.network.FeedForward`."""

    def __init__(self, weights: Any, activation: Any = "relu", normalizers: Any = None, biases: Any = None) -> None:
        matrices = as_sequence(weights, "weights")
        xp = namespace_of(*matrices)
        self.weights = [as_real_matrix(W, f"weights[{i}]", xp=xp) for i, W in enumerate(matrices)]
        if not self.weights:
            raise ValueError("weights must be at least one matrix, got none")
        for i, (before, after) in enumerate(zip(self.weights[:-1], self.weights[1:], strict=True)):
            if after.shape[1] != before.shape[0]:
                raise ValueError(
                    f"weights[{i + 1}] must be of {before.shape[0]} columns, as weights[{i}] has rows, "
                    f"got shape {after.shape}"
                )
        count = len(self.weights)
        names = [activation] * count if isinstance(activation, str) else as_sequence(activation, "activation")
        self.activation = [as_choice(name, "activation", ACTIVATIONS) for name in names]
        self.normalizers = [None] * count if normalizers is None else as_sequence(normalizers, "normalizers")
        for i, normalizer in enumerate(self.normalizers):
            # A class has the methods too, but only its instances have numbers to work with.
            is_normalizer = isinstance(normalizer, Normalizer) and not isinstance(normalizer, type)
            if normalizer is not None and not is_normalizer:
                raise ValueError(f"normalizers[{i}] must be a Normalizer or None, got {normalizer!r}")
        if biases is None:
            self.biases = [zeros(xp, (W.shape[0],), W) for W in self.weights]
        else:
            listed = as_sequence(biases, "biases")
            self.biases = [as_real_vector(b, f"biases[{i}]", xp=xp) for i, b in enumerate(listed)]
        for name, values in (
            ("activation", self.activation), ("normalizers", self.normalizers), ("biases", self.biases)
        ):
            if len(values) != count:
                raise ValueError(f"{name} must be one for each of the {count} layers, got {len(values)}")
        for i, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            if b.shape[0] != W.shape[0]:
                raise ValueError(f"biases[{i}] must be a vector of {W.shape[0]} entries, got {b.shape[0]} entries")
        blocks = []
        for i, (W, b, normalizer) in enumerate(zip(self.weights, self.biases, self.normalizers, strict=True)):
            if normalizer is not None:
                _check_fit(normalizer, W.shape[0], i)
            dense, middle = Dense(W, b), [] if normalizer is None else [normalizer]
            blocks.append(Sequential([dense, *middle, Activation(self.activation[i])], W.shape[1]))
            self.weights[i], self.biases[i] = dense.weight, dense.bias  # one array, not two
        super().__init__(blocks, self.weights[0].shape[1])

    def pre_activations(self, x: Any) -> list[Array]:
        """W_i h_{i-1} + b_i for every layer i."""
        return [block.values(h)[1] for block, h in zip(self.parts, self.values(x)[:-1], strict=True)]

    def layers(self, x: Any) -> list[Array]:
        """h_0 = x, h_1, ..., h_K."""
        return self.values(x)


def _check_fit(normalizer: Any, rows: int, i: int) -> None:
    try:
        normalizer.lipschitz(rows)  # tells what the normalizer does not fit
    except ValueError as unfit:
        raise ValueError(f"normalizers[{i}] must fit the {rows} rows of weights[{i}], got: {unfit}") from None
