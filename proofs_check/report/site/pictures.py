"""The pictures of an instance, chosen by what it holds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from proofs_check.claim import Case, Claim, Comparison
from proofs_check.implementation import Implementation
from proofs_check.report.site import svg
from proofs_check.report.site.scan import Scan, scan
from proofs_check.report.site.svg import Axis, Plot, element, short
from proofs_check.run import SLACK_EDGES

MATRICES = ("W", "V", "A", "S", "H", "X", "batch")
FREQUENCIES = 24
MOST_BARS = 40


@dataclass(frozen=True)
class Figure:
    """A picture, what it is called, what it shows, and the names of its colours."""

    title: str
    svg: str
    says: str
    legend: Sequence[tuple[str, str]] = ()


def figures(claim: Claim, impl: Implementation, case: Case, found: Comparison) -> list[Figure]:
    """All that explain something about the instance."""
    drawn = [_sides(claim, found), _scanned(claim, scan(claim, impl, case)), _object(case),
             _growth(claim, impl, case)]
    return [figure for figure in drawn if figure is not None]


# -- the two sides -------------------------------------------------------------------------------------


def _sides(claim: Claim, found: Comparison) -> Figure | None:
    """The numbers that are compared; nothing where one number equals itself."""
    pairs = [(complex(a).real, complex(b).real) for a, b in found.middles()]
    if found.relation == ">=":
        pairs = [(b, a) for a, b in pairs]
    values = [value for pair in pairs for value in pair]
    if len(pairs) > MOST_BARS or not all(map(math.isfinite, values)) or not any(values):
        return None
    if all(abs(a - b) <= 1e-9 * max(abs(a), abs(b)) for a, b in pairs) and claim.counterexample is None:
        return None
    sign = {"<=": "≤", ">=": "≥", "==": "="}[found.relation]
    if len(pairs) == 1:
        return _two_bars(pairs[0], sign)
    series = [[(float(i), pair[side]) for i, pair in enumerate(pairs, 1)] for side in (0, 1)]
    plot = Plot.around(series, "entry", zero=True)
    plot.x = Axis(0.4, len(pairs) + 0.6, plot.x.start, plot.x.end)
    for points, name in zip(series, "ab", strict=True):
        for x, y in points:
            plot.dot_at(plot.x(x), plot.y(y), name)
    says = f"{len(pairs)} entries of both sides; the claim says left {sign} right, entry by entry."
    marks = list(range(1, len(pairs) + 1, max(1, len(pairs) // 6)))
    return Figure("The two sides", plot.svg(says, marks), says, (("a", "left"), ("b", "right")))


def _two_bars(pair: tuple[float, float], sign: str) -> Figure:
    low, high = min(0.0, *pair), max(0.0, *pair)
    axis = Axis(low, high, 60, svg.WIDTH - 90)
    body = []
    for row, (name, value) in enumerate(zip("ab", pair, strict=True)):
        top = 14 + 34 * row
        start, end = sorted((axis(0.0), axis(value)))
        body.append(element("text", ("left", "right")[row], x=4, y=top + 16))
        body.append(element("rect", x=start, y=top, width=max(end - start, 1.0), height=24, class_=f"bar {name}"))
        body.append(element("text", f"{value:.6g}", x=max(end, axis(0.0)) + 6, y=top + 16))
    says = f"Left {short(pair[0])}, right {short(pair[1])}; the claim says left {sign} right."
    return Figure("The two sides", svg.drawing(body, says, height=88), says)


def _scanned(claim: Claim, found: Scan | None) -> Figure | None:
    if found is None:
        return None
    series = [list(zip(found.values, side, strict=True)) for side in (found.lhs, found.rhs)]
    values = [*found.lhs, *found.rhs]
    log = min(values) > 0 and max(values) > 50 * min(values)
    plot = Plot.around(series, found.name, log_y=log)
    whole = all(value == int(value) for value in found.values) and len(found.values) <= 14
    plot.line(series[1], "b", dots=whole)
    plot.line(series[0], "a", dots=whole)
    plot.upright(found.at, "this instance")
    sign = {"<=": "≤", ">=": "≥", "==": "="}[found.relation]
    says = (f"Both sides as {found.name} varies and all else stays as in this instance; "
            f"the claim says left {sign} right.")
    marks = found.values if whole and len(found.values) <= 9 else None
    return Figure(f"As {found.name} varies", plot.svg(says, marks), says, (("a", "left"), ("b", "right")))


# -- what the instance is made of ----------------------------------------------------------------------


def _object(case: Case) -> Figure | None:
    kernel = case.get("K")
    if isinstance(kernel, np.ndarray) and kernel.ndim == 4 and kernel.any():
        return _kernel(kernel)
    line = case.get("f")
    if isinstance(line, dict) and {"places", "heights"} <= set(line):
        return _ramp(line, case.get("sigma"))
    weights = case.get("weights")
    if isinstance(weights, (list, tuple)) and len(weights) > 1 and all(np.ndim(W) == 2 for W in weights):
        return _depth(weights)
    for name in MATRICES:
        value = case.get(name)
        if isinstance(value, np.ndarray) and value.ndim == 2 and value.any() and min(value.shape) > 1:
            plane = value.shape == (2, 2) and not np.iscomplexobj(value)
            return _plane(name, value) if plane else _spectrum(name, value)
    counts = case.get("counts")
    if isinstance(counts, (list, tuple)) and 1 < len(counts) <= MOST_BARS:
        return _bars("Samples a class", "class", [float(count) for count in counts])
    return None


def _bars(title: str, label: str, values: Sequence[float]) -> Figure:
    points = [(float(i), value) for i, value in enumerate(values, 1)]
    plot = Plot.around([points], label, zero=True)
    plot.x = Axis(0.4, len(values) + 0.6, plot.x.start, plot.x.end)
    for x, y in points:
        plot.bar(x, y, 0.6, "a")
    says = f"{title}: {', '.join(short(value) for value in values[:6])}{', …' if len(values) > 6 else ''}."
    return Figure(title, plot.svg(says, list(range(1, len(values) + 1, max(1, len(values) // 8)))), says)


def _spectrum(name: str, W: np.ndarray) -> Figure:
    values = np.linalg.svd(W, compute_uv=False)
    return _bars(f"Singular values of {name}", "index", [float(value) for value in values[:MOST_BARS]])


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
    says = (f"{name} maps the unit circle to an ellipse, of radii {short(float(values[0]))} "
            f"(the spectral norm) and {short(float(values[1]))}.")
    return Figure(f"What {name} does to the unit circle", svg.drawing(body, says, size, size), says,
                  (("b", "unit circle"), ("a", f"its image under {name}")))


def _kernel(K: np.ndarray) -> Figure | None:
    """The taps of the first pair of channels, and the norm of the transform over frequencies; nothing for one tap."""
    if K[0, 0].size == 1:
        return None
    taps = K[0, 0]
    grid = np.fft.fftn(K, s=(FREQUENCIES, FREQUENCIES), axes=(2, 3)) if min(K.shape[2:]) <= FREQUENCIES else None
    body: list[str] = []
    side = 150
    _heat(body, np.abs(taps), 10, 26, side, signs=np.real(taps))
    body.append(element("text", "taps, channels 1 to 1", x=10, y=16, class_="label"))
    says = "The taps of the kernel, between the first two channels."
    if grid is not None:
        norms = np.linalg.norm(np.moveaxis(grid, (2, 3), (0, 1)), 2, axis=(2, 3))
        _heat(body, np.fft.fftshift(norms), 210, 26, side)
        body.append(element("text", "norm over frequencies", x=210, y=16, class_="label"))
        body.append(element("text", f"{short(float(norms.min()))} to {short(float(norms.max()))}", x=210, y=196))
        says += (f" Beside them the spectral norm of the kernel's transform over both frequencies, 0 in the middle: "
                 f"from {short(float(norms.min()))} to {short(float(norms.max()))} on {FREQUENCIES} × {FREQUENCIES}.")
    return Figure("The kernel and its transform", svg.drawing(body, says, height=206), says)


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


def _ramp(f: dict[str, Any], sigma: Any) -> Figure | None:
    """A step function or broken line, and its Gaussian transform."""
    from scipy.special import ndtr

    places = np.asarray(f["places"], dtype=float)
    heights = np.asarray(f["heights"], dtype=float)
    heights = heights[:, 0] if heights.ndim == 2 else heights
    steps = len(heights) == len(places) + 1
    if not steps and len(heights) != len(places):
        return None
    spread = float(sigma) if isinstance(sigma, (int, float)) else 0.0
    reach = max(2.5 * spread, 0.4 * float(np.ptp(places)), 0.5)
    grid = np.linspace(places[0] - reach, places[-1] + reach, 121)
    if steps:
        shape = [(grid[0], heights[0])]
        for place, (before, after) in zip(places, itertools.pairwise(heights), strict=True):
            shape += [(place, before), (place, after)]
        shape.append((grid[-1], heights[-1]))
    else:
        shape = [(grid[0], heights[0]), *zip(places, heights, strict=True), (grid[-1], heights[-1])]
    series = [[(float(x), float(y)) for x, y in shape]]
    if spread:
        smooth = np.full_like(grid, heights[0])
        if steps:
            for place, jump in zip(places, np.diff(heights), strict=True):
                smooth += jump * ndtr((grid - place) / spread)
        else:
            slopes = np.diff(np.concatenate([[0.0], np.diff(heights) / np.diff(places), [0.0]]))
            for place, change in zip(places, slopes, strict=True):
                u = (grid - place) / spread
                smooth += change * spread * (u * ndtr(u) + np.exp(-u * u / 2) / math.sqrt(2 * math.pi))
        series.append([(float(x), float(y)) for x, y in zip(grid, smooth, strict=True)])
    plot = Plot.around(series, "x", zero=True)
    for points, name in zip(series, "ba", strict=False):
        plot.line(points, name)
    says = f"The {'step function' if steps else 'broken line'} of this instance"
    says += f" and its Gaussian transform, σ = {short(spread)}." if spread else "."
    legend = (("b", "f"), ("a", "smoothed f")) if spread else (("b", "f"),)
    return Figure("The function under the Gaussian" if spread else "The function", plot.svg(says), says, legend)


def _depth(weights: Sequence[Any]) -> Figure:
    """Products of norms, and norms of products, layer by layer."""
    bound, exact, product = 1.0, [], None
    bounds = []
    for number, W in enumerate(weights, 1):
        matrix = np.asarray(W, dtype=float)
        bound *= float(np.linalg.norm(matrix, 2))
        product = matrix if product is None or product.shape[0] != matrix.shape[1] else matrix @ product
        bounds.append((float(number), bound))
        exact.append((float(number), float(np.linalg.norm(product, 2))))
    values = [y for _, y in bounds + exact]
    log = min(values) > 0 and max(values) > 50 * min(values)
    plot = Plot.around([bounds, exact], "layers", log_y=log, zero=not log)
    plot.line(bounds, "b", dots=True)
    plot.line(exact, "a", dots=True)
    says = "By depth: the product of the layers' norms, and the norm of the product of their matrices."
    return Figure("Norm by depth", plot.svg(says, [x for x, _ in bounds]), says,
                  (("b", "product of norms"), ("a", "norm of the product")))


def _growth(claim: Claim, impl: Implementation, case: Case) -> Figure | None:
    """The Jacobian of an exploding network, from the batch to every layer."""
    depth, rate = case.get("depth"), case.get("rate")
    if claim.source.name != "explosion" or depth is None or rate is None:
        return None
    last = max(6, int(depth))
    network = impl.explosion.exploding_network(last, rate)
    exact, bounds = [], []
    for layers in range(1, last + 1):
        weights = network.weights[:layers]
        J = impl.explosion.linear_network_jacobian(weights, network.batch, epsilon=0.0)
        size = np.asarray(network.batch).size
        exact.append((float(layers), float(np.linalg.norm(np.asarray(J).reshape(-1, size), 2))))
        bounds.append((float(layers), math.prod(float(np.linalg.norm(W, 2)) for W in weights)))
    plot = Plot.around([exact, bounds], "layers", log_y=True)
    plot.line(bounds, "b", dots=True)
    plot.line(exact, "a", dots=True)
    says = (f"With batch normalization, rate {short(float(rate))}, no ε: the Jacobian at the batch grows by the rate "
            "with every layer, while the weights' norms multiply to no more than 1.")
    return Figure("Jacobian norm by depth", plot.svg(says, [x for x, _ in exact]), says,
                  (("a", "norm of the Jacobian"), ("b", "product of the weights' norms")))


# -- the search ----------------------------------------------------------------------------------------


def slack_histogram(counts: Sequence[int]) -> Figure | None:
    """How far the sides were apart in the instances of a run; nothing where it was the same everywhere."""
    total = sum(counts)
    if not total or sum(map(bool, counts)) < 2 or len(counts) != len(SLACK_EDGES) + 1:
        return None
    labels = ["meet", *(f"≤ {short(edge)}" for edge in SLACK_EDGES[1:]), "> 1"]
    first = min(i for i, count in enumerate(counts) if count)
    last = max(i for i, count in enumerate(counts) if count)
    shown = range(first, last + 1)
    body, most = [], max(counts)
    for row, i in enumerate(shown):
        top = 6 + 20 * row
        width = 210 * counts[i] / most
        body.append(element("text", labels[i], x=64, y=top + 12, text_anchor="end"))
        body.append(element("rect", x=72, y=top, width=max(width, 1.0), height=15, class_="bar a"))
        body.append(element("text", str(counts[i]), x=72 + width + 5, y=top + 12))
    says = (f"Relative slack over {total} instances: {counts[0]} where the sides meet, "
            f"most ({most}) in the row {labels[list(counts).index(most)]}.")
    return Figure("The slack found", svg.drawing(body, says, height=12 + 20 * len(shown)), says)
