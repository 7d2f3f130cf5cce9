"""What refimpl.convolution promises: adjoints, methods that agree, polyphase form, certified bounds in floating point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Mutant, Verdict, claim, instead, scale_right
from proofs_check.claims._sides import adjoint as conjugate_transpose
from proofs_check.strategies import convolutions, image_sizes, images, kernels

PADDINGS = ("circular", "zero", "full", "valid")
SHAPES = ((1, 1), (1, 2), (1, 3), (2, 2))
SCALES = st.sampled_from([0, 0, 3, -1060, 990])


def _several(K: Any, **_: Any) -> bool:
    K = np.asarray(K)
    return min(K.shape[:2]) >= 2 and K[0, 0].size >= 2 and bool(
        np.linalg.matrix_rank(K.transpose(0, 2, 3, 1).reshape(-1, K.shape[1])) >= 2)


def _pairs() -> Any:
    sized = kernels(2, SHAPES, complex_entries=True).flatmap(lambda K: st.tuples(st.just(K), image_sizes(K, 2, 3)))

    def case(pair: Any) -> Any:
        K, n = pair
        common = {"K": st.just(K), "X": images(K.shape[1], n), "padding": st.sampled_from(PADDINGS)}
        return st.fixed_dictionaries(common | {"seed": st.integers(0, 99)})

    return sized.flatmap(case)


def _adjoint(impl: Any, K: Any, X: Any, padding: str, seed: int, flipped: bool = False) -> Comparison:
    n = np.shape(X)[1:]
    KX = impl.convolution.conv2d(X, K, padding=padding)
    Y = np.random.default_rng(seed).integers(-4, 5, np.shape(KX)) / 2.0
    kernel = K[:, :, ::-1, ::-1] if flipped else K
    back = impl.convolution.conv2d_transpose(Y, kernel, n, padding=padding)
    # Y and X are real, so <K X, Y> and <X, K* Y> are conjugates of each other.
    return Comparison((KX * Y).sum(), "==", conjugate_transpose([[(back * X).sum()]])[0, 0])


@claim(
    "lipref.conv-adjoint",
    at="refimpl.convolution.conv2d_transpose",
    tex=r"\langle K \star X, Y \rangle = \langle X, K \star^* Y \rangle",
    given=_pairs(),
    where=lambda K, X, padding, seed: padding != "valid" or bool((np.array(np.shape(K)[2:]) <= np.shape(X)[1:]).all()),
    verdict=Verdict.SURVIVED,
    strata={"several channels": _several},
    mutants={"one-percent": scale_right(1.01), "flipped-kernel": instead(lambda impl, **case: _adjoint(impl, **case, flipped=True))},
)
def adjoint(impl: Any, K: Any, X: Any, padding: str, seed: int) -> Comparison:
    """The transposed convolution is the adjoint of the convolution, for every padding."""
    return _adjoint(impl, K, X, padding, seed)


@claim(
    "lipref.conv-norm-methods",
    at="refimpl.convolution.conv_spectral_norm",
    tex=r"\sigma_1 \text{ by blocks, by the matrix, by Lanczos agree within their errors}",
    given=convolutions(kernels(2, ((1, 2), (1, 3), (2, 2)), complex_entries=True), low=4, high=5, stride=st.integers(1, 2)),
    where=lambda K, n, stride: n[0] % min(stride, n[0]) == 0 and n[1] % stride == 0 and n[0] * n[1] // stride**2 >= 4,
    verdict=Verdict.SURVIVED,
    note="The explicit matrix is decomposed in balls; the other methods must agree with it to rounding and report the error they made.",
    strata={"several channels": _several},
    mutants={"a-millionth": instead(lambda impl, K, n, stride: _methods(impl, K, n, stride, 1e-6))},
    promise=True,
)
def methods_agree(impl: Any, K: Any, n: Any, stride: int) -> Comparison:
    """The norm by each method lies within eight times its error estimate of the exact one."""
    return _methods(impl, K, n, stride, 0.0)


def _methods(impl: Any, K: Any, n: Any, stride: int, off: float) -> Comparison:
    steps = (min(stride, n[0]), stride)
    truth = impl.exact.convolution.conv_spectral_norm(K, n, stride=steps).norm * (1 + off)
    results = [impl.convolution.conv_spectral_norm(K, n, stride=steps, method=m) for m in ("blocks", "dense", "lanczos")]
    low = [truth * 0 + r.norm - 8 * r.error for r in results]
    return Comparison([*low, truth, truth, truth], "<=", [truth, truth, truth, *(r.norm + 8 * r.error for r in results)])


@claim(
    "lipref.polyphase",
    at="refimpl.convolution.polyphase_kernel",
    tex=r"K \star_s X = K^{\mathrm{poly}} \star X^{\mathrm{poly}}",
    given=convolutions(kernels(2, ((1, 2), (1, 3), (2, 3))), high=2, stride=st.tuples(st.integers(1, 2), st.integers(1, 3)),
                       seed=st.integers(0, 99)),
    verdict=Verdict.SURVIVED,
    note="With s x s pixels at a time as channels; on images of s times the size n that is drawn.",
    strata={"stride 2 or more": lambda K, n, stride, seed: stride[1] >= 2 and _several(K)},
    mutants={"one-percent": scale_right(1.01),
             "phases-exchanged": instead(lambda impl, K, n, stride, seed: _polyphase(impl, K, n, stride, seed, True))},
)
def polyphase(impl: Any, K: Any, n: Any, stride: Any, seed: int) -> Comparison:
    """A strided convolution is one without stride of the polyphase kernel and the image's phases."""
    return _polyphase(impl, K, n, stride, seed, False)


