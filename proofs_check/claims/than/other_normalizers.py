"""Section 3.1 to 3.3 in passing: batch statistics, instance and root-mean-square normalization."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Verdict, claim, instead, scale_right
from proofs_check.claims._sides import largest
from proofs_check.strategies import dyadics, vectors

_EPSILON = st.sampled_from([1.0, 0.25, 4.0])


@st.composite
def _tables(draw: st.DrawFn) -> Case:
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return {"x": draw(vectors(rows * columns, dyadics(-2, 2))).reshape(rows, columns), "epsilon": draw(_EPSILON)}


def _varied(x: Any, epsilon: Any) -> bool:
    return min(x.shape) >= 2 and len(set(x.ravel())) >= 3


def _scale(epsilon: Any) -> float:
    return 1 / float(np.sqrt(epsilon)) if isinstance(epsilon, float) else 0.0


@claim(
    "than.batch-statistics",
    at="Section 3.2, 'its Jacobian couple different examples'; equation 1 with the batch's own statistics",
    tex=r"\frac{\partial y_{ik}}{\partial x_{jl}} = \delta_{kl}\, J_{\mathrm{LN}}(x_{\cdot k})_{ij}",
    given=_tables(),
    verdict=Verdict.SURVIVED,
    note="Batch normalization with batch statistics is layer normalization of every feature across the samples; it is "
    "not the map of lemma 1, and its global constant is 1/sqrt(epsilon).",
    strata={"several samples and features": _varied,
            "more samples than features": lambda x, epsilon: _varied(x, epsilon) and x.shape[0] > x.shape[1],
            "more features than samples": lambda x, epsilon: _varied(x, epsilon) and x.shape[0] < x.shape[1]},
    mutants={"one-percent": scale_right(1.01), "statistics-held-constant": instead(
        lambda impl, x, epsilon: _batch_blocks(impl, x, epsilon, frozen=True)),
        "axes-exchanged": instead(lambda impl, x, epsilon: _batch_blocks(impl, x, epsilon, frozen=False, exchanged=True))},
    adversarial=["x"],
)
def batch_statistics(impl: Any, x: Any, epsilon: Any) -> Comparison:
    """With the statistics of the batch, every feature's Jacobian is that of layer normalization over the samples."""
    blocks = _batch_blocks(impl, x, epsilon, frozen=False)
    constant = impl.normalization.batch_norm_training_jacobian(x * 0, epsilon=epsilon)
    norm = impl.spectral.spectral_norm(np.asarray(constant).reshape(np.size(x), np.size(x)))
    return Comparison(
        [*np.ravel(blocks.lhs), norm], "==",
        [*np.ravel(blocks.rhs), impl.normalization.batch_norm_training_lipschitz(np.shape(x)[0], epsilon=epsilon)],
        blocks.scale,
    )


def _batch_blocks(impl: Any, x: Any, epsilon: Any, frozen: bool, exchanged: bool = False) -> Comparison:
    jacobian = impl.normalization.batch_norm_training_jacobian(x, epsilon=epsilon)
    samples, features = np.shape(x)
    claimed = jacobian * 0
    for i in range(samples if exchanged else 0):
        claimed[i, :, i, :] = impl.normalization.layer_norm_jacobian(x[i], epsilon=epsilon)
    for k in range(0 if exchanged else features):
        block = impl.normalization.layer_norm_jacobian(x[:, k], epsilon=epsilon)
        claimed[:, k, :, k] = block * np.eye(samples) if frozen else block
    return Comparison(jacobian, "==", claimed, _scale(epsilon))


@claim(
    "than.instance-norm",
    at="Section 3.3, instance normalization as a case of group normalization",
    tex=r"\lVert J_{\mathrm{IN}}(x) \rVert = \max_c \lVert J_{\mathrm{LN}}(x_c) \rVert",
    given=_tables(),
    verdict=Verdict.SURVIVED,
    strata={"several channels and positions": _varied,
            "as many of both": lambda x, epsilon: _varied(x, epsilon) and x.shape[0] == x.shape[1]},
    mutants={"one-percent": scale_right(1.01), "axes-exchanged": instead(lambda impl, x, epsilon: Comparison(
        _instance(impl, x, epsilon), "==", largest([impl.normalization.layer_norm_jacobian_norm(column, epsilon=epsilon) for column in x.T]))),
        "sum-instead": instead(lambda impl, x, epsilon: Comparison(
        _instance(impl, x, epsilon), "==",
        sum(impl.normalization.layer_norm_jacobian_norm(channel, epsilon=epsilon) for channel in x)))},
    adversarial=["x"],
)
def instance_norm(impl: Any, x: Any, epsilon: Any) -> Comparison:
    """The norm of instance normalization's Jacobian is the largest of its channels', globally 1/sqrt(epsilon)."""
    norms = [impl.normalization.layer_norm_jacobian_norm(channel, epsilon=epsilon) for channel in x]
    return Comparison(
        [_instance(impl, x, epsilon), _instance(impl, x * 0, epsilon)], "==",
        [largest(norms), impl.normalization.instance_norm_lipschitz(np.shape(x)[1], epsilon=epsilon)],
        _scale(epsilon),
    )


