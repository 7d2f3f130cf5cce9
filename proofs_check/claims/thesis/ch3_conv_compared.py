"""Thesis table 3.1: which compared method is which kind of bound, and for which padding."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import largest, sum_of_moduli
from proofs_check.strategies import convolutions, image_sizes, images, kernels

PADDINGS = ("circular", "zero", "full")
LINES = ((1, 1), (1, 2), (1, 3))


def _several(K: Any, **_: Any) -> bool:
    K = np.asarray(K)
    return min(K.shape[:2]) >= 2 and K[0, 0].size >= 2 and bool(
        np.linalg.matrix_rank(K.transpose(0, 2, 3, 1).reshape(-1, K.shape[1])) >= 2)


def _norm(impl: Any, K: Any, n: Any, padding: str) -> Any:
    return impl.convolution.conv_spectral_norm(K, n, padding=padding).norm


def _started(kernel: Any, **rest: Any) -> Any:
    sized = kernel.flatmap(lambda K: st.tuples(st.just(K), image_sizes(K, 1, 3)))
    return sized.flatmap(lambda pair: st.fixed_dictionaries({
        "K": st.just(pair[0]), "start": images(pair[0].shape[1], pair[1]).filter(np.any), **rest}))


@claim(
    "thesis.tab-3.1-ryu",
    at="Table 3.1, first row (Farnia et al., Ryu et al.)",
    tex=r"\lVert K \star X_i \rVert \le \sigma_1(\mathbf{W}),\quad X_{i+1} \propto K \star^* (K \star X_i),\ \lVert X_i \rVert = 1",
    given=_started(kernels(2), n_iter=st.integers(0, 3), padding=st.sampled_from(PADDINGS)),
    verdict=Verdict.SURVIVED,
    note="Power iteration is a lower bound at every step and padding, never an upper bound: the table's cross is right. Equality where the start "
    "is a leading singular vector.",
    strata={"several channels": _several},
    mutants={"one-percent": scale_right(0.99)},
    witnesses=[{"K": np.einsum("ji,q->jiq", np.diag([1.0, 2.0]), [0.0, 1.0, 0.0])[:, :, None], "start": np.array([[[0.0, 0.0]], [[1.0, 0.0]]]),
                "n_iter": 1, "padding": "zero"}],
    adversarial=["K", "start"],
)
def power_iteration_is_a_lower_bound(impl: Any, K: Any, start: Any, n_iter: int, padding: str) -> Comparison:
    """Power iteration on the convolution never exceeds its norm."""
    n = np.shape(start)[1:]
    value = impl.convolution.conv_power_iteration(K, n, n_iter, padding=padding, start=start)
    return Comparison(value, "<=", _norm(impl, K, n, padding), scale=sum_of_moduli(K))


@claim(
    "thesis.tab-3.1-sedghi",
    at="Table 3.1, second row (Bibi et al., Sedghi et al.)",
    tex=r"\max_{u,v} \sigma_1(\mathbf{D}_{u,v}) = \sigma_1(\mathbf{W}_{\mathrm{circ}})",
    given=convolutions(kernels(2, complex_entries=True), high=3),
    verdict=Verdict.SURVIVED,
    note="Exact for circular padding at the size of the transform, as the table says; for zero padding at the same size it is no bound "
    "(thesis.prop-3.7.2).",
    strata={"several channels": _several},
    mutants={"one-percent": scale_right(1.01),
             "zero-padding": instead(lambda impl, K, n: _by_transform(impl, K, n, "zero"))},
    adversarial=["K"],
)
def transform_and_svd_are_exact(impl: Any, K: Any, n: Any) -> Comparison:
    """The largest singular value of the transformed kernel is the norm with circular padding."""
    return _by_transform(impl, K, n, "circular")


def _by_transform(impl: Any, K: Any, n: Any, padding: str) -> Comparison:
    W = impl.convolution.strided_matrix(K, n, 1, padding=padding)
    return Comparison(impl.convolution.conv_spectral_norm(K, n, method="blocks").norm, "==", impl.spectral.spectral_norm(W))


@claim(
    "thesis.tab-3.1-four-matrices",
    at="Table 3.1, third row (Yi; Singla and Feizi), 'computes an upper bound'",
    tex=r"\sigma_1(\mathbf{W}) \le \sqrt{k_h k_w}\, \min(\lVert R \rVert, \lVert S \rVert, \lVert M \rVert, \lVert N \rVert)",
    given=convolutions(kernels(2, complex_entries=True), padding=st.sampled_from(PADDINGS)),
    verdict=Verdict.SURVIVED,
    note="With exact norms of the four matrices: for every padding and size. Equality for one tap, and for (1, 1, 1) going round.",
    strata={"several channels": _several},
    mutants={
        "one-percent-tighter": tighten(0.01),
        "without-the-root": instead(lambda impl, K, n, padding: Comparison(
            _norm(impl, K, n, padding), "<=", impl.convolution.four_matrix_bound(K) * (1 / float(np.sqrt(K[0, 0].size))))),
    },
    witnesses=[{"K": np.einsum("ji,q->jiq", [[2.0, 0.0], [0.0, 1.0]], [1.0, 1.0, 1.0])[:, :, None], "n": (1, 3), "padding": "circular"}],
    adversarial=["K"],
    # For one tap it is an equality, which only balls decide, and not for hundreds of channels.
    kernels=lambda K: None if K[0, 0].size == 1 else {"K": K, "n": (4, 4), "padding": "circular"},
)
def four_matrices_bound(impl: Any, K: Any, n: Any, padding: str) -> Comparison:
    """The least norm of the four reshaped kernels, times the root of the number of taps, is an upper bound."""
    return Comparison(_norm(impl, K, n, padding), "<=", impl.convolution.four_matrix_bound(K))


def _corrected(impl: Any, K: Any, n: Any, more: int, padding: str, power: float = 1.0) -> Comparison:
    k = np.shape(K)[2:]
    samples = max(k) + more
    factor = impl.convolution.size_transfer_factor(k, (samples, samples), 0)
    return Comparison(_norm(impl, K, n, padding), "<=", factor**power * impl.convolution.sampled_density_bound(K, samples))


@claim(
    "thesis.tab-3.1-araujo.corrected",
    at="Table 3.1, fourth row (Araujo et al.), amended",
    tex=r"\sigma_1(\mathbf{W}) \le \prod_{\text{axes}} \min\bigl((1 - \alpha)^{-1/2}, \cos(\pi\alpha/2)^{-1}\bigr) "
    r"\Bigl(\sum_j \max_{w \in \Omega_S^2} \sum_i |\mathbf{E}_{j,i}(w)|^2\Bigr)^{1/2},\quad \alpha = (k-1)/S",
    given=convolutions(kernels(2), more=st.integers(0, 3), padding=st.sampled_from(PADDINGS)),
    verdict=Verdict.SURVIVED,
    strata={"several channels": _several, "three taps": lambda K, **_: np.shape(K)[3] == 3 and np.count_nonzero(K) >= 3},
    mutants={"fifth-tighter": tighten(0.2)},
    witnesses=[{"K": np.array([[[[2.0, -1.0, 2.0]]]]), "n": (1, 4), "more": 0, "padding": "circular"},
               {"K": np.einsum("ji,q->jiq", [[2.0, 0.0], [0.0, 0.25]], [1.0, -1.0])[:, :, None], "n": (1, 4), "more": 0, "padding": "circular"},
               {"K": np.einsum("ji,q->jiq", [[2.0, 0.0], [0.0, 0.25]], [1.0, 1.0])[:, :, None], "n": (1, 2), "more": 3, "padding": "circular"},
               {"K": np.einsum("ji,q->jiq", [[4.0, 0.0], [0.0, 1.0]], [1.0, 1.0])[:, :, None], "n": (1, 2), "more": 3, "padding": "circular"}],
    adversarial=["K"],
)
def sampled_density_corrected(impl: Any, K: Any, n: Any, more: int, padding: str) -> Comparison:
    """Times the factor for what lies between the samples it is an upper bound, for every size and padding."""
    return _corrected(impl, K, n, more, padding)


@claim(
    "thesis.tab-3.1-araujo-exact",
    at="Section 3.4, 'exact for certain filter shapes (c_out x 1 x k x k or 1 x c_in x k x k)'",
    tex=r"\min(c_{\mathrm{in}}, c_{\mathrm{out}}) = 1 \implies \max_{w \in \Omega_S^2} \sum_i |\mathbf{E}_i(w)|^2 = "
    r"\sigma_1(\mathbf{W}_{\mathrm{circ}}(S))^2",
    given={"K": kernels(2, (*LINES, (2, 2))).filter(lambda K: min(K.shape[:2]) == 1), "samples": st.integers(1, 4)},
    verdict=Verdict.SURVIVED,
    note="With the sum over the side with more channels inside, as the authors' program has it. Exact for circular padding at S pixels; for zero padding in "
    "the limit of large images only.",
    strata={"two channels": lambda K, samples: max(np.shape(K)[:2]) == 2 and bool(np.all(np.abs(K).sum(axis=(2, 3)) > 0)) and samples >= 2},
    mutants={
        "one-percent": scale_right(1.01),
        "two-norms": instead(lambda impl, K, samples: Comparison(
            impl.convolution.sampled_density_bound(K, samples), "==",
            largest([impl.convolution.sampled_density_bound(part, samples) for part in
                     (K[:1, :1], K[-1:, -1:])]))),
    },
    adversarial=["K"],
)
def exact_for_one_channel(impl: Any, K: Any, samples: int) -> Comparison:
    """With one input or output channel the sampled value is the circular norm at that size."""
    # An axis of kernel size 1 has a constant density: one sample does.
    n = tuple(1 if k == 1 else samples for k in np.shape(K)[2:])
    return Comparison(impl.convolution.sampled_density_bound(K, samples), "==", _norm(impl, K, n, "circular"))
