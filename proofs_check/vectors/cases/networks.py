"""Small networks as plain lists of weights and biases: bounds, derivatives, Hessians of the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb

from proofs_check.balls import curvature
from proofs_check.balls import network as balls
from proofs_check.balls._lift import ball_array
from proofs_check.balls.spectral import spectral_norm
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import ARRAY, CHOICE, COUNTS, INTEGER, NETWORK, NUMBER, Case, Function, bad
from proofs_check.vectors.cases._matrices import rows

NAN = float("nan")
Net = dict[str, Any]


def _net(*weights: Any, names: tuple[str, ...] = (), biases: Any = None) -> Net:
    """With relu between and identity at the end, without biases, where nothing else is said."""
    between = ["relu"] * (len(weights) - 1) + ["identity"]
    zeros = [np.zeros(len(W)) for W in weights]
    return {"weights": list(weights), "activation": list(names) or between, "biases": zeros if biases is None else biases}


_ROTATION, _SHEAR = rows([0, -1], [1, 0]), rows([1, 2], [0, 1])
NETS: list[tuple[str, tuple[str, ...], Net]] = [
    ("one layer, norm 5", ("ClosedForm",), _net(rows([3, 4]))),
    ("one layer, nilpotent: norm 5, eigenvalues 0", ("ClosedForm", "Nilpotent"), _net(rows([0, 5], [0, 0]))),
    ("two rotations, all inactive at a negative input", ("ClosedForm", "RepeatedSingularValue"), _net(2 * np.eye(2), _ROTATION)),
    ("norms 2 and 3 multiply", ("ClosedForm",), _net(rows([2]), rows([3]))),
    ("layers that annihilate each other: the product of norms is far above", ("ClosedForm", "LowRank"),
     _net(rows([1, 0], [0, 0]), rows([0, 0], [0, 1]), names=("identity", "identity"))),
    ("opposite weights cancel in the sum", ("Cancellation",), _net(rows([1], [-1]), rows([1, 1]))),
    ("a layer that widens, a layer that narrows", ("NotSquare", "ChannelOrder"),
     _net(rows([1, 2], [3, 4], [5, 6]), rows([1, -1, 2]))),
    ("three layers", ("NotSquare",), _net(_SHEAR, rows([1, 1], [1, -1], [0, 2]), rows([1, 2, -1]))),
    ("tanh between", ("ClosedForm",), _net(_SHEAR, rows([1, -1]), names=("tanh", "identity"))),
    ("the sigmoid's slope is 1/4", ("ClosedForm",), _net(rows([4, 0], [0, 4]), rows([1, 1]), names=("sigmoid", "identity"))),
    ("the GELU's slope is above 1", ("Boundary",), _net(rows([1]), rows([1]), names=("gelu", "identity"))),
    ("a leaky ReLU", ("ClosedForm",), _net(_SHEAR, rows([2, 1]), names=("leaky_relu", "identity"))),
    ("moduli", ("ClosedForm",), _net(_SHEAR, _ROTATION, names=("abs", "identity"))),
    ("softplus, with biases", ("ClosedForm",), _net(_SHEAR, rows([1, -2]), names=("softplus", "identity"),
                                                   biases=[np.array([0.5, -1.0]), np.array([2.0])])),
    ("biases decide which ReLU is active", ("ChannelOrder",), _net(np.eye(2), rows([1, 2]), biases=[np.array([-3.0, 3.0]), np.zeros(1)])),
    ("a layer of zeros: constant", ("Zero",), _net(np.zeros((2, 2)), rows([1, 1]))),
    ("the leading value twice in each layer", ("RepeatedSingularValue",), _net(_ROTATION, 3 * _ROTATION)),
    ("weights far apart: 2^30 and 2^-30", ("FarApart",), _net(rows([2.0**30, 0], [0, 1]), rows([2.0**-30, 1]))),
    ("small weights: an epsilon counts", ("EpsilonBreaksBound",), _net(rows([2.0**-40, 0], [2.0**-41, 2.0**-40]), rows([1, 1]))),
]
POINTS = (2.0, -0.5, 0.25, -1.5, 1.0)


def _point(net: Net, number: int) -> Any:
    """Entries off the kinks of the listed networks."""
    return np.array([POINTS[(number + i) % 5] + 1 / 16 for i in range(net["weights"][0].shape[1])])


def _nets(drawn: int = 24, smooth: bool = False, ends: bool = False) -> list[tuple[str, tuple[str, ...], Net]]:
    draws, found = Draws("networks", 0), list(NETS)
    for i in range(drawn):
        widths = [draws.integer(1, 3) for _ in range(3 + i % 2)]
        shapes = list(zip(widths[1:], widths[:-1], strict=True))
        name = ("relu", "tanh", "leaky_relu", "softplus")[i % 4]
        net = _net(*[draws.array(*shape, high=8, of=4) for shape in shapes],
                   names=(*[name] * (len(shapes) - 1), "identity"), biases=[draws.array(m, high=4, of=4) + 1 / 32 for m, _ in shapes])
        found.append((f"drawn, {name}, widths {widths}", ("Drawn",), net))
    if ends:
        found = [item for item in found if item[2]["activation"][-1] == "identity"]
    return found


_BAD_NET = _net(rows([1, NAN]))


def _product() -> list[Case]:
    return [*[Case(c, f, {"network": net}) for c, f, net in _nets(26)], bad("NaN among the weights", network=_BAD_NET),
            bad("widths do not fit", network=_net(np.eye(2), np.eye(3))),
            bad("no such activation", network=_net(np.eye(2), names=("step",)))]


def _largest(net: Net) -> arb:
    """A lower bound of the Lipschitz constant: the largest norm of a Jacobian at five points."""
    best = arb(0)
    for number in range(5):
        best = best.max(spectral_norm(balls.input_jacobian(_built(net), _point(net, number))))
    return best


def _built(net: Net) -> Any:
    return balls.FeedForward(net["weights"], net["activation"], None, net["biases"])


def _jacobian() -> list[Case]:
    cases = [Case(f"{c}; point {i % 5 + 1}", f, {"network": net, "x": _point(net, i)}) for i, (c, f, net) in enumerate(_nets())]
    return [*cases, bad("x of another length", network=NETS[0][2], x=np.ones(3)), bad("NaN", network=NETS[1][2], x=np.array([NAN, 0.0]))]


def _weight() -> list[Case]:
    cases = []
    for i, (c, f, net) in enumerate(_nets()):
        layer = 1 + i % len(net["weights"])
        cases.append(Case(f"{c}; by the weights of layer {layer}", f, {"network": net, "x": _point(net, i), "layer": layer}))
    return [*cases, bad("no such layer", network=NETS[0][2], x=np.ones(2), layer=2), bad("layers count from 1", network=NETS[0][2], x=np.ones(2), layer=0),
            bad("x of another length", network=NETS[0][2], x=np.ones(3), layer=1)]


def _local() -> list[Case]:
    """Networks of one input: slopes between kinks."""
    cases, draws = [], Draws("local_lipschitz_exact", 0)
    hat = _net(rows([1], [1], [1]), rows([1, -2, 1]), biases=[np.array([1.0, 0.0, -1.0]), np.zeros(1)])
    for x, r in ((0.5, 0.25), (0.5, 1.0), (-3.0, 1.0), (-3.0, 2.5), (0.0, 0.125), (2.0, 0.5), (2.0, float("inf")), (1.5, 0.75)):
        cases.append(Case(f"a hat of slopes 1 and -1 around {x:g}, radius {r:g}", ("ClosedForm", "Boundary"), {"network": hat, "x": np.array([x]), "radius": r}))
    near = _net(rows([1], [1]), rows([1, 8]), biases=[np.array([0.0, -1.0]), np.zeros(1)])
    for r in (0.5, 0.875, 1.25, 4.0):
        cases.append(Case(f"a steeper piece at 1, radius {r:g} from 1/4: the slope at the point is no bound", ("KernelSize", "ClosedForm"), {"network": near, "x": np.array([0.25]), "radius": r}))
    steep = _net(rows([2.0**20], [1]), rows([1, 1]), biases=[np.array([-(2.0**20), 0.0]), np.zeros(1)])
    for r in (0.5, 2.0):
        cases.append(Case(f"slopes 1 and 2^20, radius {r:g}", ("FarApart",), {"network": steep, "x": np.array([0.0625]), "radius": r}))
    for i in range(28):
        widths = [1, draws.integer(2, 4), draws.integer(1, 2)] if i % 2 else [1, 3, 2, 1]
        name = ("relu", "leaky_relu", "abs")[i % 3]
        shapes = list(zip(widths[1:], widths[:-1], strict=True))
        net = _net(*[draws.array(*s, high=8, of=4) for s in shapes], names=(*[name] * (len(shapes) - 1), "identity"),
                   biases=[draws.array(m, high=8, of=4) + 1 / 32 for m, _ in shapes])
        cases.append(Case(f"drawn, {name}", ("Drawn",), {"network": net, "x": np.array([draws.integer(-8, 8) / 4]), "radius": draws.integer(1, 8) / 4 + 1 / 64}))
    good: Net = {"network": hat, "x": np.array([0.0])}
    return [*cases, bad("a negative radius", **good, radius=-1.0), bad("NaN", network=hat, x=np.array([NAN]), radius=1.0), bad("not piecewise linear", network=NETS[10][2], x=np.array([0.0]), radius=1.0)]


def _identities() -> list[Case]:
    cases = [Case(f"{m} rows, {n} columns", ("ClosedForm", "NotSquare", "ChannelOrder") if m != n else ("ClosedForm",), {"n_out": m, "n_in": n})
             for m in (1, 2, 3, 4, 5, 7) for n in (1, 2, 3, 4, 5, 6, 7)]
    return [*cases, bad("no rows", n_out=0, n_in=2), bad("no columns", n_out=2, n_in=0), bad("a negative number", n_out=-1, n_in=2)]


def _cut() -> list[Case]:
    v = np.array([1.0, 2.0, 3.0])
    sizes = [[a] for a in range(1, 7)] + [[a, b] for a in range(1, 6) for b in range(1, 7)] + [[2, 5, 3], [5, 1, 4], [1, 3, 3]]
    cases = [Case(f"to the lengths {s}: what is cut off does not come back", ("ClosedForm", "ChannelOrder"), {"v": v, "sizes": s}) for s in sizes]
    signed = Case("zeros of both signs", ("SignedZero",), {"v": np.array([-0.0, 0.0]), "sizes": [3]})
    return [signed, *cases, bad("a length of 0", v=v, sizes=[0]), bad("NaN", v=np.array([NAN]), sizes=[2])]


def _hessian_nets() -> list[tuple[str, tuple[str, ...], Net]]:
    """With at least two outputs, and at most eight weights."""
    found = []
    draws = Draws("hessians", 0)
    shapes = ([(2, 1)], [(1, 2), (2, 1)], [(2, 1), (2, 2)], [(1, 1), (2, 1)], [(2, 2)], [(3, 1)])
    for i in range(42):
        name = ("tanh", "softplus", "relu", "sigmoid")[i % 4]
        parts = shapes[i % 6]
        net = _net(*[draws.array(*s, high=8, of=4) + 1 / 64 for s in parts], names=(*[name] * (len(parts) - 1), "identity"),
                   biases=[draws.array(m, high=4, of=4) + 1 / 32 for m, _ in parts])
        trap = ("ClosedForm",) if len(parts) == 1 else ("ChannelOrder",) if i < 24 else ("Drawn",)
        found.append((f"{name}, {' and '.join(f'{m} x {n}' for m, n in parts)}", trap, net))
    return found


WHICH = ("all", "last", "inner")


def _loss_cases(label: bool) -> list[Case]:
    cases = []
    for i, (c, f, net) in enumerate(_hessian_nets()):
        loss = ("cross_entropy", "squared")[i % 2]
        which = WHICH[i % 3] if len(net["weights"]) > 1 else ("all", "last")[i % 2]
        outputs = len(net["weights"][-1])
        y = {"label": i % outputs if loss == "cross_entropy" else np.arange(outputs) / 4} if label else {}
        cases.append(Case(f"{c}; {loss}, weights: {which}", f, {"network": net, "x": _point(net, i), **y, "loss": loss, "weights": which}))
    good: Net = {"network": cases[0].inputs["network"], "x": cases[0].inputs["x"], **({"label": 0} if label else {})}
    return [*cases, bad("no such loss", **good, loss="hinge"), bad("no such weights", **good, weights="first"), bad("x of another length", **{**good, "x": np.ones(4)})]


def _hessian(network: Net, x: Any, label: Any, loss: str, weights: str) -> Any:
    return curvature.loss_hessian(_built(network), x, label, loss=loss, weights=weights)


def _norm_bound(network: Net, x: Any, loss: str, weights: str) -> Any:
    return curvature.hessian_norm_bound(_built(network), x, loss=loss, weights=weights)


def _norm_truth(network: Net, x: Any, loss: str, weights: str) -> Any:
    """The norm of the Hessian at the label for which the loss's gradient in the logits vanishes."""
    net = _built(network)
    logits = net.layers(x)[-1]
    powers = [(v - logits[0]).exp() for v in logits]
    label = ball_array([p / sum(powers, arb(0)) for p in powers]) if loss == "cross_entropy" else logits
    return spectral_norm(curvature.loss_hessian(net, x, label, loss=loss, weights=weights))


