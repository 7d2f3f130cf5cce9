"""What refimpl promises of layers, radii and maps: the values of their definitions, argument by argument."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Verdict, claim
from proofs_check.claims.lipref._agreement import agreement, scaled, slip
from proofs_check.claims.lipref.geometry import _array

UNITS = 2.0**16
SEEDS = st.integers(0, 2**20)
NAMES = st.sampled_from(["tanh", "sigmoid", "softplus", "leaky_relu", "relu"])


def _rescaled(impl: Any, case: Any) -> list[Any]:
    W, q, of = case["W"], case["q"], impl.layers
    without = W * (np.arange(W.shape[1]) > 0)  # a column of zeros is left as it is
    return [of.aol_rescaling(W), of.aol_rescaling(without), of.sll_rescaling(W, q), *(of.spectral_rescaling(W, t, q) for t in (1, 2, 3)), of.spectral_normalization(W)]


def _weighted() -> Any:
    def made(parts: Any) -> Any:
        W = _array(parts["seed"], *parts["shape"], parts=parts["turned"])
        return {"W": W, "q": np.abs(_array(parts["seed"] + 1, W.shape[1])) + 0.5}

    return st.fixed_dictionaries({"seed": SEEDS, "shape": st.sampled_from([(2, 2), (3, 2), (2, 3), (3, 3)]), "turned": st.booleans()}).map(made).filter(
        lambda case: bool((np.abs(case["W"]).sum(axis=0) > 0).all() and np.ptp(case["q"]) > 0 and np.linalg.matrix_rank(case["W"]) >= 2))


KINDS = {"complex": lambda W, **_: bool(np.any(np.imag(W))), "real": lambda W, **_: not np.any(np.imag(W))}


@claim(
    "lipref.rescaling-values",
    at="refimpl.layers.aol_rescaling, sll_rescaling, spectral_rescaling and spectral_normalization",
    tex=r"R_i = \Bigl(\sum_j |W^{(t+1)}|_{ij} \, q_j / q_i\Bigr)^{-2^{-t}}",
    given=_weighted(),
    verdict=Verdict.SURVIVED,
    note="Unequal weights, up to three steps, complex matrices.",
    strata=KINDS,
    mutants={"a-millionth": scaled(_rescaled, UNITS), "weights-upside-down": slip(_rescaled, UNITS, lambda case: {"q": 1 / case["q"]}),
             "rows-for-columns": slip(_rescaled, UNITS, lambda case: {"W": case["W"][:, ::-1] + np.eye(*case["W"].shape)}), "weights-forgotten": slip(_rescaled, UNITS, lambda case: {"q": case["q"] * 0 + 1})},
    promise=True,
)
def rescaling_values(impl: Any, **case: Any) -> Any:
    """The rescalings are those of their formulas, weight by weight and step by step."""
    return agreement(_rescaled, UNITS)(impl, **case)


def _orthogonal(impl: Any, case: Any) -> list[Any]:
    W, V, of = case["W"] / 8, case["V"] / 8, impl.layers
    found = [of.cayley(W), *of.cayley_rectangular(W, V), of.skew_exponential(W), of.skew_exponential(W, 5)]
    return [*found, of.bjorck(W, 0), of.bjorck(W, 2), of.bjorck(V, 1), of.residual_linear_block(W)]


def _squares() -> Any:
    def made(parts: Any) -> Any:
        m, n = parts["shape"]
        return {"W": _array(parts["seed"], m, m, parts=parts["turned"]), "V": _array(parts["seed"] + 1, n, m, parts=parts["turned"])}

    return st.fixed_dictionaries({"seed": SEEDS, "shape": st.sampled_from([(2, 3), (2, 2), (3, 2), (2, 1)]), "turned": st.booleans()}).map(made).filter(
        lambda case: not np.array_equal(case["W"] @ case["W"].conj().T, case["W"].conj().T @ case["W"]) and np.linalg.matrix_rank(case["W"]) >= 2 and bool(case["V"].any()))


@claim(
    "lipref.orthogonal-values",
    at="refimpl.layers.cayley, cayley_rectangular, skew_exponential, bjorck and residual_linear_block",
    tex=r"(I - A)^{-1} (I + A), \quad e^A, \quad \tfrac32 W - \tfrac12 W W^* W, \quad (I + W) / \lVert I + W \rVert",
    given=_squares(),
    verdict=Verdict.SURVIVED,
    note="Matrices that do not commute with their adjoints.",
    strata=KINDS,
    mutants={"a-millionth": scaled(_orthogonal, UNITS), "transposed": slip(_orthogonal, UNITS, lambda case: {"W": case["W"].conj().T}), "half": slip(_orthogonal, UNITS, lambda case: {"W": case["W"] / 2})},
    promise=True,
)
def orthogonal_values(impl: Any, **case: Any) -> Any:
    """Which orthogonal matrix each transform gives, also where it is a series that is cut or an iteration."""
    return agreement(_orthogonal, UNITS)(impl, **case)


def _residual(impl: Any, case: Any) -> list[Any]:
    x, W, b, q, name, of = case["x"], case["W"], case["b"], case["q"], case["name"], impl.layers
    y, square, V, scales = case["y"], case["square"] / 4, case["V"] / 4, case["scales"]
    return [of.convex_potential_layer(x, W, b, name=name), of.sll_layer(x, W, b, name=name), of.sll_layer(x, W, b, q=q, n_iter=2, name=name),
            of.sandwich_layer(y, square, V, scales, b, name=name)]


def _layered() -> Any:
    def made(parts: Any) -> Any:
        (n, m), seed = parts["shape"], parts["seed"]
        return {"x": _array(seed, n) / 4 + 1 / 16, "W": _array(seed + 1, n, m) / 2 + 1 / 8, "b": _array(seed + 2, m) / 4 + 1 / 8, "q": np.abs(_array(seed + 3, m)) + 0.5, "name": parts["name"],
                "y": _array(seed + 4, n) / 4 + 1 / 8, "square": _array(seed + 5, m, m), "V": _array(seed + 6, n, m), "scales": _array(seed + 7, m) / 8 + 1 / 16}

    drawn = st.fixed_dictionaries({"seed": SEEDS, "shape": st.sampled_from([(3, 2), (2, 3), (2, 2)]), "name": NAMES}).map(made)
    return drawn.filter(lambda case: bool((np.abs(case["W"].T @ case["x"] + case["b"]) > 0.05).all() and np.ptp(case["q"]) > 0 and (case["W"].T @ case["x"] + case["b"]).max() > 0 and (case["scales"] > 0).any()))


@claim(
    "lipref.residual-values",
    at="refimpl.layers.convex_potential_layer, sll_layer and sandwich_layer",
    tex=r"x - 2 W R^2 \rho(W^T x + b), \qquad \sqrt2 A^T \Psi \rho(\sqrt2 \, \Psi^{-1} B x + b)",
    given=_layered(),
    verdict=Verdict.SURVIVED,
    strata={"wide": lambda W, **_: W.shape[1] > W.shape[0], "high": lambda W, **_: W.shape[1] < W.shape[0]},
    mutants={"a-millionth": scaled(_residual, UNITS), "bias-forgotten": slip(_residual, UNITS, lambda case: {"b": case["b"] * 0 - 1 / 16}),
             "weights-forgotten": slip(_residual, UNITS, lambda case: {"q": case["q"] * 0 + 1, "scales": case["scales"] + 0.5})},
    promise=True,
)
def residual_values(impl: Any, **case: Any) -> Any:
    """Residual layers of constant 1 are those of their formulas, with bias and weights."""
    return agreement(_residual, UNITS)(impl, **case)


def _convolved(impl: Any, case: Any) -> list[Any]:
    K, n, of = case["K"] / 8, case["n"], impl.layers
    found = [of.cayley_convolution(K, n), of.skew_orthogonal_convolution(K, n), of.skew_orthogonal_convolution(K, n, 5), of.reshaped_kernel_orthogonalization(case["R"])]
    return [*found, of.block_orthogonal_convolution(case["H"], [(case["U"], case["U"][::-1] + 1.0)])]


def _by_frequency() -> Any:
    def made(parts: Any) -> Any:
        seed = parts["seed"]
        return {"K": _array(seed, 2, 2, *parts["taps"]), "n": parts["n"], "R": _array(seed + 1, *parts["reshaped"]) + np.eye(6)[: parts["reshaped"][0], : int(np.prod(parts["reshaped"][1:]))].reshape(parts["reshaped"]) / 2,
                "H": np.array([[0.0, -1.0], [1.0, 0.0]]), "U": _array(seed + 2, 2, 1) + 1 / 4}

    drawn = st.fixed_dictionaries({"seed": SEEDS, "taps": st.sampled_from([(1, 2), (2, 1), (2, 2)]), "n": st.sampled_from([(2, 3), (3, 2)]), "reshaped": st.sampled_from([(2, 1, 1, 3), (1, 2, 3, 1), (2, 3, 1, 2), (3, 1, 2, 1)])}).map(made)
    return drawn.filter(lambda case: _condition(case["R"]) < 20 and not np.array_equal(case["K"], case["K"][:, :, ::-1, ::-1]))


def _condition(R: Any) -> float:
    values = np.linalg.svd(R.reshape(len(R), -1), compute_uv=False)
    return float(values[0] / max(values[-1], 1e-9))


@claim(
    "lipref.orthogonal-convolution-values",
    at="refimpl.layers.cayley_convolution, skew_orthogonal_convolution, reshaped_kernel_orthogonalization and block_orthogonal_convolution",
    tex=r"\hat K(\omega) \mapsto (I - A)^{-1} (I + A), \; e^A, \qquad R \mapsto U V^T / \sqrt{k_h k_w}",
    given=_by_frequency(),
    verdict=Verdict.SURVIVED,
    note="Kernels, images and reshaped matrices that are not square.",
    strata={"wider images": lambda n, **_: n[1] > n[0], "higher images": lambda n, **_: n[0] > n[1]},
    mutants={"a-millionth": scaled(_convolved, UNITS), "flipped-kernel": slip(_convolved, UNITS, lambda case: {"K": case["K"][:, :, ::-1, ::-1]})},
    promise=True,
)
def orthogonal_convolution_values(impl: Any, **case: Any) -> Any:
    """Orthogonal convolutions are those of their formulas, in both axes."""
    return agreement(_convolved, UNITS)(impl, **case)


def _radii(impl: Any, case: Any) -> list[Any]:
    of, s, y = impl.certificates, case["scores"], case["label"]
    found = [of.radius_pairwise(s, y, case["pairs"]), of.radius_coordinate(s, y, case["constants"]), of.radius_global(s, y, case["sigma"]), of.margin(s, y)]
    p, q, sigma = case["p"], case["q"], case["sigma"]
    found += [of.radius_mono(p, sigma), of.radius_multi(p, q, sigma), of.radius_multi_lipschitz(p, q, sigma, case["slopes"]), of.radius_multi_lipschitz(p, q, sigma, case["slopes"][0])]
    # Probabilities that nearly meet, where rounding is a share of the radius.
    found.append(of.radius_multi_lipschitz(0.5 + 2.0**-40, 0.5, sigma, 2.0**20, certified=True))
    return [*found, of.certified_accuracy(np.abs(s), np.abs(s[0]))]


def _scored() -> Any:
    def made(parts: Any) -> Any:
        seed, c = parts.pop("seed"), parts.pop("classes")
        scores = _array(seed, c) / 2
        scores[seed % c] = scores.max() + 1.5
        return {"scores": scores, "label": seed % c, "pairs": np.abs(_array(seed + 1, c, c)) + 0.5, "constants": np.abs(_array(seed + 2, c)) + 0.5, **parts}

    return st.fixed_dictionaries({
        "seed": SEEDS, "classes": st.integers(2, 4), "p": st.sampled_from([0.75, 0.9, 0.99, 0.55]), "q": st.sampled_from([0.125, 0.25, 0.01, 0.4]), "sigma": st.sampled_from([0.5, 2.0, 0.25]),
        "slopes": st.sampled_from([(0.5, 2.0), (4.0, 1.0), (1.0, 0.25), (2.0, 3.0)])}).map(made)


@claim(
    "lipref.radius-values",
    at="refimpl.certificates, its radii",
    tex=r"\min_{k \ne y} \frac{s_y - s_k}{L_{yk}}, \qquad R : \tilde F_{L_1}(x_1 + R) = \tilde F_{L_2}(x_2 - R)",
    given=_scored(),
    verdict=Verdict.SURVIVED,
    note="Tables of constants that are not symmetric, unequal slopes of the two classes.",
    strata={"the first class steeper": lambda slopes, **_: slopes[0] > slopes[1], "the second class steeper": lambda slopes, **_: slopes[0] < slopes[1]},
    mutants={"a-millionth": scaled(_radii, UNITS), "classes-exchanged": slip(_radii, UNITS, lambda case: {"slopes": case["slopes"][::-1]}),
             "variance-for-deviation": slip(_radii, UNITS, lambda case: {"sigma": case["sigma"] ** 2})},
    promise=True,
)
def radius_values(impl: Any, **case: Any) -> Any:
    """Radii are those of their formulas: which row of a table, which slope of which class, which deviation."""
    return agreement(_radii, UNITS)(impl, **case)


def _mapped(impl: Any, case: Any) -> list[Any]:
    z, how, of = case["z"], {"temperature": case["temperature"], "mass": case["mass"]}, impl.simplex
    return [of.softmax(z, **how), of.softmax(z * 1024.0, **how), of.sparsemax(z, **how), of.hardmax(z, mass=case["mass"])]


@claim(
    "lipref.simplex-values",
    at="refimpl.simplex",
    tex=r"r \, \mathrm{softmax}(z / t), \qquad \operatorname*{argmin}_{p \in r \Delta} \lVert p - z / t \rVert, \qquad r / |\operatorname{argmax}|",
    given=st.fixed_dictionaries({"seed": SEEDS, "shape": st.sampled_from([(3, 2), (2, 3), (4, 4)]), "temperature": st.sampled_from([2.0, 0.5, 4.0]), "mass": st.sampled_from([2.0, 0.5, 3.0])}).map(
        lambda case: {"z": _array(case["seed"], *case["shape"]) / 4, "temperature": case["temperature"], "mass": case["mass"]}).filter(lambda case: np.ptp(case["z"], axis=1).min() > 0.4),
    verdict=Verdict.SURVIVED,
    note="Batches, with a temperature and a mass; ties go to all.",
    strata={"ties": lambda z, **_: any((row == row.max()).sum() > 1 for row in z), "no ties": lambda z, **_: all((row == row.max()).sum() == 1 for row in z)},
    mutants={"a-millionth": scaled(_mapped, UNITS), "temperature-inverted": slip(_mapped, UNITS, lambda case: {"temperature": 1 / case["temperature"]}), "mass-forgotten": slip(_mapped, UNITS, lambda case: {"mass": 1.0})},
    promise=True,
)
def simplex_values(impl: Any, **case: Any) -> Any:
    """The maps onto the simplex are those of their definitions, row by row."""
    return agreement(_mapped, UNITS)(impl, **case)


def _smoothed(impl: Any, case: Any) -> list[Any]:
    L, s, r, of = case["lipschitz"], case["sigma"], case["mass"], impl.weierstrass
    found = [of.lipschitz_bounded(s, mass=r, into=into) for into in ("interval", "simplex")]
    found += [of.optimal_sigma(L, mass=r, into=into) for into in ("interval", "simplex")]
    found += [of.lipschitz_smoothed(L, s, mass=r), of.lipschitz_smoothed_simplex(L, s, mass=r), of.quantile_lipschitz(case["p"], L, s)]
    point = (case["x"], case["weight"], 0.25, s)
    found += [of.smoothed_probit(*point, scale=L), of.smoothed_probit_gradient(*point, scale=L), of.probit(case["x"], L)]
    found += [of.probit(np.array([at]), 1.0) for at in (-9.0, -20.0)]  # tails, each to its own last digits
    return [*found, of.extremal_ramp(case["x"], L, start=-0.5, mass=r)]


@claim(
    "lipref.smoothing-values",
    at="refimpl.weierstrass, its closed forms",
    tex=r"\frac{r}{\sigma \sqrt{2 \pi}}, \quad L \, \mathrm{erf} \frac{r}{2^{3/2} L \sigma}, \quad \Phi\Bigl(\frac{a (w^T x + b)}{\sqrt{1 + a^2 \sigma^2 \lVert w \rVert^2}}\Bigr)",
    given=st.fixed_dictionaries({"seed": SEEDS, "lipschitz": st.sampled_from([0.5, 2.0, 3.0]), "sigma": st.sampled_from([0.25, 2.0, 0.75]), "mass": st.sampled_from([2.0, 0.5, 3.0]), "p": st.sampled_from([0.25, 0.9, 0.01])}).map(
        lambda case: {**{name: case[name] for name in case if name != "seed"}, "x": _array(case["seed"], 2) / 4 + 1 / 8, "weight": _array(case["seed"] + 1, 2) / 4 + 1 / 8}),
    verdict=Verdict.SURVIVED,
    note="Constants, deviations and masses other than 1.",
    strata={"steep": lambda lipschitz, **_: lipschitz > 1, "flat": lambda lipschitz, **_: lipschitz < 1},
    mutants={"a-millionth": scaled(_smoothed, UNITS), "mass-forgotten": slip(_smoothed, UNITS, lambda case: {"mass": 1.0}), "variance-for-deviation": slip(_smoothed, UNITS, lambda case: {"sigma": case["sigma"] ** 2}),
             "constant-and-deviation-exchanged": slip(_smoothed, UNITS, lambda case: {"sigma": case["lipschitz"] * 1.25, "lipschitz": case["sigma"]})},
    promise=True,
)
def smoothing_values(impl: Any, **case: Any) -> Any:
    """The closed forms of smoothing are those of their formulas, argument by argument."""
    return agreement(_smoothed, UNITS)(impl, **case)


def _activated(impl: Any, case: Any) -> list[Any]:
    return [impl.layers.activation(np.array([case["x"]]), case["name"], slope=case["slope"]), impl.layers.activation_lipschitz(case["name"], slope=case["slope"])]


@claim(
    "lipref.activation-values",
    at="refimpl.layers.activation and activation_lipschitz",
    tex=r"\rho(x), \qquad \max_x |\rho'(x)|",
    given={"name": st.sampled_from(["leaky_relu", "relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "silu", "abs", "identity"]), "x": st.sampled_from([-3.0, -0.5, 0.75, 2.0, -40.0, 700.0]), "slope": st.sampled_from([0.01, 2.0, -3.0])},
    verdict=Verdict.SURVIVED,
    note="Far out too, and with slopes above 1 and below 0.",
    strata={"positive": lambda x, **_: x > 0, "negative, a slope of its own": lambda x, name, **_: -9 < x < 0 and name != "relu"},
    mutants={"a-millionth": scaled(_activated, UNITS), "next": slip(_activated, UNITS, lambda case: {"x": case["x"] * 1.5})},
    promise=True,
)
def activation_values(impl: Any, **case: Any) -> Any:
    """Activations and their constants are those of their formulas, to the last digits."""
    return agreement(_activated, UNITS)(impl, **case)
