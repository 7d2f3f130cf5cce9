"""Tab. 3.2: memory of the explicit gradient against that of a tape which keeps every Gram iterate."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import column, finish, look
from refimpl.convolution import circular_norm_bound_gradient, frequency_blocks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]
CALLS = 6


@dataclass(frozen=True)
class Sizes:
    """Layers and the number of Gram steps."""

    channels: tuple[int, ...]
    n: int
    k: int = 3
    gram_iterations: int = 6


def tape_gradient(K: Array, n: int, n_iter: int) -> Array:
    """The gradient of `circular_norm_bound` by reverse mode, as automatic differentiation goes about it."""
    D = frequency_blocks(K, n, half=True)
    log_bounds, tape, h = np.zeros(D.shape[:2]), [], 1.0
    for _ in range(n_iter):
        size = np.linalg.norm(D, axis=(-2, -1))[..., None, None]
        tape.append((D / size, size))
        D = tape[-1][0].conj().swapaxes(-1, -2) @ tape[-1][0]
        log_bounds, h = log_bounds + h * np.log(size[..., 0, 0]), h / 2
    size = np.linalg.norm(D, axis=(-2, -1))[..., None, None]
    log_bounds = log_bounds + h * np.log(size[..., 0, 0])
    weight = np.zeros_like(log_bounds)
    weight.flat[log_bounds.argmax()] = np.exp(log_bounds.max())
    G = h * weight[..., None, None] * D / size**2
    for A, size in reversed(tape):
        h *= 2
        G = A @ (G + G.conj().swapaxes(-1, -2))
        inner = (A.conj() * G).real.sum(axis=(-2, -1), keepdims=True)
        G = (G + (h * weight[..., None, None] - inner) * A) / size
    return _kernel_gradient(G, n, K.shape[-1])


def _kernel_gradient(G: Array, n: int, k: int) -> Array:
    """The adjoint of the map from taps to blocks; the other half of the frequencies adds nothing."""
    phase = np.exp(2j * np.pi * np.outer(np.arange(n), np.arange(k)) / n)
    return np.einsum("uvji,up,vq->jipq", G, phase, phase[: G.shape[1]], optimize=True).real


def peak_bytes(function: Callable[[], Any]) -> int:
    """Most memory in use during a call, beyond what was in use before: the least of some calls, as caches fill."""
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start()
    try:
        return min(_peak_bytes_once(function) for _ in range(CALLS))
    finally:
        if not running:
            tracemalloc.stop()


def _peak_bytes_once(function: Callable[[], Any]) -> int:
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    function()
    return tracemalloc.get_traced_memory()[1] - before


def _kilobytes(size: int) -> int:
    """Rounded down to tens: some hundred bytes are the interpreter's own and differ from run to run."""
    return size // 10_000 * 10


def peaks(sizes: Sizes, rng: np.random.Generator) -> list[Row]:
    """Both peaks for kernels of increasing size."""
    rows = []
    for c in sizes.channels:
        K = rng.standard_normal((c, c, sizes.k, sizes.k))
        explicit = peak_bytes(lambda K=K: circular_norm_bound_gradient(K, sizes.n, sizes.gram_iterations))
        tape = peak_bytes(lambda K=K: tape_gradient(K, sizes.n, sizes.gram_iterations))
        rows.append({
            "channels": c, "kernel_entries": K.size, "measured_explicit_peak_kB": _kilobytes(explicit),
            "measured_tape_peak_kB": _kilobytes(tape), "measured_tape_over_explicit": round(tape / explicit, 2),
        })
    return rows


def draw_peaks(figure: Figure, rows: list[Row]) -> None:
    """Two curves, their ratio written between them."""
    figure.set_size_inches(8, 5.5)
    axes = figure.subplots()
    entries = column(rows, "kernel_entries")
    names = {"tape": "tape, every iterate kept", "explicit": "explicit gradient"}
    for number, (name, words) in enumerate(names.items()):
        megabytes = [value / 1000 for value in column(rows, f"measured_{name}_peak_kB")]
        axes.plot(entries, megabytes, label=words, **look(number))
    for row in rows:
        middle = np.sqrt(row["measured_explicit_peak_kB"] * row["measured_tape_peak_kB"]) / 1000
        axes.annotate(f"× {row['measured_tape_over_explicit']:.2f}", (row["kernel_entries"], middle),
                      ha="center", va="center", fontsize=9)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(0.1)
    finish(axes, "entries of the kernel", "peak memory (MB)")
    axes.legend(loc="upper left")


EXPERIMENTS = (
    Experiment(
        "tab-3.2", "peak memory of the gradient of the circular bound, explicit and by a tape",
        Sizes((4, 8, 16, 32), 32), Sizes((16, 32, 64, 128), 56), peaks, draw_peaks,
        "the source trains whole networks (2.3 to 2.4 times the memory with automatic differentiation); here one "
        "layer and the peak of its gradient alone; all sizes but the six iterations are our own",
    ),
)
