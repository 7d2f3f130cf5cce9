"""What refimpl.network promises of derivatives, against forward differentiation in balls."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead
from proofs_check.strategies import dyadics, layered_networks, network_from, vectors
from proofs_check.strategies._layered import contains

NAMES = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "silu", "abs", "identity")


def _points(**options: Any) -> Any:
    return layered_networks(**options).flatmap(lambda network: st.fixed_dictionaries({
        "network": st.just(network), "x": vectors(network["inputs"], dyadics(-2, 2))}))


def _places(parts: Any, before: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """The paths to all layers with weights."""
    found = []
    for i, part in enumerate(parts, start=1):
        here = (*before, i)
        if part["kind"] in ("dense", "convolution"):
            found.append(here)
        if part["kind"] == "residual":
            found += [path for b, branch in ((1, part["block"]), (2, part["shortcut"] or [])) for path in _places(branch, (*here, b))]
    return found


def _derivatives(impl: Any, network: Any, x: Any) -> list[Any]:
    net = network_from(impl.network, network["inputs"], network["parts"])
    found = [impl.network.input_jacobian(net, x)]
    return found + [impl.network.weight_jacobian(net, x, path) for path in _places(network["parts"])]


def _compared(impl: Any, network: Any, x: Any, factor: float) -> Comparison:
    pairs = zip(_derivatives(impl, network, x), _derivatives(impl.exact, network, x), strict=True)
    errors = [(abs(entry * factor - true), abs(true)) for found, exact in pairs for entry, true in zip(np.ravel(found), np.ravel(exact), strict=True)]
    # Products of up to six matrices of at most 6 x 6: entries of derivatives below 10^5 before they cancel.
    return Comparison([error for error, _ in errors], "<=", [size * 0 + 1e5 * 256 * 2.0**-53 for _, size in errors])


@claim(
    "lipref.network-jacobians",
    at="refimpl.network.input_jacobian and weight_jacobian",
    tex=r"|\mathrm{fl}(J)_{ij} - J_{ij}| \le 3 \cdot 10^{-9}",
    given=_points(activations=("relu", "leaky_relu", "abs")),
    verdict=Verdict.SURVIVED,
    note="Binary fractions as entries, so that floats and balls are on the same side of a kink; at a kink both take the slope from the left, and the first maximum.",
    strata={"convolution": lambda network, x: contains(network["parts"], "convolution") and any(np.any(p.get("weight", 0)) for p in network["parts"]),
            "residual": lambda network, x: contains(network["parts"], "residual") and any(np.any(p.get("weight", 0)) for p in network["parts"])},
    mutants={"a-millionth": instead(lambda impl, network, x: _compared(impl, network, x, 1 + 1e-6))},
    promise=True,
)
def network_jacobians(impl: Any, network: Any, x: Any) -> Comparison:
    """The Jacobians of networks, in the input and in the weights of every layer, are those of forward differentiation."""
    return _compared(impl, network, x, 1.0)


@claim(
    "lipref.smooth-network-jacobians",
    at="refimpl.network.input_jacobian and weight_jacobian, smooth activations",
    tex=r"|\mathrm{fl}(J)_{ij} - J_{ij}| \le 3 \cdot 10^{-9}",
    given=_points(activations=("tanh", "sigmoid", "gelu", "softplus", "silu")).filter(lambda case: not contains(case["network"]["parts"], "pooling")),
    verdict=Verdict.SURVIVED,
    strata={"activation": lambda network, x: contains(network["parts"], "activation") and any(np.any(p.get("weight", 0)) for p in network["parts"])},
    mutants={"a-millionth": instead(lambda impl, network, x: _compared(impl, network, x, 1 + 1e-6))},
    promise=True,
)
def smooth_network_jacobians(impl: Any, network: Any, x: Any) -> Comparison:
    """The same with smooth activations, without max-pooling."""
    return _compared(impl, network, x, 1.0)


def _slope(impl: Any, name: str, x: float, slope: float, factor: float) -> Comparison:
    [found] = impl.layers.activation_derivative([x], name, slope=slope)
    [exact] = impl.exact.layers.activation_derivative([x], name, slope=slope)
    return Comparison(abs(exact - found * factor), "<=", exact * 0 + 16 * 2.0**-53)


@claim(
    "lipref.activation-derivatives",
    at="refimpl.layers.activation_derivative",
    tex=r"|\mathrm{fl}(\rho'(x)) - \rho'(x)| \le 16 u",
    given={"name": st.sampled_from(NAMES), "x": st.one_of(dyadics(-6, 6), st.floats(-700, 700)), "slope": st.sampled_from([0.01, -2.0, 1.0])},
    verdict=Verdict.SURVIVED,
    note="Absolute, as the derivatives of GELU and SiLU have zeros. Against the second term of power series in balls. 700 keeps the exponentials of balls in range of time.",
    strata={name: lambda name_=name, **case: case["name"] == name_ and case["x"] > 0 for name in NAMES},
    mutants={"1e-12": instead(lambda impl, name, x, slope: _slope(impl, name, x, slope, 1 + 1e-12))},
    witnesses=[{"name": name, "x": 0.5, "slope": 0.01} for name in NAMES],
    promise=True,
)
def activation_derivatives(impl: Any, name: str, x: float, slope: float) -> Comparison:
    """Derivatives of activations are right to the last bits."""
    return _slope(impl, name, x, slope, 1.0)
