"""One table: a bad call of curvature, and the whole message: argument, need, what it got."""

# ruff: noqa: E501
import numpy as np
import pytest

from refimpl import curvature
from refimpl.network import FeedForward, FrozenBatchNorm, Sequential

NAMES = {name: getattr(curvature, name) for name in curvature.__all__}
NAMES |= {
    "np": np, "nan": float("nan"), "inf": float("inf"), "z": [1.0, 2.0], "h": [3.0], "x": [1.0],
    "net": FeedForward([[[1.0]], [[1.0], [2.0]]], ["relu", "identity"]), "one": FeedForward([[[1.0], [2.0]]], "identity"),
    "FeedForward": FeedForward, "Sequential": Sequential, "FrozenBatchNorm": FrozenBatchNorm,
}
VECTOR = "logits must be a vector"
LABEL = "label must be an integer of at least 0, got "
NOISY = ("smoothed_cross_entropy", "smoothed_cross_entropy_gradient", "smoothed_cross_entropy_bound", "activation_decay", "taylor_smoothed_cross_entropy")
LABELLED = [
    ("5, 0", f"{VECTOR} (one dimension), got shape ()"),
    ("[], 0", f"{VECTOR} with at least one entry, got shape (0,)"),
    ("[[1, 2]], 0", f"{VECTOR} (one dimension), got shape (1, 2)"),
    ("[1, nan], 0", f"{VECTOR} of finite numbers, got nan at index (1,)"),
    ("[1, inf], 0", f"{VECTOR} of finite numbers, got inf at index (1,)"),
    ("[1j, 2], 0", "logits must be a real vector, got dtype complex128"),
    ("['a'], 0", f"{VECTOR} of real or complex numbers, got dtype <U1"),
    ("[True, False], 0", f"{VECTOR} of real or complex numbers, got dtype bool"),
    ("z, 2", "label must be below 2, the number of logits, got 2"),
    ("z, -1", f"{LABEL}-1"),
    ("z, 1.0", f"{LABEL}1.0"),
    ("z, True", f"{LABEL}True"),
    ("z, None", f"{LABEL}None"),
    ("z, '1'", f"{LABEL}'1'"),
    ("z, [1.0]", "label must be a vector of 2 entries, got 1 entries"),
    ("z, [0.5, 0.25]", "label must be a class or probabilities that sum to 1, got a sum of 0.75"),
    ("z, [1.5, -0.5]", "label must lie in [0, 1], got -0.5"),
    ("z, [nan, 1]", "label must be a vector of finite numbers, got nan at index (0,)"),
    ("z, [[1, 0]]", "label must be a vector (one dimension), got shape (1, 2)"),
]
NOISE = [
    ("3.0, 0.5", "h must be a vector (one dimension), got shape ()"),
    ("[], 0.5", "h must be a vector with at least one entry, got shape (0,)"),
    ("[nan], 0.5", "h must be a vector of finite numbers, got nan at index (0,)"),
    ("[1j], 0.5", "h must be a real vector, got dtype complex128"),
    ("h, -1", "sigma must be a finite number of at least 0, got -1.0"),
    ("h, nan", "sigma must be a finite number of at least 0, got nan"),
    ("h, inf", "sigma must be a finite number of at least 0, got inf"),
    ("h, '1'", "sigma must be a finite number of at least 0, got '1'"),
    ("h, [1]", "sigma must be a finite number of at least 0, got [1]"),
    ("h, True", "sigma must be a finite number of at least 0, got True"),
]
TABLE = [
    *((f"{name}({rest})", message) for name in ("cross_entropy", "cross_entropy_gradient") for rest, message in LABELLED),
    *((f"{name}({rest}, h, 0.5)", message) for name in NOISY for rest, message in LABELLED),
    *((f"{name}(z, 0, {rest})", message) for name in NOISY for rest, message in NOISE),
    *((f"smoothed_cross_entropy_hessian(z, {rest})", message) for rest, message in NOISE),
    ("smoothed_cross_entropy_hessian([nan], h, 1)", f"{VECTOR} of finite numbers, got nan at index (0,)"),
    ("cross_entropy_hessian([1, nan])", f"{VECTOR} of finite numbers, got nan at index (1,)"),
    ("cross_entropy_hessian([[1]])", f"{VECTOR} (one dimension), got shape (1, 1)"),
    ("smoothed_hessian_bound(-1, 1, 1)", "curvature must be a number of at least 0, got -1.0"),
    ("smoothed_hessian_bound(nan, 1, 1)", "curvature must be a number of at least 0, got nan"),
    ("smoothed_hessian_bound([1], 1, 1)", "curvature must be a number of at least 0, got [1]"),
    ("smoothed_hessian_bound(1, -1, 1)", "gradient must be a finite number of at least 0, got -1.0"),
    ("smoothed_hessian_bound(1, inf, 1)", "gradient must be a finite number of at least 0, got inf"),
    ("smoothed_hessian_bound(1, 1, -1)", "sigma must be a finite number of at least 0, got -1.0"),
    ("smoothed_hessian_bound(1, 1, inf)", "sigma must be a finite number of at least 0, got inf"),
]
NETWORKS = [
    ("loss_hessian(3, x, 0)", "network must be a FeedForward, got 3"),
    ("loss_hessian(Sequential([net], 1), x, 0)", "network must be a FeedForward, got Sequential(1 layers, 1 -> 2)"),
    ("loss_hessian(FeedForward([[[1.0]]]), x, 0)", "network must end in the activation 'identity', got 'relu'"),
    ("loss_hessian(FeedForward([[[1.0]]], 'identity', [FrozenBatchNorm([0.0], [1.0], 1)]), x, 0)", "network must have no normalizers, got some"),
    ("loss_hessian(net, [1, 2], 0)", "x must be a vector of 1 entries, got 2 entries"),
    ("loss_hessian(net, [nan], 0)", "x must be a vector of finite numbers, got nan at index (0,)"),
    ("loss_hessian(net, x, 2)", "label must be below 2, the number of logits, got 2"),
    ("loss_hessian(net, x, 0, loss='squared')", "label must be a vector (one dimension), got shape ()"),
    ("loss_hessian(net, x, [1.0], loss='squared')", "label must be a vector of 2 entries, got 1 entries"),
    ("loss_hessian(net, x, 0, loss='hinge')", "loss must be one of 'cross_entropy', 'squared', got 'hinge'"),
    ("loss_hessian(net, x, 0, weights='first')", "weights must be one of 'all', 'inner', 'last', got 'first'"),
    ("loss_hessian(one, x, 0, weights='inner')", "weights must be 'all' or 'last' for a network of one layer, got 'inner'"),
    ("hessian_norm_bound(3, x)", "network must be a FeedForward, got 3"),
    ("hessian_norm_bound(FeedForward([[[1.0]]]), x)", "network must end in the activation 'identity', got 'relu'"),
    ("hessian_norm_bound(net, [1, 2])", "x must be a vector of 1 entries, got 2 entries"),
    ("hessian_norm_bound(net, x, loss=None)", "loss must be one of 'cross_entropy', 'squared', got None"),
    ("hessian_norm_bound(net, x, weights=1)", "weights must be one of 'all', 'inner', 'last', got 1"),
    ("hessian_norm_bound(one, x, weights='inner')", "weights must be 'all' or 'last' for a network of one layer, got 'inner'"),
]