def _polyphase(impl: Any, K: Any, n: Any, stride: Any, seed: int, exchanged: bool) -> Comparison:
    (s, r), c_in = stride, np.shape(K)[1]
    X = np.random.default_rng(seed).integers(-4, 5, (c_in, n[0] * s, n[1] * r)) / 2.0
    phases = X.reshape(c_in, n[0], s, n[1], r).transpose(0, 2, 4, 1, 3)
    phases = (phases[:, ::-1, ::-1] if exchanged else phases).reshape(c_in * s * r, *n)
    poly = impl.convolution.polyphase_kernel(K, stride)
    return Comparison(impl.convolution.conv2d(X, K, stride=stride, anchor=0), "==",
                      impl.convolution.conv2d(phases, poly, anchor=0))


def _below(share: float, compare: Callable[..., Comparison]) -> Mutant:
    """The bound lowered by this share."""
    def lowered(impl: Any, **case: Any) -> Comparison:
        found = compare(impl, **case)
        return Comparison(found.lhs, "<=", np.asarray(found.rhs, dtype=object) * (1 - share))

    return instead(lowered)


def _certified(function: Callable[..., Any], truth: Callable[..., Any]) -> Callable[..., Comparison]:
    def compare(impl: Any, K: Any, n: Any, n_iter: int, exponent: int) -> Comparison:
        scaled = K * 2.0**exponent
        return Comparison(truth(impl.exact.convolution, scaled, n), "<=", function(impl.convolution, scaled, n, n_iter))

    return compare


def _domain(least: int) -> Any:
    return convolutions(kernels(2, SHAPES, complex_entries=True), high=3, n_iter=st.integers(least, 3), exponent=SCALES)


STRATA = {"several channels": _several, "tiny": lambda exponent, K, **_: exponent < -900 and bool(np.any(K)),
          "huge": lambda exponent, K, **_: exponent > 900 and bool(np.any(K))}
NOTE = "The exact norm of the given floats, from ball arithmetic; also near the ends of the range of floats."
DIAGONAL = np.einsum("ji,q->jiq", np.diag([2.0, 1.0]), [1.0, 0.0])[:, :, None]
WITNESSES = [{"K": DIAGONAL, "n": (1, 3), "n_iter": 3, "exponent": exponent} for exponent in (0, -1060, 990)]

_circular = _certified(lambda c, K, n, t: c.circular_norm_bound(K, n, t, certified=True),
                       lambda c, K, n: c.conv_spectral_norm(K, n).norm)
_zero = _certified(lambda c, K, n, t: c.zero_padded_norm_bound(K, t, certified=True),
                   lambda c, K, n: c.conv_spectral_norm(K, n, padding="zero").norm)
_smaller = _certified(lambda c, K, n, t: c.smaller_input_norm_bound(K, (9, 9), min(t, 2), certified=True),
                      lambda c, K, n: c.conv_spectral_norm(K, n).norm)
_strided = _certified(lambda c, K, n, t: c.strided_norm_bound(K, n, (1, n[1]), t, certified=True),
                      lambda c, K, n: c.conv_spectral_norm(K, n, stride=(1, n[1])).norm)


