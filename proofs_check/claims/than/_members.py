"""The member h* of theorem 13: W_k = a_k I_k after layer i, rectangular identities before it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison
from proofs_check.claims._sides import length, product
from proofs_check.claims.than._networks import network_of, operator_norm
from proofs_check.strategies import dyadics, vectors


@st.composite
def members(draw: st.DrawFn) -> Case:
    depth = draw(st.integers(2, 3))
    sizes = draw(st.lists(st.integers(1, 3), min_size=depth + 1, max_size=depth + 1))
    return {
        "sizes": sizes,
        "factors": np.array(draw(st.lists(st.sampled_from([1.0, 2.0, 0.5, 3.0]), min_size=depth, max_size=depth))),
        "x": draw(vectors(sizes[0], dyadics(0, 3))),
        "i": draw(st.integers(1, depth - 1)),
    }


def all_members() -> Iterator[Case]:
    for depth in (2, 3):
        for sizes in itertools.product((1, 2, 3), repeat=depth + 1):
            for i in range(1, depth):
                x = np.array([1.0, 2.0, 2.0][: sizes[0]])
                yield {"sizes": list(sizes), "factors": np.array([5.0, 2.0, 3.0][:depth]), "x": x, "i": i}


def member(impl: Any, sizes: Any, factors: Any, x: Any, i: int, rows: str) -> tuple[Any, Any, Any]:
    """The network, h_{i-1}, and a_{i+1} ... a_K. Row 1 (or every row) of W_i is h_{i-1}: active where it is not 0."""
    kept = [impl.network.identity_like(m, n) for m, n in zip(sizes[1:], sizes[:-1], strict=True)]
    before = impl.network.truncate_or_pad(x, sizes[1:i]) if i > 1 else np.asarray(x)
    active = np.ones(sizes[i]) if rows == "all" else np.eye(sizes[i])[0]
    weights = [*kept[: i - 1], np.outer(active, before), *(a * eye for a, eye in zip(factors[i:], kept[i:], strict=True))]
    return network_of(impl, weights), before, product(factors[i:])


def cut(impl: Any, before: Any, sizes: Any, i: int) -> Any:
    return length(impl.network.truncate_or_pad(before, sizes[i + 1 :]))


def in_weights(impl: Any, sizes: Any, factors: Any, x: Any, i: int, size: Any = None) -> Comparison:
    network, before, scale = member(impl, sizes, factors, x, i, "first")
    found = operator_norm(impl, impl.network.weight_jacobian(network, x, i))
    return Comparison(found, "==", scale * (length(before) if size is None else size(impl, before, sizes, i)))
