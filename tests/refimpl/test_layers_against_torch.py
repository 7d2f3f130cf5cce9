"""Activations, pooling, normalization and orthogonal maps against PyTorch, an implementation by others."""

import numpy as np
import pytest

from refimpl import layers
from refimpl.network import pooling_lipschitz

torch = pytest.importorskip("torch")
functional = torch.nn.functional

U = 2.0**-53
ACTIVATIONS = {
    "relu": functional.relu, "leaky_relu": lambda x: functional.leaky_relu(x, 0.3), "tanh": torch.tanh,
    "sigmoid": torch.sigmoid, "gelu": lambda x: functional.gelu(x, approximate="none"), "silu": functional.silu,
    # From its threshold on PyTorch returns x, which is off by exp(-40).
    "softplus": lambda x: functional.softplus(x, threshold=40), "abs": torch.abs, "identity": torch.nn.Identity(),
}


def _norm(A):
    return float(torch.linalg.matrix_norm(torch.as_tensor(A), 2))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_those_of_torch(name, rng):
    x = np.concatenate([np.linspace(-30, 30, 241), 40 * rng.standard_normal(50), [0.0, 1e-300, -1e-300]])
    expected = ACTIVATIONS[name](torch.from_numpy(x)).numpy()
    # PyTorch adds the error function to 1, so that its gelu below zero is off by U times x, not relatively.
    atol = 8 * U * np.abs(x).max() if name == "gelu" else 64 * 2.0**-1074
    np.testing.assert_allclose(layers.activation(x, name, slope=0.3), expected, rtol=8 * U, atol=atol)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "softplus"])
def test_slopes_of_torch_stay_below_the_constant_and_come_close(name):
    x = torch.linspace(-6, 6, 6001, dtype=torch.float64, requires_grad=True)
    (slopes,) = torch.autograd.grad(ACTIVATIONS[name](x).sum(), x)
    constant = layers.activation_lipschitz(name, slope=0.3)
    largest = float(slopes.abs().max())
    # The grid comes within 1e-3 of the steepest point, softplus within exp(-6) of its limit.
    assert constant - (3e-3 if name == "softplus" else 1e-6) <= largest <= constant + 16 * U


@pytest.mark.parametrize(("n", "k", "stride"), [(7, 3, 2), (8, 2, 2), (6, 3, 1), (9, 4, 2), (5, 5, 1)])
def test_max_pooling_of_torch_reaches_the_constant_on_a_spike_and_never_more(n, k, stride, rng):
    constant = pooling_lipschitz("max", n, k, stride)
    spikes = torch.eye(n * n, dtype=torch.float64).reshape(-1, 1, n, n)
    pooled = functional.max_pool2d(spikes, k, stride)
    assert float(pooled.flatten(1).norm(dim=1).max()) == constant
    x, y = torch.from_numpy(rng.standard_normal((2, 100, 1, n, n)))
    moved = functional.max_pool2d(x, k, stride) - functional.max_pool2d(y, k, stride)
    assert (moved.flatten(1).norm(dim=1) <= constant * (x - y).flatten(1).norm(dim=1) * (1 + 256 * U)).all()


def test_max_pooling_of_residual_networks_has_the_constant_two():
    spike = torch.zeros(1, 1, 7, 7, dtype=torch.float64)
    spike[0, 0, 2, 2] = 1
    assert float(functional.max_pool2d(spike, 3, 2).norm()) == pooling_lipschitz("max", 7, 3, 2) == 2.0


@pytest.mark.parametrize(("n", "k", "stride"), [(7, 3, 2), (8, 2, 2), (6, 3, 1), (5, 5, 1)])
def test_average_pooling_of_torch_has_the_norm_of_its_matrix(n, k, stride):
    spikes = torch.eye(n * n, dtype=torch.float64).reshape(-1, 1, n, n)
    matrix = functional.avg_pool2d(spikes, k, stride).flatten(1)
    constant = pooling_lipschitz("average", n, k, stride)
    assert abs(_norm(matrix) - constant) <= 64 * n * n * U * constant


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_skew_exponential_is_the_matrix_exponential_of_torch(n, dtype):
    W = torch.randn(n, n, dtype=dtype, generator=torch.Generator().manual_seed(n))
    A = W - W.mH
    expected = torch.linalg.matrix_exp(A).numpy()
    tolerance = 64 * n * n * U * (1 + _norm(A))
    np.testing.assert_allclose(layers.skew_exponential(W.numpy()), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_cayley_solves_its_equation_in_torch(n, dtype):
    W = torch.randn(n, n, dtype=dtype, generator=torch.Generator().manual_seed(n))
    A, identity = W - W.mH, torch.eye(n, dtype=dtype)
    expected = torch.linalg.solve(identity - A, identity + A).numpy()
    np.testing.assert_allclose(layers.cayley(W.numpy()), expected, rtol=0, atol=64 * n * n * U * (1 + _norm(A)))


@pytest.mark.parametrize("orthogonal_map", ["cayley", "matrix_exp"])
def test_parametrizations_of_torch_are_our_maps_of_the_lower_triangle(orthogonal_map):
    layer = torch.nn.Linear(4, 4, bias=False, dtype=torch.float64)
    layer = torch.nn.utils.parametrizations.orthogonal(layer, orthogonal_map=orthogonal_map, use_trivialization=False)
    free = torch.randn(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        layer.parametrizations.weight.original.copy_(free)
    A = np.tril(free.numpy())
    # PyTorch takes the skew part of the lower triangle, for Cayley half of it.
    ours = layers.cayley(A / 2) if orthogonal_map == "cayley" else layers.skew_exponential(A)
    tolerance = 1024 * U * (1 + 2 * _norm(A))
    theirs = layer.weight.detach().numpy()
    for Q in (ours, theirs):
        assert np.abs(Q.T @ Q - np.eye(4)).max() <= tolerance
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (8, 4)], ids=str)
def test_normalized_matrices_have_norm_one_in_torch(shape, rng):
    A = rng.standard_normal(shape)
    for certified in (False, True):
        tolerance = 1e-10 if certified else 64 * U * max(shape)
        assert abs(_norm(layers.spectral_normalization(A, certified=certified)) - 1) <= tolerance
    for n_iter in (1, 3):
        assert _norm(A * layers.spectral_rescaling(A, n_iter)) <= 1 + 64 * U * max(shape)
    square = rng.standard_normal((shape[0], shape[0]))
    assert abs(_norm(layers.residual_linear_block(square)) - 1) <= 64 * U * max(shape)