@claim(
    "lipref.certified-circular", at="refimpl.convolution.circular_norm_bound, certified",
    tex=r"\sigma_1(W_{\mathrm{circ}}) \le \mathrm{bound}", given=_domain(0), verdict=Verdict.SURVIVED, note=NOTE, strata=STRATA,
    mutants={"fifth": _below(0.2, _circular)}, witnesses=WITNESSES, promise=True,
)
def certified_circular(impl: Any, K: Any, n: Any, n_iter: int, exponent: int) -> Comparison:
    """The certified circular bound is not below the exact norm."""
    return _circular(impl, K, n, n_iter, exponent)


@claim(
    "lipref.certified-zero-padded", at="refimpl.convolution.zero_padded_norm_bound, certified",
    tex=r"\sigma_1(W_{\mathrm{toep}}) \le \mathrm{bound}", given=_domain(1), verdict=Verdict.SURVIVED, note=NOTE, strata=STRATA,
    mutants={"fifth": _below(0.2, _zero)}, witnesses=WITNESSES, promise=True,
)
def certified_zero_padded(impl: Any, K: Any, n: Any, n_iter: int, exponent: int) -> Comparison:
    """The certified zero-padded bound is not below the exact norm."""
    return _zero(impl, K, n, n_iter, exponent)


@claim(
    "lipref.certified-smaller-input", at="refimpl.convolution.smaller_input_norm_bound, certified",
    tex=r"\sigma_1(W) \le \mathrm{bound}", given=_domain(0), verdict=Verdict.SURVIVED, note=NOTE + " From 9 samples an axis.", strata=STRATA,
    mutants={"half": _below(0.5, _smaller)}, witnesses=WITNESSES, promise=True,
)
def certified_smaller_input(impl: Any, K: Any, n: Any, n_iter: int, exponent: int) -> Comparison:
    """The certified bound from a smaller image is not below the exact norm."""
    return _smaller(impl, K, n, n_iter, exponent)


@claim(
    "lipref.certified-strided", at="refimpl.convolution.strided_norm_bound, certified",
    tex=r"\sigma_1(W_{K,s}) \le \mathrm{bound}", given=_domain(0), verdict=Verdict.SURVIVED, note=NOTE + " One window a row.", strata=STRATA,
    mutants={"fifth": _below(0.2, _strided)}, witnesses=WITNESSES, promise=True,
)
def certified_strided(impl: Any, K: Any, n: Any, n_iter: int, exponent: int) -> Comparison:
    """The certified strided bound is not below the exact norm."""
    return _strided(impl, K, n, n_iter, exponent)


def _excess(impl: Any, K: Any, n: Any, n_iter: int, units: float) -> Comparison:
    c = impl.convolution
    pairs = [
        (c.circular_norm_bound(K, n, n_iter, certified=True), impl.exact.convolution.circular_norm_bound(K, n, n_iter)),
        (c.zero_padded_norm_bound(K, n_iter, certified=True), impl.exact.convolution.zero_padded_norm_bound(K, n_iter)),
        (c.smaller_input_norm_bound(K, (9, 9), n_iter, certified=True),
         impl.exact.convolution.smaller_input_norm_bound(K, (9, 9), n_iter)),
    ]
    return Comparison([high for high, _ in pairs], "<=", [truth * (1 + units * 2.0**-53) for _, truth in pairs])


@claim(
    "lipref.certified-conv-width", at="refimpl.convolution, certified bounds",
    tex=r"\mathrm{bound} \le (1 + 10^5 u)\, s_t",
    given=convolutions(kernels(2, SHAPES).filter(np.any), high=3, n_iter=st.integers(1, 2)),
    where=lambda K, n, n_iter: _relative_size(K, n) > 0.01,
    verdict=Verdict.SURVIVED,
    note="Certification costs 1e-11 of the bound at most on kernels of this size: a bound that is merely large would not pass. Where "
    "taps cancel on the image the error is relative to the taps, not to the bound; such kernels are left out.",
    strata={"several channels": _several},
    mutants={"no-room": instead(lambda impl, K, n, n_iter: _excess(impl, K, n, n_iter, -10.0))},
    promise=True,
)
def certified_bounds_are_close(impl: Any, K: Any, n: Any, n_iter: int) -> Comparison:
    """A certified bound exceeds the exact value of its formula by rounding only."""
    return _excess(impl, K, n, n_iter, 1e5)


def _relative_size(K: Any, n: Any) -> float:
    from refimpl.convolution import circular_norm_bound

    return circular_norm_bound(K, n, 1) / float(np.abs(K).sum())
