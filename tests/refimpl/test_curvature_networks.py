"""Hessians of small networks: closed forms, torch, and the bounds on their norms."""

import itertools
import math

import numpy as np
import pytest

from refimpl import curvature
from refimpl.curvature._networks import second_derivative
from refimpl.layers import activation_derivative
from refimpl.network import FeedForward

SMOOTH = ("tanh", "sigmoid", "gelu", "softplus", "silu")
NAMES = (*SMOOTH, "relu", "leaky_relu", "abs", "identity")
RNG = np.random.default_rng(3)


def network(*sizes, name="tanh", biases=True):
    weights = [RNG.standard_normal((m, n)) for n, m in itertools.pairwise(sizes)]
    names = [name] * (len(weights) - 1) + ["identity"]
    return FeedForward(weights, names, biases=[RNG.standard_normal(len(W)) for W in weights] if biases else None)


@pytest.mark.parametrize("name", NAMES)
def test_second_derivatives_integrate_to_first_ones(name):
    t, w = np.polynomial.legendre.leggauss(60)
    for low, high in ((-6.0, -0.5), (0.25, 1.0), (1.0, 9.0)):
        points = low + (high - low) * (t + 1) / 2
        rise = activation_derivative([high], name) - activation_derivative([low], name)
        assert (high - low) / 2 * (w @ second_derivative(points, name)) == pytest.approx(rise[0], abs=1e-13)
    assert second_derivative(np.array([-1e300, 1e300]), name).tolist() == [0.0, 0.0]


def test_chain_of_numbers():
    chain = FeedForward([[[2.0]], [[3.0]], [[5.0]]], ["relu", "relu", "identity"])
    hessian = curvature.loss_hessian(chain, [0.5], [15.0], loss="squared")
    J = 0.5 * np.array([15.0, 10.0, 6.0])
    np.testing.assert_allclose(hessian, np.outer(J, J), rtol=1e-14)
    assert curvature.hessian_norm_bound(chain, [0.5], loss="squared") == pytest.approx(J @ J, rel=1e-14)
    # Away from the target the second derivatives of the product come in: 5 times the residual 1.
    moved = curvature.loss_hessian(chain, [0.5], [14.0], loss="squared") - np.outer(J, J)
    np.testing.assert_allclose(moved, 0.5 * np.array([[0, 5, 3], [5, 0, 2], [3, 2, 0]]), atol=1e-13)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared"])
def test_last_layer_is_a_kronecker_product(loss):
    net, x = network(3, 4, 5, name="gelu"), RNG.standard_normal(3)
    label = 2 if loss == "cross_entropy" else RNG.standard_normal(5)
    h, logits = net.layers(x)[1:]
    outer = curvature.cross_entropy_hessian(logits) if loss == "cross_entropy" else np.eye(5)
    hessian = curvature.loss_hessian(net, x, label, loss=loss, weights="last")
    np.testing.assert_allclose(hessian, np.kron(outer, np.outer(h, h)), atol=1e-14)
    bound = curvature.hessian_norm_bound(net, x, loss=loss, weights="last")
    assert bound == pytest.approx(np.linalg.norm(hessian, 2), rel=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_blocks_belong_together(name):
    net, x = network(2, 3, 2, 3, name=name), RNG.standard_normal(2)
    whole, inner, last = (curvature.loss_hessian(net, x, 0, weights=which) for which in ("all", "inner", "last"))
    assert whole.shape == (18, 18) and (whole == whole.T).all()
    np.testing.assert_allclose(whole[:12, :12], inner, atol=1e-14)
    np.testing.assert_allclose(whole[12:, 12:], last, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("loss", ["cross_entropy", "squared"])
def test_against_torch(name, loss):
    torch = pytest.importorskip("torch")
    functions = {
        "relu": torch.relu, "leaky_relu": lambda v: torch.nn.functional.leaky_relu(v, 0.01), "abs": torch.abs,
        "tanh": torch.tanh, "sigmoid": torch.sigmoid, "gelu": torch.nn.functional.gelu, "identity": lambda v: v,
        "softplus": torch.nn.functional.softplus, "silu": torch.nn.functional.silu,
    }
    net, x, target = network(2, 3, 2, 3, name=name), RNG.standard_normal(2), RNG.standard_normal(3)
    sizes = [W.size for W in net.weights]

    def value(flat):
        v = torch.tensor(x)
        for i, part in enumerate(torch.split(flat, sizes)):
            v = part.reshape(net.weights[i].shape) @ v + torch.tensor(net.biases[i])
            v = functions[name](v) if i < 2 else v
        if loss == "squared":
            return ((v - torch.tensor(target)) ** 2).sum() / 2
        return torch.logsumexp(v, 0) - v[1]

    start = torch.tensor(np.concatenate([W.ravel() for W in net.weights]))
    expected = torch.autograd.functional.hessian(value, start).numpy()
    found = curvature.loss_hessian(net, x, target if loss == "squared" else 1, loss=loss)
    np.testing.assert_allclose(found, expected, atol=1e-12 * (1 + np.abs(expected).max()))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", ["all", "inner", "last"])
def test_bound_holds_where_the_gradient_in_the_logits_is_zero(name, which):
    for sizes in ((2, 3, 2), (3, 2, 2, 4), (1, 3, 3, 2, 2)):
        net, x = network(*sizes, name=name), RNG.standard_normal(sizes[0])
        norm = np.linalg.norm(curvature.loss_hessian(net, x, net(x), loss="squared", weights=which), 2)
        assert norm <= curvature.hessian_norm_bound(net, x, loss="squared", weights=which) * (1 + 1e-12)


def test_large_weights():
    net = FeedForward([[[1e160]], [[1.0]]], "identity")
    assert curvature.hessian_norm_bound(net, [1.0], loss="squared") == math.inf
    with pytest.raises(OverflowError, match="the Hessian leaves the range of floats"):
        curvature.loss_hessian(net, [1.0], [0.0], loss="squared")


def test_zero_input_has_no_curvature(frozen):
    net = network(2, 3, 2, biases=False)
    x = frozen([0.0, 0.0])
    assert not curvature.loss_hessian(net, x, [0.0, 0.0], loss="squared").any()
    assert curvature.hessian_norm_bound(net, x) == 0
