"""Matrices by their singular values or what they do to the circle, kernels by their taps and their transform."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from proofs_check.claim import Case
from proofs_check.implementation import Implementation
from proofs_check.report.site import svg
from proofs_check.report.site.pictures.figure import Figure
from proofs_check.report.site.svg import Axis, Plot, element, short

MATRICES = ("W", "V", "A", "S", "H", "X", "batch")
FREQUENCIES = 24
MOST_BARS = 40


def matrix(case: Case) -> Figure | None:
    """The first matrix of the instance."""
    for name in MATRICES:
        value = case.get(name)
        if isinstance(value, np.ndarray) and value.ndim == 2 and value.any() and min(value.shape) > 1:
            plane = value.shape == (2, 2) and not np.iscomplexobj(value)
            return _plane(name, value) if plane else _spectrum(name, value)
    s = case.get("s")
    if isinstance(s, np.ndarray) and s.ndim == 1 and s.size > 1 and s.any():
        return bars("The singular values of this instance", "index", "singular value", s.tolist())
    return None


def bars(title: str, x_label: str, y_label: str, values: Sequence[float], adds: str = "") -> Figure:
    """A bar for each number."""
    points = [(float(i), value) for i, value in enumerate(values, 1)]
    plot = Plot.around([points], x_label, y_label, zero=True)
    plot.x = Axis(0.4, len(values) + 0.6, plot.x.start, plot.x.end)
    for x, y in points:
        plot.bar(x, y, 0.6, "a")
    says = f"{', '.join(short(value) for value in values[:6])}{', …' if len(values) > 6 else ''}. {adds}".strip()
    return Figure(title, plot.svg(says, list(range(1, len(values) + 1, max(1, len(values) // 8)))), says)


def _spectrum(name: str, W: np.ndarray) -> Figure:
    values = [float(value) for value in np.linalg.svd(W, compute_uv=False)[:MOST_BARS]]
    shape = " × ".join(map(str, W.shape))
    adds = f"{name} is {shape}; the first is its spectral norm."
    return bars(f"Singular values of {name}", "index", "singular value", values, adds)


def _plane(name: str, W: np.ndarray) -> Figure:
    """The unit circle and its image: the longest radius is the norm."""
    values = np.linalg.svd(W, compute_uv=False)
    angles = np.linspace(0, 2 * np.pi, 73)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    image = W @ circle
    reach = max(1.0, float(np.abs(image).max())) * 1.12
    size, middle = 240, 120
    scale = middle / reach
    body = [element("line", x1=0, x2=size, y1=middle, y2=middle, class_="grid"),
            element("line", x1=middle, x2=middle, y1=0, y2=size, class_="grid")]
    for points, series in ((circle, "b"), (image, "a")):
        path = " ".join(f"{middle + scale * x:.1f},{middle - scale * y:.1f}" for x, y in points.T)
        body.append(element("polyline", points=path, class_=f"line {series}"))
    longest = image[:, int(np.argmax((image**2).sum(axis=0)))]
    body.append(element("line", x1=middle, y1=middle, x2=middle + scale * float(longest[0]),
                        y2=middle - scale * float(longest[1]), class_="line a"))
    if values[1] > 1e-9 * values[0]:
        becomes = "circle" if math.isclose(*values, rel_tol=1e-9) else "ellipse"
        says = (f"{name} maps the unit circle to this {becomes}. Its longest radius, {short(float(values[0]))}, is the "
                f"spectral norm; the shortest is {short(float(values[1]))}.")
    else:
        says = (f"{name} has rank one and maps the unit circle to a segment; half its length, "
                f"{short(float(values[0]))}, is the spectral norm.")
    return Figure(f"What {name} does to the unit circle", svg.drawing(body, says, size, size), says,
                  (("b", "unit circle"), ("a", f"its image under {name}")))


# -- kernels -------------------------------------------------------------------------------------------


def kernel(case: Case) -> Figure | None:
    """Taps and transform, or for a single tap the matrix that it is."""
    K = case.get("K")
    if not isinstance(K, np.ndarray) or K.ndim != 4 or not K.any():
        return None
    if K[0, 0].size == 1:
        found = matrix({"W": K[:, :, 0, 0]})
        if found is None:
            return None
        title = f"The one tap as a matrix: {found.title[0].lower()}{found.title[1:]}"
        return Figure(title, found.svg, found.says, found.legend)
    return _over_one_frequency(K, case.get("n")) if K.shape[2] == 1 else _over_both(K)


def _norms(K: np.ndarray, *frequencies: np.ndarray) -> np.ndarray:
    """The spectral norm of the transform at these frequencies of both axes."""
    factors = [np.exp(-1j * np.multiply.outer(w, np.arange(k))) for w, k in zip(frequencies, K.shape[2:], strict=True)]
    return np.linalg.norm(np.einsum("oiab,ua,vb->uvoi", K, *factors), 2, axis=(2, 3))


def _over_one_frequency(K: np.ndarray, n: Any) -> Figure:
    """The density of a kernel of one row: a curve, and the frequencies of this image on it."""
    zero = np.zeros(1)
    w = np.linspace(-np.pi, np.pi, 121)
    curve = list(zip((w / np.pi).tolist(), _norms(K, zero, w)[0].tolist(), strict=True))
    plot = Plot.around([curve], "frequency / π", "norm of the transform", zero=True)
    plot.line(curve, "a")
    taps = ", ".join(short(float(np.real(v))) for v in K[0, 0, 0])
    what = f"({taps})" if K.shape[:2] == (1, 1) and not np.iscomplexobj(K) else "of several channels"
    says = (f"The spectral norm of the transform of the kernel {what} over the frequency. The highest value, "
            f"{short(float(_norms(K, zero, w).max()))}, is the norm on ever larger images.")
    legend: tuple[tuple[str, str], ...] = (("a", "all frequencies"),)
    if isinstance(n, tuple) and n[-1] <= 64:
        own = 2 * np.pi * ((np.arange(n[-1]) + n[-1] // 2) % n[-1] - n[-1] // 2) / n[-1]
        norms = _norms(K, zero, own)[0]
        for x, y in zip((own / np.pi).tolist(), norms.tolist(), strict=True):
            plot.dot_at(plot.x(x), plot.y(y), "b")
        pixels = f"{n[-1]} pixel" + "s" * (n[-1] > 1)
        says += f" An image of {pixels} with circular padding sees the marked ones only: {short(float(norms.max()))}."
        legend += (("dot b", f"those of {pixels}"),)
    return Figure("The kernel's transform", plot.svg(says), says, legend)


def _over_both(K: np.ndarray) -> Figure:
    """The taps of the first pair of channels, and the norm of the transform over both frequencies."""
    body: list[str] = []
    side = 150
    _heat(body, np.abs(K[0, 0]), 10, 26, side, signs=np.real(K[0, 0]))
    grid = 2 * np.pi * (np.arange(FREQUENCIES) - FREQUENCIES // 2) / FREQUENCIES
    norms = _norms(K, grid, grid)
    _heat(body, norms, 210, 26, side)
    channels = "taps" if K.shape[:2] == (1, 1) else "taps, first channels"
    body.append(element("text", channels, x=10, y=16, class_="label"))
    body.append(element("text", "norm over frequencies −π to π", x=200, y=16, class_="label"))
    low, high = short(float(norms.min())), short(float(norms.max()))
    says = (f"Left the taps, right the spectral norm of the transform over both frequencies, 0 in the middle: {low} to "
            f"{high} on {FREQUENCIES} × {FREQUENCIES}. The stronger the colour, the larger.")
    return Figure("The kernel and its transform", svg.drawing(body, says, height=186), says)


def _heat(
    body: list[str], values: np.ndarray, left: int, top: int, side: int, signs: np.ndarray | None = None
) -> None:
    """Squares as opaque as their values are large; with `signs` their numbers on small grids, squares of minus in b."""
    rows, columns = values.shape
    cell = side / max(rows, columns)
    most = float(values.max()) or 1.0
    body.append(element("rect", x=left, y=top, width=cell * columns, height=cell * rows, class_="frame"))
    for i, j in itertools.product(range(rows), range(columns)):
        share = float(values[i, j]) / most
        series = "b" if signs is not None and signs[i, j] < 0 else "a"
        x, y = left + j * cell, top + i * cell
        numbered = signs is not None and max(rows, columns) <= 5
        if share > 0.01:
            body.append(element("rect", x=x, y=y, width=cell + 0.3, height=cell + 0.3, class_=f"cell {series}",
                                fill_opacity=round(share * (0.4 if numbered else 0.9), 3)))
        if numbered and signs is not None:
            body.append(element("text", short(round(float(signs[i, j]), 3)), x=x + cell / 2, y=y + cell / 2 + 4,
                                text_anchor="middle"))


def permuted(impl: Implementation, case: Case) -> Figure:
    """The middle factor with the permutations as printed and the other way round: where its entries are."""
    K, n = case["K"], case["n"]
    (c_out, c_in), positions = K.shape[:2], n[0] * n[1]
    found = np.asarray(impl.convolution.frequency_blocks(K, n)).reshape(positions, c_out, c_in)
    by_channel = np.block([[np.diag(found[:, j, i]) for i in range(c_in)] for j in range(c_out)])
    P_out, P_in = (np.asarray(impl.convolution.channel_permutation(c, positions)) for c in (c_out, c_in))
    body: list[str] = []
    for left, name, middle in (
        (10, "as printed, PᵀDP", P_out.T @ by_channel @ P_in), (205, "PDPᵀ", P_out @ by_channel @ P_in.T),
    ):
        _heat(body, np.abs(middle), left, 26, 160)
        body += [element("rect", x=left + f * 160 / positions, y=26 + f * 160 / positions, width=160 / positions,
                         height=160 / positions, class_="block") for f in range(positions)]
        body.append(element("text", name, x=left, y=16, class_="label"))
    says = ("Entries by their size, and the blocks, one a frequency. As printed entries lie outside of them; with the "
            "permutations the other way round none does.")
    return Figure("The middle factor", svg.drawing(body, says, height=196), says)