NX = {"network": NETWORK, "x": ARRAY}
LW = {"loss": CHOICE, "weights": CHOICE}
FUNCTIONS = [
    Function("network.product_upper_bound", "the product of the spectral norms of the weights and of the activations' Lipschitz constants: "
             "not below the norm of a Jacobian at any point (here the largest at five points)", "upper", {"network": NETWORK}, _product,
             lambda network: balls.product_upper_bound(_built(network)), truth=lambda network: _largest(network)),
    Function("network.input_jacobian", "the derivative of the output by the input", "exact", NX, _jacobian,
             lambda network, x: balls.input_jacobian(_built(network), x)),
    Function("network.weight_jacobian", "the derivative of the output by the weights of a layer, counted from 1: (outputs, rows, columns)", "exact",
             {**NX, "layer": INTEGER}, _weight, lambda network, x, layer: balls.weight_jacobian(_built(network), x, layer)),
    Function("network.local_lipschitz_exact", "the Lipschitz constant of a piecewise linear network on a ball: the largest norm of a slope there", "exact",
             {**NX, "radius": NUMBER}, _local, lambda network, x, radius: balls.local_lipschitz_exact(_built(network), x, radius)),
    Function("network.identity_like", "ones on the diagonal of a rectangular matrix", "exact", {"n_out": INTEGER, "n_in": INTEGER}, _identities, balls.identity_like, sharp=True),
    Function("network.truncate_or_pad", "v cut to each length in turn, or filled up by zeros", "exact", {"v": ARRAY, "sizes": COUNTS}, _cut, balls.truncate_or_pad, sharp=True),
    Function("curvature.loss_hessian", "the second derivative of the loss by the weights (of all layers, all but the last, or the last), row by row; squared: sum of squares, no half",
             "exact", {**NX, "label": COUNTS, **LW}, lambda: _loss_cases(True), _hessian, optional=("loss", "weights")),
    Function("curvature.hessian_norm_bound", "|H_a| sum_j (s_j |h_(j-1)| prod_(l>j) K_l |W_l|)^2, for the inner weights with |W_L^T H_a W_L| and products up to L - 1: not below the norm "
             "of that Hessian where the loss's gradient in the logits vanishes", "upper", {**NX, **LW}, lambda: _loss_cases(False), _norm_bound, truth=_norm_truth, optional=("loss", "weights")),
]
