"""orthogonium: its bounds of convolutions by Gram iteration, and the maps behind its orthogonal layers."""

from typing import Any

import numpy as np
import torch
from orthogonium.layers.conv.singular_values.get_sv import get_conv_sv
from orthogonium.reparametrizers import BatchedBjorckOrthogonalization, BatchedExponentialOrthogonalization

from proofs_check.implementation import Unsupported


def circular_norm_bound(K: Any, n: Any, n_iter: int, *, certified: bool = False) -> float:
    """``get_conv_sv`` of a `torch.nn.Conv2d` with circular padding, for square images."""
    sides = {int(side) for side in np.ravel(n)}
    if certified or len(sides) > 1:
        raise Unsupported("orthogonium's bound is neither certified nor for images that are no squares")
    return _bound(K, n_iter, "circular", sides.pop())


def zero_padded_norm_bound(
    K: Any, n_iter: int, norm: str = "inf", *, n: Any = None, certified: bool = False
) -> float:
    """``get_conv_sv`` of a `torch.nn.Conv2d` with zero padding."""
    if certified or norm != "inf":
        raise Unsupported("orthogonium's bound is not certified, and by sums of absolute values")
    if n_iter > 3 and len(set(np.shape(K)[2:])) > 1:
        raise Unsupported("orthogonium pads what is no square in both axes: the other one grows threefold a step")
    return _bound(K, n_iter, "zeros", None)


def bjorck(W: Any, n_iter: int) -> Any:
    """``BatchedBjorckOrthogonalization`` with beta 1/2."""
    A = _real(W)
    return BatchedBjorckOrthogonalization(A.shape, beta=0.5, niters=n_iter)(A).numpy()


def skew_exponential(W: Any, terms: int | None = None) -> Any:
    """``BatchedExponentialOrthogonalization`` of 2 W, whose skew part it halves: a series of at least two terms."""
    A = _real(W)
    if terms is None or terms < 2 or len(set(A.shape)) > 1:
        raise Unsupported("orthogonium has the series with two terms or more, and pads what is not square")
    return BatchedExponentialOrthogonalization(A.shape, niters=terms)(2 * A).numpy()


def _bound(K: Any, n_iter: int, padding: str, side: int | None) -> float:
    weight = _real(K)
    c_out, c_in, *size = weight.shape
    if size == [1, 1]:
        raise Unsupported("orthogonium takes the norm of the matrix for kernels of one tap, no bound")
    layer = torch.nn.Conv2d(c_in, c_out, size, padding_mode=padding, bias=False, dtype=torch.float64)
    layer.weight.data = weight
    return float(get_conv_sv(layer, n_iter, return_stab_rank=False, imsize=side))


def _real(W: Any) -> torch.Tensor:
    A = np.array(W)
    if np.iscomplexobj(A):
        raise Unsupported("orthogonium has real weights")
    return torch.tensor(A * 1.0)
