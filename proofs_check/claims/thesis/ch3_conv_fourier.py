"""Thesis 3.4.2: circular convolutions in the frequency domain. Definition 3.4.1 to equation 3.14."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Verdict, claim, instead, scale_right
from proofs_check.claims._sides import adjoint, largest, length, sum_of_moduli
from proofs_check.strategies import convolutions, kernels, matrices

ONE_CHANNEL = ((1, 2), (1, 3), (2, 2), (2, 3))


def generic(K: Any, n: Any, **_: Any) -> bool:
    """Two channels each way, two taps or more, three pixels or more."""
    K = np.asarray(K)
    flat = K.transpose(0, 2, 3, 1).reshape(-1, K.shape[1])
    return min(K.shape[:2]) >= 2 and bool(np.linalg.matrix_rank(flat) >= 2) and K.shape[3] >= 2 and n[1] >= 3


@claim(
    "thesis.def-3.4.1",
    at="Definition 3.4.1",
    tex=r"\mathbf{U}_{u,v} = e^{-2\pi i u v/n},\quad \mathbf{U}^{-1} = \tfrac1n \mathbf{U}^*,\quad \mathbf{U} = \mathbf{U}^\top",
    given={"n": st.integers(1, 9)},
    verdict=Verdict.SURVIVED,
    note="Every row is the elementwise power of the second; the second is fixed by theorem 3.4.2.",
    strata={"three points or more": lambda n: n >= 3},
    mutants={
        "unitary": instead(lambda impl, n: _transform(impl, n, 1.0)),
        "one-percent": scale_right(1.01),
    },
)
def inverse_transform(impl: Any, n: int) -> Comparison:
    """The DFT matrix is symmetric, its rows are powers of the second, and its inverse is its conjugate over n."""
    return _transform(impl, n, float(n))


def _transform(impl: Any, n: int, square: float) -> Comparison:
    U = impl.convolution.dft_matrix(n)
    powers = [reduce(lambda a, b: a * b, [U[1 % n]] * u, U[0]) for u in range(n)]
    return Comparison([U @ adjoint(U), U, U], "==", [square * np.eye(n), U.T, powers])


@claim(
    "thesis.eq-3.11",
    at="Equation 3.11",
    tex=r"\mathrm{vec}(\mathbf{U} \mathbf{X} \mathbf{V}^\top) = (\mathbf{U} \otimes \mathbf{V})\, \mathrm{vec}(\mathbf{X})",
    given={"X": matrices(4)},
    verdict=Verdict.SURVIVED,
    note="U and V the DFT matrices of the two sides, which may differ; vec row by row. The matrices are symmetric, so that the printed order of the factors is right for columns too where the "
    "sides are equal.",
    strata={"two sides, both above 1": lambda X: 2 <= min(np.shape(X)) < max(np.shape(X)) and np.linalg.matrix_rank(X) >= 2},
    mutants={"one-percent": scale_right(1.01),
             "sides-exchanged": instead(lambda impl, X: _both_sides(impl, X, exchanged=True))},
)
def transform_of_both_sides(impl: Any, X: Any) -> Comparison:
    """The transform along both axes is the Kronecker product of the transforms along each."""
    return _both_sides(impl, X, exchanged=False)


def _both_sides(impl: Any, X: Any, exchanged: bool) -> Comparison:
    X = np.asarray(X)
    U, V = (impl.convolution.dft_matrix(n) for n in X.shape)
    F = np.kron(V, U) if exchanged else np.kron(U, V)
    return Comparison((U @ X @ V.T).ravel(), "==", F @ X.ravel(), scale=float(np.abs(X).sum()))


def _diagonalized(impl: Any, K: Any, n: Any, forward: bool) -> Comparison:
    U = [impl.convolution.dft_matrix(size) for size in n]
    F = np.kron(*U)
    padded = np.zeros(n, dtype=np.asarray(K).dtype)
    padded[: np.shape(K)[2], : np.shape(K)[3]] = K[0, 0]
    eigenvalues = F @ padded.ravel()
    left, right = (F, adjoint(F)) if forward else (adjoint(F), F)
    W = impl.convolution.circulant_matrix(K, n, anchor=0)
    return Comparison((left * eigenvalues) @ right, "==", W * float(n[0] * n[1]))


@claim(
    "thesis.thm-3.4.2",
    at="Theorem 3.4.2, equation 3.12",
    tex=r"\mathbf{W}_{\mathrm{circ}} = \mathbf{F} \operatorname{diag}(\mathbf{F} \operatorname{vec}(K)) \mathbf{F}^{-1}",
    given=convolutions(kernels(1, ONE_CHANNEL, complex_entries=True), low=2),
    where=lambda K, n: bool((np.array(np.shape(K)[2:]) <= n).all()),
    verdict=Verdict.SURVIVED,
    note="The signs are right for the printed layout, a correlation: the columns of F are the eigenvectors. For a convolution "
    "F and its inverse change places.",
    strata={"three pixels, not symmetric": lambda K, n: n[1] >= 3 and bool(np.any(np.asarray(K)[..., 1] != 0))},
    mutants={
        "convolution": instead(lambda impl, K, n: _diagonalized(impl, K, n, False)),
        "one-percent": scale_right(1.01),
    },
    adversarial=["K"],
)
def circulants_are_diagonal(impl: Any, K: Any, n: Any) -> Comparison:
    """The matrix of a circular convolution of one channel is diagonal in the Fourier basis, with the DFT of its kernel."""
    return _diagonalized(impl, K, n, True)


def _outside_blocks(D: Any, blocks: int, c_out: int, c_in: int) -> Any:
    """The size of what is not on the block diagonal."""
    outside = np.array(D, copy=True)
    for f in range(blocks):
        outside[f * c_out : (f + 1) * c_out, f * c_in : (f + 1) * c_in] = 0
    return length(outside)


@claim(
    "thesis.thm-3.4.3",
    at="Theorem 3.4.3 with the explicit permutations",
    tex=r"\mathbf{D} = \mathbf{P}_{\mathrm{out}}^\top \bigl(\operatorname{diag}(\mathbf{F}\operatorname{vec}(K_{i,j}))\bigr)_{i,j} "
    r"\mathbf{P}_{\mathrm{in}} \text{ is block diagonal with } n^2 \text{ blocks}",
    given=convolutions(kernels(2, ((1, 1), (1, 2), (2, 2))), high=3),
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="P as the paragraph after the theorem defines it, by entries and by its action on unit vectors. With the inverse permutations everything holds.",
    note="P goes from channel-major to frequency-major order, as the text says; then it is P D P^T that is block diagonal. The "
    "product (3.13) itself holds for any P. Printed and true form agree where P is its own inverse, as for two channels "
    "and two frequencies. In D as printed the 'diag' around each F vec(K) is missing.",
    counterexample={"K": np.ones((2, 2, 1, 1)), "n": (1, 3)},
    control={"K": np.ones((2, 2, 1, 1)), "n": (1, 2)},
    amended_by="thesis.thm-3.4.3.transposed",
)
def printed_permutations(impl: Any, K: Any, n: Any) -> Comparison:
    """With the printed permutations the middle factor is block diagonal."""
    c_out, c_in = np.shape(K)[:2]
    positions = n[0] * n[1]
    blocks = impl.convolution.frequency_blocks(K, n).reshape(positions, c_out, c_in)
    channel_major = np.block([[np.diag(blocks[:, j, i]) for i in range(c_in)] for j in range(c_out)])
    P_out, P_in = (impl.convolution.channel_permutation(c, positions) for c in (c_out, c_in))
    D = P_out.T @ channel_major @ P_in
    return Comparison(_outside_blocks(D, positions, c_out, c_in), "<=", 0.0)


def _product(impl: Any, K: Any, n: Any, transposed: bool) -> Comparison:
    factors = list(impl.convolution.block_diagonalization(K, n))
    if not transposed:
        factors[1], factors[3] = factors[1].T, factors[3].T
    c_out, c_in = np.shape(K)[:2]
    W = impl.convolution.circulant_matrix(K, n)
    entries = [*reduce(np.matmul, factors).ravel(), _outside_blocks(factors[2], n[0] * n[1], c_out, c_in)]
    return Comparison(entries, "==", [*W.ravel(), 0.0], scale=sum_of_moduli(K) * n[0] * n[1])


@claim(
    "thesis.thm-3.4.3.transposed",
    at="Theorem 3.4.3, amended",
    tex=r"\mathbf{W}_{\mathrm{circ}} = (\mathbf{I} \otimes \mathbf{F}) \mathbf{P}_{\mathrm{out}}^\top \mathbf{D} "
    r"\mathbf{P}_{\mathrm{in}} (\mathbf{I} \otimes \mathbf{F}^{-1}),\quad \mathbf{D} = \operatorname{diag}(\mathbf{D}_1, \dots, \mathbf{D}_{n^2})",
    given=convolutions(kernels(2, complex_entries=True), high=3),
    verdict=Verdict.SURVIVED,
    strata={"two channels, three pixels": generic,
            "kernel larger than the image": lambda K, n: np.shape(K)[3] > n[1] and bool(np.any(K))},
    mutants={"one-percent": scale_right(1.01)},
    adversarial=["K"],
)
def block_diagonalization(impl: Any, K: Any, n: Any) -> Comparison:
    """With the permutations the other way round the factors multiply to the matrix, and D is block diagonal."""
    return _product(impl, K, n, True)


@claim(
    "thesis.thm-3.4.3.order",
    at="Theorem 3.4.3, which permutation goes where",
    tex=r"\mathbf{P}\,\mathbf{e}_{(i-1)n + f} = \mathbf{e}_{(f-1)c + i}",
    given={"channels": st.integers(1, 4), "positions": st.integers(1, 5)},
    verdict=Verdict.PROVED,
    note="For up to 4 channels and 5 positions.",
    strata={"not its own inverse": lambda channels, positions: channels != positions and min(channels, positions) >= 2},
    mutants={"inverse": instead(lambda impl, channels, positions: _ordered(impl, channels, positions, True))},
    exhaustive=lambda: ({"channels": c, "positions": n} for c in range(1, 5) for n in range(1, 6)),
)
def permutation(impl: Any, channels: int, positions: int) -> Comparison:
    """The permutation takes channel-major order to frequency-major order."""
    return _ordered(impl, channels, positions, False)


def _ordered(impl: Any, channels: int, positions: int, inverse: bool) -> Comparison:
    P = impl.convolution.channel_permutation(channels, positions)
    labels = np.arange(float(channels * positions))
    moved = (P.T if inverse else P) @ labels
    return Comparison(moved, "==", labels.reshape(channels, positions).T.ravel())


def _block_norms(impl: Any, K: Any, n: Any) -> list[Any]:
    blocks = impl.convolution.frequency_blocks(K, n)
    return [impl.spectral.spectral_norm(blocks[u, v]) for u, v in np.ndindex(*n)]


@claim(
    "thesis.eq-3.14",
    at="Equation 3.14",
    tex=r"\sigma_1(\mathbf{W}_{\mathrm{circ}}) = \max_i \sigma_1(\mathbf{D}_i)",
    given=convolutions(kernels(2, complex_entries=True), high=3),
    verdict=Verdict.SURVIVED,
    note="Also where the kernel is larger than the image and wraps.",
    strata={"two channels, three pixels": generic},
    mutants={
        "one-percent": scale_right(1.01),
        "constant-images-only": instead(lambda impl, K, n: Comparison(
            impl.spectral.spectral_norm(impl.convolution.circulant_matrix(K, n)), "==", _block_norms(impl, K, n)[0])),
    },
    adversarial=["K"],
)
def norm_is_that_of_the_largest_block(impl: Any, K: Any, n: Any) -> Comparison:
    """The norm of a circular convolution is the largest norm of its frequency blocks."""
    W = impl.spectral.spectral_norm(impl.convolution.circulant_matrix(K, n))
    return Comparison([W, W], "==", [largest(_block_norms(impl, K, n)), impl.convolution.conv_spectral_norm(K, n).norm])


@claim(
    "thesis.eq-3.14-half",
    at="Equation 3.14 for real kernels",
    tex=r"K \text{ real} \implies \max_{u,\, v \le n/2} \sigma_1(\mathbf{D}_{u,v}) = \sigma_1(\mathbf{W}_{\mathrm{circ}})",
    given=convolutions(kernels(2), high=4),
    verdict=Verdict.SURVIVED,
    note="Half of the frequencies are enough: the others are complex conjugates.",
    strata={"two channels, three pixels": generic},
    mutants={
        "one-percent": scale_right(1.01),
        "a-quarter": instead(lambda impl, K, n: _half(impl, K, n, lambda h, w: (h // 2 + 1, w // 2 + 1))),
        "without-the-middle": instead(lambda impl, K, n: _half(impl, K, n, lambda h, w: (h, max(1, w // 2)))),
    },
    witnesses=[{"K": np.einsum("ji,pq->jipq", np.diag([1.0, 2.0]), 3 * np.eye(3) - 1), "n": (3, 3)}],
    adversarial=["K"],
)
def half_spectrum(impl: Any, K: Any, n: Any) -> Comparison:
    """For a real kernel half of the frequencies hold the norm."""
    return _half(impl, K, n, lambda h, w: (h, w // 2 + 1))


def _half(impl: Any, K: Any, n: Any, kept: Any) -> Comparison:
    blocks = impl.convolution.frequency_blocks(K, n, half=True)
    norms = [impl.spectral.spectral_norm(blocks[place]) for place in np.ndindex(*kept(*n))]
    return Comparison(impl.convolution.conv_spectral_norm(K, n).norm, "==", largest(norms))
