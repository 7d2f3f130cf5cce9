"""Thesis 3.2, proposition 3.2.5: the gradient of the Gram iteration bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Step, Verdict, claim, instead, scale_right
from proofs_check.strategies import matrices


def _printed(impl: Any, W: Any, n_iter: int, power: int, exponent: float) -> Comparison:
    gram = W.T @ W
    product = W
    for _ in range(power):
        product = product @ gram
    size = impl.spectral.gram_iteration_naive(W, n_iter) ** 2**n_iter
    return Comparison(impl.spectral.gram_iteration_gradient(W, n_iter), "==", product / size**exponent)


@claim(
    "thesis.prop-3.2.5",
    at="Proposition 3.2.5, equation 3.6",
    tex=r"\nabla_{\mathbf{W}} \lVert \mathbf{W}^{(t)} \rVert_F^{2^{1-t}} = "
    r"\frac{\mathbf{W} (\mathbf{W}^*\mathbf{W})^{2^{t-1}-1}}{\lVert \mathbf{W}^{(t)} \rVert_F^{2 (1 - 2^{-t})}}",
    given={"W": matrices(3).filter(np.any), "n_iter": st.integers(0, 3)},
    where=lambda W, n_iter: bool(np.any(W)),
    verdict=Verdict.PROVED,
    note="For W != 0, a hypothesis not printed. Proved symbolically for 2 x 2 and t <= 3; elsewhere the printed formula "
    "is compared with forward differentiation in ball arithmetic.",
    strata={"rank at least 2, two steps": lambda W, n_iter: np.linalg.matrix_rank(W) >= 2 and n_iter >= 2},
    mutants={
        "one-percent": scale_right(1.01),
        "one-gram-factor-less": instead(lambda impl, W, n_iter: _printed(
            impl, W, n_iter, max(0, 2**n_iter - 2), 2 * (1 - 2.0 ** -(n_iter + 1)))),
        "exponent-of-t-minus-1": instead(lambda impl, W, n_iter: _printed(
            impl, W, n_iter, 2**n_iter - 1, 2 * (1 - 2.0**-n_iter))),
    },
    adversarial=["W"],
    derivation=lambda factor: _derivative(factor),
)
def gradient(impl: Any, W: Any, n_iter: int) -> Comparison:
    """The Frobenius bound of Gram iteration has the printed gradient wherever W is not zero."""
    return _printed(impl, W, n_iter, 2**n_iter - 1, 2 * (1 - 2.0 ** -(n_iter + 1)))


def _derivative(factor: Any) -> Iterator[Step]:
    """With p = 2^t, s^p = tr (W^T W)^(p/2), so s^(p-1) ds = d tr(...) / p."""
    entries = sympy.symbols("a b c d", real=True)
    W = sympy.Matrix(2, 2, entries)
    gram = W.T * W
    for t in (1, 2, 3):
        p = 2**t
        trace = (gram ** (p // 2)).trace()
        slope = sympy.Matrix(2, 2, [trace.diff(x) / p for x in entries])
        claimed = W * gram ** (p // 2 - 1)
        yield Step(f"s^{p - 1} ds/dW = W (W^T W)^({p // 2} - 1)", (slope - factor * claimed).expand())


@claim(
    "thesis.prop-3.2.5-stability",
    at="after Proposition 3.2.5, 'can be numerically unstable'",
    tex=r"\lVert \nabla s_t \rVert_{S_{p'}} = 1,\quad \langle \nabla s_t, \mathbf{W} \rangle = s_t,\quad "
    r"1/p + 1/p' = 1,\ p = 2^t",
    given={"W": matrices(3).filter(np.any), "n_iter": st.integers(4, 10), "exponent": st.sampled_from([0, 60, -60])},
    where=lambda W, n_iter, exponent: bool(np.any(W)),
    verdict=Verdict.SURVIVED,
    note="The gradient of a norm has dual norm 1 whatever the scale: so rescaling W first costs nothing, and the "
    "gradient is stable at any number of steps.",
    strata={"rank at least 2, large or small": lambda W, n_iter, exponent: np.linalg.matrix_rank(W) >= 2 and exponent != 0},
    mutants={"one-percent": scale_right(1.01)},
    adversarial=["W"],
)
def stable_gradient(impl: Any, W: Any, n_iter: int, exponent: int) -> Comparison:
    """After many steps, and at any scale of W, the gradient has dual Schatten norm 1 and Euler's identity holds."""
    W = W * 2.0**exponent
    gradient = impl.spectral.gram_iteration_gradient(W, n_iter)
    bound = impl.spectral.gram_iteration(W, n_iter)
    p = bound * 0 + 2.0 ** (n_iter + 1)
    return Comparison(
        [impl.spectral.schatten_norm(gradient, p / (p - 1)), (gradient * W).sum() / bound], "==", [1.0, 1.0]
    )
