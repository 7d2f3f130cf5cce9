"""Section 4.1 and appendix C: the activations of definition 4, and the member that truncates and pads."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import length, product
from proofs_check.strategies import dyadics, vectors

_NAMES = ("relu", "leaky_relu", "tanh", "sigmoid", "softmax")


def _values(impl: Any, name: str, v: Any) -> Any:
    return impl.simplex.softmax(v) if name == "softmax" else impl.layers.activation(v, name)


def _slope(impl: Any, name: str, x: Any, z: Any, constants: Any = None) -> Comparison:
    """|g(x) - g(z)| against the constant times |x - z|."""
    distance = length(x - z)
    bound = distance if constants is None else distance * constants[name]
    return Comparison(length(np.asarray(_values(impl, name, x)) - np.asarray(_values(impl, name, z))), "<=", bound, distance)


@st.composite
def _pairs(draw: st.DrawFn) -> Case:
    n = draw(st.integers(1, 4))
    x, step = draw(vectors(n, dyadics(-3, 3))), draw(vectors(n, dyadics(-3, 3)).filter(np.any))
    return {"name": draw(st.sampled_from(_NAMES)), "x": x, "z": x + step}


_SMALL = np.array([2.0**-24, -(2.0**-24)])


@claim(
    "than.sec-4.1-activations",
    at="after Definition 4: 'most popular activation functions (e.g., ReLU, Leaky ReLU, Tanh, Sigmoid, Softmax) have Lipschitz constants being at most 1'",
    tex=r"\lVert g(x) - g(z) \rVert \le \lVert x - z \rVert",
    given=_pairs(),
    verdict=Verdict.SURVIVED,
    note="In the l2 norm. Of the sigmoid it is 1/4, of softmax 1/2. Softmax and the sigmoid are not 0 at 0, which definition 4 does not ask for (than.sec-4.2-variance.offset).",
    strata={name: lambda name, x, z, wanted=name: name == wanted for name in ("relu", "leaky_relu", "tanh")},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"name": name, "x": _SMALL * 0, "z": np.abs(_SMALL)} for name in ("relu", "leaky_relu", "tanh")],
    adversarial=["x", "z"],
    where=lambda name, x, z: bool(np.any(x != z)),
    rounding=lambda **_: 2.0**30,
)
def activations_do_not_expand(impl: Any, name: str, x: Any, z: Any) -> Comparison:
    """ReLU, leaky ReLU, tanh, sigmoid and softmax have Lipschitz constants of at most 1."""
    return _slope(impl, name, x, z)


@claim(
    "than.sec-4.1-activations.constants",
    at="after Definition 4, the constants of sigmoid and softmax",
    tex=r"\lVert g(x) - g(z) \rVert \le c\, \lVert x - z \rVert,\quad c = \tfrac14 \text{ (sigmoid)},\ \tfrac12 \text{ (softmax)}",
    given=_pairs(),
    where=lambda name, x, z: name in ("sigmoid", "softmax") and bool(np.any(x != z)),
    verdict=Verdict.SURVIVED,
    strata={"sigmoid": lambda name, **_: name == "sigmoid", "softmax": lambda name, x, **_: name == "softmax" and len(x) >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "halves of both": instead(lambda impl, **case: _slope(impl, **case, constants={"sigmoid": 0.125, "softmax": 0.25}))},
    witnesses=[{"name": name, "x": _SMALL * 0, "z": _SMALL} for name in ("sigmoid", "softmax")],
    adversarial=["x", "z"],
    rounding=lambda **_: 2.0**30,
)
def smaller_constants(impl: Any, name: str, x: Any, z: Any) -> Comparison:
    """The sigmoid has the constant 1/4 and softmax 1/2."""
    return _slope(impl, name, x, z, {"sigmoid": 0.25, "softmax": 0.5})


@st.composite
def _extremal(draw: st.DrawFn) -> Case:
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    factors = st.lists(st.sampled_from([1.0, 0.5, 3.0, 2.0]), min_size=len(sizes) - 1, max_size=len(sizes) - 1)
    return {"sizes": sizes, "factors": np.array(draw(factors)), "x": draw(vectors(sizes[0], dyadics(-3, 3)))}


def _forward(impl: Any, sizes: Any, factors: Any, x: Any, order: Any = None, rectified: bool = True) -> Comparison:
    """The network, layer by layer its rectangular identities, and the closed form."""
    found = impl.network.extremal_network(sizes, list(factors))(x)
    kept = impl.network.truncate_or_pad(x, sizes[1:] if order is None else order(sizes))
    claimed = np.asarray([value if value > 0 or not rectified else value * 0 for value in kept]) * product(factors)
    by_matrices = np.asarray(x)
    for m, n in zip(sizes[1:], sizes[:-1], strict=True):
        by_matrices = np.asarray(impl.network.identity_like(m, n)) @ by_matrices
    return Comparison([*found, *kept], "==", [*claimed, *by_matrices])


def _lost(sizes: Any, factors: Any, x: Any) -> bool:
    """A coordinate that a bottleneck cuts off and that the output has a place for; both signs."""
    return min(sizes[1:-1], default=9) < min(sizes[0], sizes[-1]) and bool(np.all(x)) and bool(np.any(x[: min(sizes)] < 0)) and bool(np.any(x[: min(sizes)] > 0))


@claim(
    "than.eq-48",
    at="Equations 35 to 48: the network of the proof of theorem 6",
    tex=r"h^*(x) = a_K \cdots a_1\, \mathrm{ReLU}\bigl(x^{(n_1, \dots, n_K)}\bigr),\quad v^{(n_i)} = I_i v",
    given=_extremal(),
    verdict=Verdict.SURVIVED,
    note="At every x, of any sign. What a narrow layer cuts off does not come back: the sizes enter one after the other, not the last one alone.",
    strata={"a bottleneck, both signs": _lost},
    mutants={"one-percent": scale_right(1.01), "the last size alone": instead(lambda impl, **case: _forward(impl, **case, order=lambda sizes: sizes[-1:])),
             "without-ReLU": instead(lambda impl, **case: _forward(impl, **case, rectified=False))},
    witnesses=[{"sizes": [3, 2, 4], "factors": np.array([3.0, 0.5]), "x": np.array([1.0, -2.0, 3.0])}],
    exhaustive=lambda: ({"sizes": [a, b, c], "factors": np.array([3.0, 0.5]), "x": np.array([1.0, -2.0, 3.0][:a])} for a in (1, 2, 3) for b in (1, 2, 3) for c in (1, 2, 3)),
)
def truncating_network(impl: Any, **case: Any) -> Comparison:
    """The network of scaled identities gives the truncated and padded input, rectified, times the product of the scales."""
    return _forward(impl, **case)
