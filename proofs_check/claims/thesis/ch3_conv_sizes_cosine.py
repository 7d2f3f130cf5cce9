"""Thesis A.0.5: the inequality behind lemma A.0.2 from the third step on."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead


@claim(
    "thesis.lemma-A.0.2.cosine",
    at="Lemma A.0.2, for t >= 3, the inequality behind it",
    tex=r"\cos(\pi\alpha / 2^t)^{2^{t+1}} \ge 1 - \alpha,\quad 0 \le \alpha < 1,\ t \ge 3",
    given={"parts": st.integers(0, 1023), "t": st.integers(3, 8)},
    verdict=Verdict.SURVIVED,
    note="alpha in parts of 1024. cos(x / m)^(2 m) grows with m, so that t = 3 is the least of them. At t = 2 it fails.",
    strata={"inside": lambda parts, t: 256 <= parts <= 768},
    mutants={
        "from-two": instead(lambda impl, parts, t: _cosine_power(impl, parts, 2)),
        "twice-the-angle": instead(lambda impl, parts, t: _cosine_power(impl, parts, t, units=2)),
        "twice-the-axes": instead(lambda impl, parts, t: _cosine_power(impl, parts, 3, axes=4)),
    },
)
def cosine_power(impl: Any, parts: int, t: int) -> Comparison:
    """The power of the cosine that two axes make is above the printed factor's inverse."""
    return _cosine_power(impl, parts, t)


def _cosine_power(impl: Any, parts: int, t: int, axes: int = 2, units: int = 1) -> Comparison:
    # The implementation's own factor of one step is 1 / cos(pi alpha / 2^t) where the kernel spans 2 alpha / 2^t of the grid.
    factor = impl.convolution.size_transfer_factor((1, 2 * units * parts + 1), (1, 1024 * 2**t), 0)
    one_less = (factor * 0 + (1024 - parts)) / 1024
    return Comparison(factor ** (axes * 2**t) * one_less, "<=", factor * 0 + 1.0)
