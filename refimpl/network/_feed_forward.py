"""Feed-forward networks as the sources define them, and residual blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_real_matrix, as_real_vector, as_sequence
from refimpl.network._normalizers import Normalizer

Array = npt.NDArray[Any]

# Name: function and slope; at a kink the slope is that from the left.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "identity": (lambda y: y, np.ones_like),
    "relu": (lambda y: np.maximum(y, 0), lambda y: (y > 0).astype(float)),
    "leaky_relu": (lambda y: np.where(y > 0, y, 0.01 * y), lambda y: np.where(y > 0, 1.0, 0.01)),
    # 1 / cosh^2, written so that nothing overflows.
    "tanh": (np.tanh, lambda y: 4 * np.exp(-2 * np.abs(y)) / (1 + np.exp(-2 * np.abs(y))) ** 2),
}


class FeedForward:
    r"""A feed-forward network: every layer linear, then normalized, then activated.

    .. math:: h_i = g_i(\mathrm{NO}_i(W_i h_{i-1} + b_i)), \qquad h_0 = x

    The last layer has an activation too, as in the source; "identity" leaves it out.

    Parameters
    ----------
    weights : sequence of (n_i, n_{i-1}) array_like
        Finite real matrices that fit each other, at least one.
    activation : str or sequence of str
        "relu", "leaky_relu" (slope 0.01), "tanh" or "identity": one for all layers, or one for each.
    normalizers : sequence of Normalizer or None, optional
        One for each layer, None where there is none.
    biases : sequence of (n_i,) array_like, optional
        One for each layer.

    Raises
    ------
    ValueError
        If there is no layer, shapes do not fit, or an activation is unknown.

    References
    ----------
    than.lemma-5, than.thm-9

    Examples
    --------
    >>> network = FeedForward([[[1, -1], [0, 2]], [[1, 1]]])
    >>> network([3, 1]).tolist()
    [4.0]
    """

    def __init__(
        self,
        weights: Sequence[npt.ArrayLike],
        activation: str | Sequence[str] = "relu",
        normalizers: Sequence[Normalizer | None] | None = None,
        biases: Sequence[npt.ArrayLike] | None = None,
    ) -> None:
        self.weights = [
            as_real_matrix(W, f"weights[{i}]").copy() for i, W in enumerate(as_sequence(weights, "weights"))
        ]
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
        self.activation = [as_choice(name, "activation", list(ACTIVATIONS)) for name in names]
        self.normalizers = [None] * count if normalizers is None else as_sequence(normalizers, "normalizers")
        for i, normalizer in enumerate(self.normalizers):
            # A class has the methods too, but only its instances have numbers to work with.
            is_normalizer = isinstance(normalizer, Normalizer) and not isinstance(normalizer, type)
            if normalizer is not None and not is_normalizer:
                raise ValueError(f"normalizers[{i}] must be a Normalizer or None, got {normalizer!r}")
        if biases is None:
            self.biases = [np.zeros(W.shape[0]) for W in self.weights]
        else:
            self.biases = [
                as_real_vector(b, f"biases[{i}]").copy() for i, b in enumerate(as_sequence(biases, "biases"))
            ]
        for name, values in (
            ("activation", self.activation), ("normalizers", self.normalizers), ("biases", self.biases)
        ):
            if len(values) != count:
                raise ValueError(f"{name} must be one for each of the {count} layers, got {len(values)}")
        for i, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            if b.size != W.shape[0]:
                raise ValueError(f"biases[{i}] must be a vector of {W.shape[0]} entries, got {b.size} entries")

    def pre_activations(self, x: npt.ArrayLike) -> list[Array]:
        """W_i h_{i-1} + b_i for every layer i."""
        return self._forward(x)[0]

    def layers(self, x: npt.ArrayLike) -> list[Array]:
        """h_0 = x, h_1, ..., h_K."""
        return self._forward(x)[1]

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Output h_K at one input vector."""
        return self.layers(x)[-1]

    def _forward(self, x: npt.ArrayLike) -> tuple[list[Array], list[Array]]:
        linear, outputs = [], [as_real_vector(x, size=self.weights[0].shape[1]).copy()]
        for W, b, normalizer, name in zip(
            self.weights, self.biases, self.normalizers, self.activation, strict=True
        ):
            y = W @ outputs[-1] + b
            linear.append(y)
            g, _ = ACTIVATIONS[name]
            outputs.append(g(y if normalizer is None else normalizer(y)))
        return linear, outputs


class Residual:
    r"""A residual network :math:`x + f(x)` of a feed-forward network with as many outputs as inputs.

    Parameters
    ----------
    block : FeedForward
        The branch f.

    Raises
    ------
    ValueError
        If the block has another number of outputs than of inputs.

    References
    ----------
    than.lemma-5.residual

    Examples
    --------
    >>> Residual(FeedForward([[[2]]]))([3]).tolist()
    [9.0]
    """

    def __init__(self, block: FeedForward) -> None:
        if not isinstance(block, FeedForward):
            raise ValueError(f"block must be a FeedForward, got {block!r}")
        inputs, outputs = block.weights[0].shape[1], block.weights[-1].shape[0]
        if inputs != outputs:
            raise ValueError(f"block must be a network with as many outputs as inputs, got {outputs} and {inputs}")
        self.block = block

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Output at one input vector."""
        return as_real_vector(x) + self.block(x)