# Correct arguments, but a result or a step that floats do not hold.
BEYOND = [
    ("cross_entropy([1.5e308, -1.5e308], 1)", "a difference of logits leaves the range of floats: scale the arguments down"),
    ("smoothed_cross_entropy([1.5e308, -1.5e308], 1, h, 1)", "a difference of logits leaves the range of floats: scale the arguments down"),
    ("activation_decay(z, 0, h, 1e200)", "the bound leaves the range of floats: scale the arguments down"),
    ("smoothed_cross_entropy_bound(z, 0, h, 1e200)", "the bound leaves the range of floats: scale the arguments down"),
    ("taylor_smoothed_cross_entropy(z, 0, h, 1e200)", "the estimate leaves the range of floats: scale the arguments down"),
    ("smoothed_cross_entropy(z, 0, [1e300], 1e300)", "sigma times the norm of h leaves the range of floats: scale the arguments down"),
]


@pytest.mark.parametrize(("call", "message"), TABLE + NETWORKS, ids=[call for call, _ in TABLE + NETWORKS])
def test_bad_input_is_named_in_the_message(call, message):
    with pytest.raises(ValueError) as raised:
        eval(call, dict(NAMES))
    assert str(raised.value) == message


@pytest.mark.parametrize(("call", "message"), BEYOND, ids=[call for call, _ in BEYOND])
def test_what_floats_do_not_hold_is_an_error(call, message):
    with pytest.raises(OverflowError) as raised:
        eval(call, dict(NAMES))
    assert str(raised.value) == message


def test_every_public_function_has_a_line_in_the_table():
    calls = " " + " ".join(call for call, _ in TABLE + NETWORKS)
    assert {name for name in curvature.__all__ if f" {name}(" not in calls} == set()