def _instance(impl: Any, x: Any, epsilon: Any) -> Any:
    return impl.spectral.spectral_norm(impl.normalization.instance_norm_jacobian(x, epsilon=epsilon))


@claim(
    "than.rms-norm",
    at="Introduction, RMSnorm; not analysed in the paper",
    tex=r"J = \frac{1}{r}\Bigl(I - \frac{x x^T}{n r^2}\Bigr),\ r^2 = \lVert x \rVert^2/n + \epsilon,\quad "
    r"\lVert \mathrm{RMS} \rVert_{Lip} = \epsilon^{-1/2}",
    given={"x": vectors(st.integers(1, 4)), "epsilon": _EPSILON},
    verdict=Verdict.SURVIVED,
    strata={"two features or more, not zero": lambda x, epsilon: len(x) >= 2 and np.count_nonzero(x) >= 2},
    mutants={"one-percent": scale_right(1.01), "centred": instead(lambda impl, x, epsilon: Comparison(
        impl.normalization.rms_norm_jacobian(x, epsilon=epsilon), "==",
        impl.normalization.layer_norm_jacobian(x, epsilon=epsilon)))},
    adversarial=["x"],
)
def rms_norm(impl: Any, x: Any, epsilon: Any) -> Comparison:
    """The Jacobian of root-mean-square normalization, and its norm 1/sqrt(epsilon) at zero."""
    n, one = len(x), np.asarray(x)[0] * 0 + 1
    square = (x * x).sum() / (one * n) + epsilon
    printed = (np.eye(n) - np.outer(x, x) / (n * square)) / np.sqrt(square)
    at_zero = impl.spectral.spectral_norm(impl.normalization.rms_norm_jacobian(x * 0, epsilon=epsilon))
    jacobian = impl.normalization.rms_norm_jacobian(x, epsilon=epsilon)
    return Comparison(
        [*np.ravel(jacobian), at_zero], "==", [*np.ravel(printed), impl.normalization.rms_norm_lipschitz(epsilon=epsilon)],
        _scale(epsilon),
    )


@claim(
    "than.normalized-outputs",
    at="Equations 1, 2 and 4, the forward maps",
    tex=r"\mathrm{mean} = 0,\quad \mathrm{variance} = \sigma^2/(\sigma^2 + \epsilon)",
    given=_tables(),
    verdict=Verdict.SURVIVED,
    strata={"several samples and features": _varied},
    mutants={"variance-one": instead(lambda impl, x, epsilon: Comparison(
        _moments(impl.normalization.batch_norm_training(x, epsilon=epsilon))[1], "==", np.ones(np.shape(x)[1]))),
        "one-percent": scale_right(1.01)},
    adversarial=["x"],
)
def normalized_outputs(impl: Any, x: Any, epsilon: Any) -> Comparison:
    """Batch, instance, group and layer normalization all map to mean 0 and variance sigma^2/(sigma^2 + epsilon); RMS to x/r."""
    norm = impl.normalization
    by_batch = norm.batch_norm_training(x, epsilon=epsilon)
    mean, variance = _moments(x)
    frozen = norm.batch_norm(np.asarray(x)[0], mean, variance, epsilon=epsilon)
    by_instance = norm.instance_norm(x.T, epsilon=epsilon).T
    columns = [norm.layer_norm(x[:, k], epsilon=epsilon) for k in range(np.shape(x)[1])]
    grouped = norm.group_norm(x.T.ravel(), np.shape(x)[1], epsilon=epsilon).reshape(np.shape(x.T)).T
    found_mean, found_variance = _moments(by_batch)
    statistics = norm.batch_norm_statistics(x)
    row = np.asarray(x)[0]
    size = np.sqrt((row * row).sum() / (row[0] * 0 + len(row)) + epsilon)
    return Comparison(
        [*np.ravel(by_batch), *np.ravel(by_instance), *np.ravel(grouped), *frozen, *found_mean, *found_variance,
         *statistics.mean, *statistics.variance, *norm.rms_norm(row, epsilon=epsilon)], "==",
        [*np.ravel(np.array(columns).T)] * 3 + [*np.asarray(by_batch)[0], *(found_mean * 0), *(variance / (variance + epsilon)),
                                             *mean, *variance, *(row / size)],
        4.0,
    )


def _moments(x: Any) -> tuple[Any, Any]:
    samples = np.asarray(x).ravel()[0] * 0 + len(x)
    mean = x.sum(axis=0) / samples
    return mean, ((x - mean) * (x - mean)).sum(axis=0) / samples
