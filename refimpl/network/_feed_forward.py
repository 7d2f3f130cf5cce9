"""Feed-forward networks as the sources define them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_real_matrix, as_real_vector, as_sequence
from refimpl.layers._activations import ACTIVATIONS
from refimpl.network._compositions import Sequential
from refimpl.network._layers import Activation, Dense
from refimpl.network._normalizers import Normalizer

Array = npt.NDArray[Any]


class FeedForward(Sequential):
    r"""A feed-forward network: every layer linear, then normalized, then activated.

    .. math:: h_i = g_i(\mathrm{NO}_i(W_i h_{i-1} + b_i)), \qquad h_0 = x

    The last layer has an activation too, as in the source; "identity" leaves it out.

    Parameters
    ----------
    weights : sequence of (n_i, n_{i-1}) array_like
        Finite real matrices that fit each other, at least one.
    activation : str or sequence of str
        As in `refimpl.layers.activation`: one for all layers, or one for each.
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
        self.weights = as_chain(weights)
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
        blocks = []
        for i, (W, b, normalizer) in enumerate(zip(self.weights, self.biases, self.normalizers, strict=True)):
            if normalizer is not None:
                _check_fit(normalizer, len(W), i)
            dense, middle = Dense(W, b), [] if normalizer is None else [normalizer]
            blocks.append(Sequential([dense, *middle, Activation(self.activation[i])], W.shape[1]))
            self.weights[i], self.biases[i] = dense.weight, dense.bias  # one array, not two
        super().__init__(blocks, self.weights[0].shape[1])

    def pre_activations(self, x: npt.ArrayLike) -> list[Array]:
        """W_i h_{i-1} + b_i for every layer i."""
        return [block.values(h)[1] for block, h in zip(self.parts, self.values(x)[:-1], strict=True)]

    def layers(self, x: npt.ArrayLike) -> list[Array]:
        """h_0 = x, h_1, ..., h_K."""
        return self.values(x)


def as_chain(weights: Sequence[npt.ArrayLike]) -> list[Array]:
    """Copies of real matrices, at least one, each of which fits the one before."""
    chain = [as_real_matrix(W, f"weights[{i}]").copy() for i, W in enumerate(as_sequence(weights, "weights"))]
    if not chain:
        raise ValueError("weights must be at least one matrix, got none")
    for i, (before, after) in enumerate(itertools.pairwise(chain)):
        if after.shape[1] != before.shape[0]:
            raise ValueError(
                f"weights[{i + 1}] must be of {before.shape[0]} columns, as weights[{i}] has rows, "
                f"got shape {after.shape}"
            )
    return chain


def _check_fit(normalizer: Normalizer, rows: int, i: int) -> None:
    try:
        normalizer.lipschitz(rows)  # tells what the normalizer does not fit
    except ValueError as unfit:
        raise ValueError(f"normalizers[{i}] must fit the {rows} rows of weights[{i}], got: {unfit}") from None
