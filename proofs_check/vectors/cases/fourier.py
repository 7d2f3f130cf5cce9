"""Convolutions by frequency: complex results."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.balls import convolution
from proofs_check.vectors._spec import ARRAY, COMPLEX, INTEGER, SIZE, Case, Function, bad, distinct
from proofs_check.vectors.cases._kernels import CORNER, bad_kernels, complex_settings, one, plain

ANGLES = (0.0, 1.0, -0.5, 3.140625, 2.0, 0.25)


def _blocks() -> list[Case]:
    kept = [s for s in plain(drawn=10, extreme=False) if s.size[0] * s.size[1] <= 20]
    lines = [Case(f"a row of {w} pixels", ("SmallImage", "Aliasing") if w < 3 else ("ChannelOrder",), {"K": one([1, 2, -4]), "n": (1, w)}) for w in range(1, 9)]
    return [*distinct(lines + [Case(s.comment, s.flags, {"K": s.K, "n": s.n}) for s in kept]), *bad_kernels(n=3), bad("no pixels", K=CORNER, n=0)]


def _density() -> list[Case]:
    cases = []
    for i, s in enumerate(plain(drawn=20, extreme=False)):
        w1, w2 = ANGLES[i % 6], ANGLES[i // 2 % 6]
        frequency = ("ZeroMean",) if w1 == w2 == 0 and not s.K.sum() else ()
        flags = tuple(set(s.flags) - {"SmallImage", "Aliasing", "OwnSize", "Uneven", "KernelSize", "ZeroMean", "ClosedForm", "CircularIsNoBound"}) or ("ChannelOrder",)
        cases.append(Case(f"{s.comment.partition(', image')[0]}; angles {w1:g} and {w2:g}", (*flags, *frequency), {"K": s.K, "w1": np.array([w1]), "w2": np.array([w2])}))
    cases += [Case(f"{s.comment}; angles 1 and -0.5", ("Complex", "ChannelOrder"), {"K": s.K, "w1": np.array([1.0]), "w2": np.array([-0.5])}) for s in complex_settings(geometry=False)]
    return [*distinct(cases), *bad_kernels(w1=np.array([0.0]), w2=np.array([0.0])), bad("NaN", K=CORNER, w1=np.array([float("nan")]), w2=np.array([0.0]))]


def _permutation() -> list[Case]:
    cases = [Case(f"{c} channels, {p} places", ("ChannelOrder", "ClosedForm"), {"channels": c, "positions": p})
             for c in range(1, 15) for p in range(1, 15) if c * p <= 14]
    return [*cases, bad("no channels", channels=0, positions=2), bad("no places", channels=2, positions=0), bad("a negative number", channels=-1, positions=2)]


KN = {"K": COMPLEX, "n": SIZE}
FUNCTIONS: list[Any] = [
    Function("convolution.frequency_blocks", "for each frequency (u, v) the matrix sum_pq K_pq exp(-2 pi i (u p / h + v q / w)): (h, w, c_out, c_in)", "exact", KN,
             _blocks, convolution.frequency_blocks),
    Function("convolution.spectral_density", "the matrix sum_pq K_pq exp(-i (p w1 + q w2)) for each pair of angles: (angles, c_out, c_in)", "exact",
             {"K": COMPLEX, "w1": ARRAY, "w2": ARRAY}, _density, convolution.spectral_density),
    Function("convolution.channel_permutation", "the matrix of the order by places of a vector in the order by channels", "exact",
             {"channels": INTEGER, "positions": INTEGER}, _permutation, convolution.channel_permutation, sharp=True),
]
