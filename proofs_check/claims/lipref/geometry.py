"""What refimpl.convolution promises of every geometry: unequal axes, groups, complex taps."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Verdict, claim
from proofs_check.claims.lipref._agreement import agreement, scaled, slip

PADDINGS = ("circular", "zero", "full", "valid")
UNITS = 2.0**12
AT = "refimpl.convolution.conv2d, conv2d_transpose, strided_matrix, circulant_matrix, toeplitz_matrix and conv_spectral_norm"
TEX = r"Y_{j,u,v} = \sum_i \sum_{p,q} K_{j,i,p,q} \, X_{i,\, s u + d p - a,\, s' v + d' q - b}"
NOTE = "Integers, so that values are exact; the norm of the matrix from its characteristic polynomial in balls."


def _array(seed: int, *shape: int, parts: bool = False) -> Any:
    rng = np.random.default_rng(seed)
    real = rng.integers(-4, 5, shape) * 1.0
    return real + 1j * rng.integers(-4, 5, shape) if parts else real


def case_of(seed: int, shape: Any, n: Any, padding: str, **how: Any) -> dict[str, Any]:
    """A kernel and the images that its convolution and the adjoint take."""
    turned, groups = how.pop("turned", False), how.get("groups", 1)
    o, i, h, w = shape
    return {"K": _array(seed, o * groups, i, h, w, parts=turned), "seed": seed, "n": n,
            "how": {"padding": padding, **{name: value for name, value in how.items() if value is not None}}}


def _drawn(**axes: Any) -> Any:
    common = {"seed": st.integers(0, 2**20), "shape": st.sampled_from([(1, 1, 2, 2), (2, 1, 2, 3), (1, 2, 3, 2), (2, 2, 2, 2)]),
              "n": st.sampled_from([(3, 4), (4, 3), (4, 4), (3, 5)]), "padding": st.sampled_from(PADDINGS)}
    return st.fixed_dictionaries(common | axes).map(lambda parts: case_of(**parts)).filter(
        lambda case: _unsymmetric(case["K"]) and _fits(case))


def _unsymmetric(K: Any) -> bool:
    """No two taps of a channel are alike in modulus at both ends, and no tap of the first and last channel is 0."""
    ends = [np.abs(K), np.abs(K[:, :, ::-1, ::-1])]
    return bool((K[:1] != 0).all() and (K[-1:] != 0).all()) and not np.array_equal(*ends)


def _spread(case: Any) -> list[int]:
    """The size of the dilated kernel."""
    return [(k - 1) * gap + 1 for k, gap in zip(case["K"].shape[2:], case["how"].get("dilation", (1, 1)), strict=True)]


def _fits(case: Any) -> bool:
    """The dilated kernel into the image, where padding adds nothing."""
    return case["how"]["padding"] != "valid" or all(k <= m for k, m in zip(_spread(case), case["n"], strict=True))


def _outputs(case: Any) -> list[int]:
    """The size of the image of the convolution."""
    more = {"circular": lambda k: 0, "zero": lambda k: 0, "full": lambda k: k - 1, "valid": lambda k: 1 - k}[case["how"]["padding"]]
    strides = case["how"].get("stride", (1, 1))
    return [-(-(m + more(k)) // s) for m, k, s in zip(case["n"], _spread(case), strides, strict=True)]


def values(impl: Any, case: Any) -> list[Any]:
    """The image, the image of the adjoint, the matrix, its norm."""
    K, n, seed, how = (case[name] for name in ("K", "n", "seed", "how"))
    turned, of = np.iscomplexobj(K), impl.convolution
    stride = how.get("stride", (1, 1))
    X = _array(seed + 1, K.shape[1] * how.get("groups", 1), *n, parts=turned)
    image = of.conv2d(X, K, **how)
    Y = _array(seed + 2, len(K), *_outputs(case), parts=turned)
    rest = {name: value for name, value in how.items() if name != "stride"}
    found = [image, of.conv2d_transpose(Y, K, n, **how), of.strided_matrix(K, n, stride, **rest)]
    padding = rest.pop("padding")
    found += [of.circulant_matrix(K, n, **rest), of.toeplitz_matrix(K, n, padding="zero" if padding == "circular" else padding, **rest)]
    return [*found, of.conv_spectral_norm(K, n, **how).norm]


def _instead(**how: Any) -> Any:
    """Other arguments of the convolution: what each name becomes."""
    return lambda case: {"how": {**case["how"], **{name: change(case["how"][name]) for name, change in how.items()}}}


def _kernel(change: Any) -> Any:
    return lambda case: {"K": change(case["K"])}


def _turned(pair: Any) -> Any:
    return tuple(pair)[::-1]


def _unlike(K: Any, other: Any) -> bool:
    return not np.array_equal(K, other)


PAIRS = st.sampled_from([(1, 2), (2, 1), (1, 3), (3, 1), (2, 3)])


@claim(
    "lipref.conv-dilations",
    at=AT,
    tex=TEX,
    given=_drawn(dilation=PAIRS),
    verdict=Verdict.SURVIVED,
    note=NOTE,
    strata={"wider gaps across": lambda how, **_: how["dilation"][0] < how["dilation"][1],
            "wider gaps down": lambda how, **_: how["dilation"][0] > how["dilation"][1]},
    mutants={"a-millionth": scaled(values, UNITS), "flipped-kernel": slip(values, UNITS, _kernel(lambda K: K[:, :, ::-1, ::-1])),
             "gaps-forgotten": slip(values, UNITS, lambda case: {"K": _gap_moved(case)})},
    promise=True,
)
def dilations(impl: Any, **case: Any) -> Any:
    """With a dilation for each axis the convolution, its adjoint, its matrix and its norm are those of the definition."""
    return agreement(values, UNITS)(impl, **case)


def _gap_moved(case: Any) -> Any:
    """The taps of the last column moved into the one before."""
    K = case["K"].copy()
    K[..., -2] += K[..., -1] + 1
    K[..., -1] = 0
    return K


@claim(
    "lipref.conv-strides",
    at=AT,
    tex=TEX,
    given=_drawn(stride=st.sampled_from([(2, 3), (3, 2)]), n=st.just((4, 4)), padding=st.sampled_from(PADDINGS[:2])),
    verdict=Verdict.SURVIVED,
    note="On four pixels steps of two and of three give two outputs each: exchanged, they are found out by their values, not by the size.",
    strata={"longer steps across": lambda how, **_: how["stride"][0] < how["stride"][1],
            "longer steps down": lambda how, **_: how["stride"][0] > how["stride"][1]},
    mutants={"a-millionth": scaled(values, UNITS), "flipped-kernel": slip(values, UNITS, _kernel(lambda K: K[:, :, ::-1, ::-1]))},
    promise=True,
)
def strides(impl: Any, **case: Any) -> Any:
    """With a stride for each axis the convolution, its adjoint, its matrix and its norm are those of the definition."""
    return agreement(values, UNITS)(impl, **case)


@claim(
    "lipref.conv-groups",
    at=AT,
    tex=r"Y_j = \sum_{i < c} K_{j,i} \star X_{c \lfloor j g / c_{\mathrm{out}} \rfloor + i}",
    given=_drawn(groups=st.integers(2, 3), shape=st.sampled_from([(2, 1, 2, 2), (1, 2, 2, 2), (2, 2, 1, 2)]), n=st.just((2, 2)), padding=st.sampled_from(PADDINGS[:3])),
    verdict=Verdict.SURVIVED,
    note=NOTE,
    strata={"two groups": lambda how, **_: how["groups"] == 2, "three groups": lambda how, **_: how["groups"] == 3},
    mutants={"a-millionth": scaled(values, UNITS), "flipped-kernel": slip(values, UNITS, _kernel(lambda K: K[:, :, ::-1, ::-1])),
             "groups-in-the-other-order": slip(values, UNITS, _kernel(lambda K: K[::-1]))},
    promise=True,
)
def groups(impl: Any, **case: Any) -> Any:
    """With groups, of several outputs each or of one, they are those of the definition."""
    return agreement(values, UNITS)(impl, **case)


@claim(
    "lipref.conv-complex",
    at=AT,
    tex=r"(K \star^* Y)_{i} = \sum_j \sum_{p,q} \overline{K_{j,i,p,q}} \, Y_{j,\dots}",
    given=_drawn(turned=st.just(True), n=st.sampled_from([(2, 3), (3, 2), (2, 2)]), shape=st.sampled_from([(1, 1, 2, 2), (2, 1, 2, 2), (1, 2, 1, 2)]), stride=st.sampled_from([(1, 1), (1, 2), (2, 1)])),
    verdict=Verdict.SURVIVED,
    note=NOTE,
    strata={"genuinely complex": lambda K, **_: bool(np.any(K.imag != 0) and np.any(K.real != 0))
            and np.linalg.matrix_rank(np.stack([K.real.ravel(), K.imag.ravel()])) == 2},
    mutants={"a-millionth": scaled(values, UNITS), "conjugate": slip(values, UNITS, _kernel(np.conj)),
             "flipped-kernel": slip(values, UNITS, _kernel(lambda K: K[:, :, ::-1, ::-1]))},
    promise=True,
)
def complex_taps(impl: Any, **case: Any) -> Any:
    """Of complex kernels the adjoint has the conjugate taps, and the convolution has not."""
    return agreement(values, UNITS)(impl, **case)


@claim(
    "lipref.conv-anchors",
    at=AT,
    tex=TEX,
    given=_drawn(padding=st.sampled_from(PADDINGS[:2]), n=st.sampled_from([(3, 4), (4, 3)]), anchor=st.sampled_from([(0, 1), (1, 0)]), dilation=st.sampled_from([(1, 1), (1, 2), (2, 1)]), groups=st.integers(1, 2)),
    verdict=Verdict.SURVIVED,
    note=NOTE,
    strata={"first row": lambda how, **_: how["anchor"] == (0, 1), "first column": lambda how, **_: how["anchor"] == (1, 0)},
    mutants={"a-millionth": scaled(values, UNITS), "axes-exchanged": slip(values, UNITS, _instead(anchor=_turned))},
    promise=True,
)
def anchors(impl: Any, **case: Any) -> Any:
    """With an anchor for each axis they are those of the definition."""
    return agreement(values, UNITS)(impl, **case)


def _images(**axes: Any) -> Any:
    common = {"seed": st.integers(0, 2**20), "shape": st.sampled_from([(1, 1, 2, 2), (2, 1, 2, 3), (1, 2, 3, 2), (2, 2, 2, 2)]),
              "n": st.sampled_from([(3, 4), (4, 3), (2, 5), (5, 3), (4, 4)]), "turned": st.booleans()}
    made = st.fixed_dictionaries(common | axes).map(lambda parts: {
        "K": _array(parts["seed"], *parts["shape"], parts=parts["turned"]), "n": parts["n"], **{name: parts[name] for name in axes if name not in ("shape", "turned")}})
    return made.filter(lambda case: _unsymmetric(case["K"]))


def _blocks(impl: Any, case: Any) -> list[Any]:
    K, n, (a, b) = case["K"], case["n"], case["angles"]
    return [impl.convolution.frequency_blocks(K, n), impl.convolution.spectral_density(K, [a], [b])]


COMPLEX_AND_REAL = {"complex": lambda K, **_: bool(np.any(np.imag(K))), "real": lambda K, **_: not np.any(np.imag(K))}
ANGLES = st.sampled_from([(0.5, -1.25), (2.0, 0.25), (-0.75, 1.0)])


@claim(
    "lipref.conv-frequencies",
    at="refimpl.convolution.frequency_blocks and spectral_density",
    tex=r"D_{u,v} = \sum_{p,q} K_{:,:,p,q} \, e^{-2 \pi i (u p / h + v q / w)}, \qquad E(\omega) = \sum_{p,q} K_{:,:,p,q} \, e^{-i (p \omega_1 + q \omega_2)}",
    given=_images(angles=ANGLES),
    verdict=Verdict.SURVIVED,
    strata=COMPLEX_AND_REAL,
    mutants={"a-millionth": scaled(_blocks, UNITS), "flipped-kernel": slip(_blocks, UNITS, _kernel(lambda K: K[:, :, ::-1, ::-1])),
             "angles-exchanged": slip(_blocks, UNITS, lambda case: {"angles": case["angles"][::-1]}),
             "other-sign": slip(_blocks, UNITS, lambda case: {"angles": tuple(-v for v in case["angles"])})},
    promise=True,
)
def frequencies(impl: Any, **case: Any) -> Any:
    """The blocks and the density are the sums of the definition, with its sign, on images that are not square."""
    return agreement(_blocks, UNITS)(impl, **case)


def _gram_kernel(impl: Any, case: Any) -> list[Any]:
    return [impl.convolution.gram_kernel(case["K"], case["n_iter"])]


@claim(
    "lipref.gram-kernel",
    at="refimpl.convolution.gram_kernel",
    tex=r"(K_a \star K_b)_l = \sum_m \overline{K_a(m)} \, K_b(m + l)",
    given=_images(turned=st.just(True), n_iter=st.integers(1, 2)),
    verdict=Verdict.SURVIVED,
    note="Integers: every entry is exact.",
    strata={"one step": lambda K, n_iter, **_: n_iter == 1 and _unlike(abs(K), abs(K[:, :, ::-1, ::-1])),
            "two steps": lambda K, n_iter, **_: n_iter == 2 and _unlike(abs(K), abs(K[:, :, ::-1, ::-1]))},
    mutants={"a-millionth": scaled(_gram_kernel, UNITS), "conjugate-on-the-other-factor": slip(_gram_kernel, UNITS, _kernel(np.conj)),
             "lags-reversed": slip(_gram_kernel, UNITS, _kernel(lambda K: K[:, :, ::-1, ::-1]))},
    promise=True,
)
def gram_kernels(impl: Any, **case: Any) -> Any:
    """The Gram kernel has the conjugate on its first factor and the lag on its second, also of complex kernels."""
    return agreement(_gram_kernel, UNITS)(impl, **case)
