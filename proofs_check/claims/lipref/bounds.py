"""What refimpl promises of its bounds and derivatives: the value of their formula, from both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Verdict, claim
from proofs_check.claims.lipref._agreement import agreement, scaled, slip
from proofs_check.claims.lipref.geometry import COMPLEX_AND_REAL, _images
from proofs_check.strategies import matrices

UNITS = 2.0**14
STEPS = st.integers(0, 3)


def _fewer(case: Any) -> Any:
    return {"n_iter": case["n_iter"] + 1}


def _circular(impl: Any, case: Any) -> list[Any]:
    return [impl.convolution.circular_norm_bound(case["K"], case["n"], case["n_iter"])]


def _rank_two_channels(K: Any, **_: Any) -> bool:
    """Where the bound is above the norm, so that a step counts."""
    return min(K.shape[:2]) >= 2


@claim(
    "lipref.circular-value",
    at="refimpl.convolution.circular_norm_bound",
    tex=r"\max_{u,v} \lVert D_{u,v}^{(t)} \rVert_F^{2^{1-t}}",
    given=_images(n=st.sampled_from([(2, 5), (5, 3), (1, 4), (4, 3)]), shape=st.just((2, 2, 2, 3)), n_iter=STEPS),
    verdict=Verdict.SURVIVED,
    note="From both sides: a looser bound is another formula.",
    strata=COMPLEX_AND_REAL,
    mutants={"a-millionth": scaled(_circular, UNITS), "turned-image": slip(_circular, UNITS, lambda case: {"n": case["n"][::-1]}),
             "one-step-more": slip(_circular, UNITS, _fewer)},
    promise=True,
)
def circular_values(impl: Any, **case: Any) -> Any:
    """The circular bound is the largest Gram bound of all frequencies' blocks, also of complex kernels."""
    return agreement(_circular, UNITS)(impl, **case)


def _gradient(impl: Any, case: Any) -> list[Any]:
    return [impl.convolution.circular_norm_bound_gradient(case["K"], case["n"], case["n_iter"])]


def _one_leads(case: Any) -> bool:
    """One pair of frequencies is larger than the others by a thousandth, and is not real."""
    n = case["n"]
    sizes = np.linalg.norm(np.fft.fft2(case["K"], s=n, axes=(2, 3)) if min(np.array(n) - case["K"].shape[2:]) >= 0 else np.zeros((1, 1, *n)), axis=(0, 1))
    if not sizes.any():
        return False
    u, v = np.unravel_index(int(sizes.argmax()), sizes.shape)
    mirror = (-u % n[0], -v % n[1])
    rest = [size for place, size in np.ndenumerate(sizes) if place not in ((u, v), mirror)]
    return mirror != (u, v) and max(rest) < 0.999 * sizes.max()


@claim(
    "lipref.circular-gradient-value",
    at="refimpl.convolution.circular_norm_bound_gradient",
    tex=r"\frac{\partial}{\partial K_{:,:,p,q}} = \operatorname{Re}\bigl(e^{2 \pi i (u p / h + v q / w)} \, G\bigr)",
    given=_images(turned=st.just(False), n=st.sampled_from([(3, 5), (5, 3), (3, 4), (5, 4)]), shape=st.sampled_from([(1, 1, 2, 3), (1, 1, 3, 2), (1, 1, 2, 2)]), n_iter=st.integers(0, 2)).filter(_one_leads),
    verdict=Verdict.SURVIVED,
    note="One channel, so that the leading frequency is that of the largest modulus. It is none of the four real ones.",
    strata={"higher than wide": lambda n, **_: n[0] > n[1], "wider than high": lambda n, **_: n[1] > n[0]},
    mutants={"a-millionth": scaled(_gradient, UNITS), "flipped-kernel": slip(_gradient, UNITS, lambda case: {"K": case["K"][:, :, ::-1, ::-1]})},
    promise=True,
)
def circular_gradients(impl: Any, **case: Any) -> Any:
    """The gradient of the circular bound has the phase of its frequency, with its sign."""
    return agreement(_gradient, UNITS)(impl, **case)


def _factor(impl: Any, case: Any) -> list[Any]:
    return [impl.convolution.size_transfer_factor(case["k"], case["n0"], case["n_iter"])]


