"""Pooling layers."""

from __future__ import annotations

from typing import Any

from proofs_check.balls import network
from proofs_check.vectors._spec import CHOICE, SIZE, Case, Function, bad


def _cases() -> list[Case]:
    settings: list[tuple[Any, Any, Any]] = [
        (8, 2, None), (7, 3, 2), (4, 2, 1), (5, 3, 1), (5, 2, 2), (4, 4, None), (1, 1, 1), (5, 3, 3), (6, 3, 2), (3, 2, 1),
        ((3, 5), 2, 1), ((4, 6), (1, 3), (1, 2)), ((6, 4), (3, 1), (2, 1)), (6, 2, 3), (7, 5, 2), (2, 2, 1), (9, 3, 2),
        (5, 4, 1), ((2, 7), (2, 3), (1, 1)),
    ]
    cases = []
    for n, k, s in settings:
        overlap = s is not None and s != k
        flags = ("Uneven", "Stride") if overlap else ("ClosedForm",)
        for kind in ("max", "average"):
            how = {} if s is None else {"stride": s}
            cases.append(Case(f"{kind} of {k} on {n}, stride {s or k}: windows {'share pixels' if overlap else 'apart'}", flags,
                              {"kind": kind, "n": n, "k": k, **how}))
    return [*cases, bad("a window larger than the image", kind="max", n=2, k=3), bad("no window", kind="max", n=2, k=0),
            bad("stride 0", kind="max", n=4, k=2, stride=0), bad("no such pooling", kind="median", n=4, k=2)]


FUNCTIONS = [
    Function("network.pooling_lipschitz", "the Lipschitz constant of pooling without padding: the root of the largest number of "
             "windows that share a pixel (max), the norm of the matrix (average)", "exact",
             {"kind": CHOICE, "n": SIZE, "k": SIZE, "stride": SIZE}, _cases, network.pooling_lipschitz,
             optional=("stride",)),
]