def _sizes() -> Any:
    def with_samples(parts: Any) -> Any:
        k, t = parts
        return st.tuples(*(st.integers(2**t * (size - 1) + 1, 2**t * (size - 1) + 20) for size in k)).map(
            lambda n0: {"k": k, "n0": n0, "n_iter": t})

    sizes = st.sampled_from([(3, 2), (2, 3), (1, 4), (5, 3), (5, 1), (4, 4), (5, 5)])
    return st.tuples(sizes, st.integers(0, 4)).flatmap(with_samples)


def _root(power: Any) -> Any:
    def raised(case: Any) -> Any:
        return {"n_iter": power(case["n_iter"])}

    return raised


@claim(
    "lipref.transfer-factor",
    at="refimpl.convolution.size_transfer_factor",
    tex=r"\prod_{\text{axes}} \min\Bigl(\frac{1}{\sqrt{1 - \alpha}}, \frac{1}{\cos(\pi \alpha / 2)}\Bigr)^{2^{-t}}, \qquad \alpha = \frac{2^t (k - 1)}{n_0}",
    given=_sizes(),
    verdict=Verdict.SURVIVED,
    strata={"three steps or more": lambda k, n0, n_iter: n_iter >= 3 and k != (1, 1), "five taps": lambda k, n0, n_iter: 5 in k and n_iter >= 1,
            "sizes that differ": lambda k, n0, n_iter: k[0] != k[1] and n_iter >= 1},
    mutants={"a-millionth": scaled(_factor, UNITS), "one-step-less": slip(_factor, UNITS, _root(lambda t: t - 1)),
             "half-the-span": slip(_factor, UNITS, lambda case: {"k": tuple((size + 1) // 2 for size in case["k"])})},
    promise=True,
)
def transfer_factors(impl: Any, **case: Any) -> Any:
    """The factor from one size of the image to all is that of its formula, also for three steps and more."""
    return agreement(_factor, UNITS)(impl, **case)


def _zero_padded(impl: Any, case: Any) -> list[Any]:
    K, t, n = case["K"], case["n_iter"], case["n"]
    of = impl.convolution
    return [of.zero_padded_norm_bound(K, t, "inf"), of.zero_padded_norm_bound(K, t, "fro"), of.zero_padded_norm_bound(K, t, "fro", n=n)]


@claim(
    "lipref.zero-padded-value",
    at="refimpl.convolution.zero_padded_norm_bound",
    tex=r"\Bigl(\max_b \sum_{a,l} |K^{(t)}_{a,b,l}|\Bigr)^{2^{1-t}}, \qquad \Bigl(N \sum_{a,b,l} |K^{(t)}_{a,b,l}|^2\Bigr)^{2^{-t}}",
    given=_images(shape=st.sampled_from([(1, 1, 1, 3), (2, 2, 1, 2), (1, 2, 2, 2)]), n_iter=st.integers(1, 3), n=st.sampled_from([(2, 3), (4, 2), (1, 5)])).filter(
        lambda case: case["n_iter"] < 3 or case["K"].size == 3),
    verdict=Verdict.SURVIVED,
    strata={**COMPLEX_AND_REAL, "three steps": lambda n_iter, **_: n_iter == 3},
    mutants={"a-millionth": scaled(_zero_padded, UNITS), "one-step-less": slip(_zero_padded, UNITS, lambda case: {"n_iter": case["n_iter"] % 3 + 1})},
    promise=True,
)
def zero_padded_values(impl: Any, **case: Any) -> Any:
    """The bounds for zero padding are those of their formulas: all channels in a sum, the taps of the iterate."""
    return agreement(_zero_padded, UNITS)(impl, **case)


def _strided(impl: Any, case: Any) -> list[Any]:
    K, n, stride, t = case["K"], case["n"], case["stride"], case["n_iter"]
    of = impl.convolution
    found = [of.strided_norm_bound(K, n, stride, t, padding=padding) for padding in ("circular", "zero")]
    start = np.arange(1.0, 1 + K.shape[1] * n[0] * n[1]).reshape(K.shape[1], *n)
    found += [of.conv_power_iteration(K, n, steps, padding="zero", stride=by, start=start) for steps, by in ((2, stride), (1, (1, 1)))]
    return [*found, of.polyphase_kernel(K, stride)]


@claim(
    "lipref.strided-value",
    at="refimpl.convolution.strided_norm_bound, conv_power_iteration and polyphase_kernel",
    tex=r"K^{\mathrm{poly}}_{j, (i, r, t), p, q} = K_{j, i, s p + r, s' q + t}",
    given=_images(turned=st.just(False), shape=st.sampled_from([(1, 2, 2, 3), (1, 1, 3, 2), (2, 1, 2, 3)]), n=st.sampled_from([(4, 6), (6, 4), (3, 4), (4, 4)]), stride=st.sampled_from([(1, 2), (2, 1), (2, 3), (3, 2)]), n_iter=st.just(1)).filter(
        lambda case: all(s <= m for s, m in zip(case["stride"], case["n"], strict=True))),
    verdict=Verdict.SURVIVED,
    strata={"longer steps across": lambda stride, **_: stride[0] < stride[1], "longer steps down": lambda stride, **_: stride[0] > stride[1]},
    mutants={"a-millionth": scaled(_strided, UNITS), "channels-reversed": slip(_strided, UNITS, lambda case: {"K": case["K"][:, ::-1, ::-1, ::-1]})},
    promise=True,
)
def strided_values(impl: Any, **case: Any) -> Any:
    """The strided bound, the power iteration and the polyphase kernel are those of the definition, with a stride for each axis."""
    return agreement(_strided, UNITS)(impl, **case)


def _compared(impl: Any, case: Any) -> list[Any]:
    of = impl.convolution
    return [of.four_matrix_bound(case["K"]), of.sampled_density_bound(case["K"], case["samples"]), of.smaller_input_norm_bound(case["K"], case["n0"], case["n_iter"])]


@claim(
    "lipref.compared-values",
    at="refimpl.convolution.four_matrix_bound, sampled_density_bound and smaller_input_norm_bound",
    tex=r"\sqrt{k_h k_w} \min(\lVert R \rVert, \lVert S \rVert, \lVert M \rVert, \lVert N \rVert), \qquad \Bigl(\sum_j \max_\omega \sum_i |E_{ji}(\omega)|^2\Bigr)^{1/2}",
    given=_images(turned=st.just(False), n=st.just((1, 1)), shape=st.sampled_from([(2, 3, 1, 2), (3, 2, 2, 1), (2, 2, 2, 3), (1, 2, 3, 2)]),
                  samples=st.integers(2, 5), n0=st.sampled_from([(9, 12), (12, 9)]), n_iter=st.integers(0, 2)),
    verdict=Verdict.SURVIVED,
    strata={"more outputs": lambda K, **_: K.shape[0] > K.shape[1], "more inputs": lambda K, **_: K.shape[0] < K.shape[1]},
    mutants={"a-millionth": scaled(_compared, UNITS), "taps-exchanged": slip(_compared, UNITS, lambda case: {"K": np.concatenate([case["K"][:, 1:], case["K"][:, :1] * 2], axis=1)})},
    promise=True,
)
def compared_values(impl: Any, **case: Any) -> Any:
    """Three bounds for every size are those of their formulas, on kernels whose axes all differ."""
    return agreement(_compared, UNITS)(impl, **case)


def _gram_gradient(impl: Any, case: Any) -> list[Any]:
    return [impl.spectral.gram_iteration_gradient(case["W"], case["n_iter"])]


@claim(
    "lipref.gram-gradient",
    at="refimpl.spectral.gram_iteration_gradient",
    tex=r"\lVert W^{(t)} \rVert_F^{2^{1-t}} \, \frac{W (W^* W)^{2^t - 1}}{\lVert W^{(t+1)} \rVert_F^2}",
    given={"W": matrices(3, complex_entries=True).filter(np.any), "n_iter": st.integers(0, 3)},
    verdict=Verdict.SURVIVED,
    note="Of complex matrices the derivative by the real parts plus i times the one by the imaginary parts.",
    strata={"genuinely complex": lambda W, n_iter: bool(np.any(W.imag)) and not np.array_equal(W, W.T) and n_iter >= 1,
            "real": lambda W, n_iter: not np.any(np.imag(W)) and np.linalg.matrix_rank(W) >= 2 and n_iter >= 1},
    mutants={"a-millionth": scaled(_gram_gradient, UNITS), "one-step-less": slip(_gram_gradient, UNITS, lambda case: {"n_iter": case["n_iter"] - 1, "W": case["W"] + np.eye(*case["W"].shape)})},
    promise=True,
)
def gram_gradients(impl: Any, **case: Any) -> Any:
    """The gradient of the Gram bound is that of forward differentiation, also of complex matrices."""
    return agreement(_gram_gradient, UNITS)(impl, **case)
