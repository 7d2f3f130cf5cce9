"""Functions of one number: ramps and steps under the Gaussian, activations, scores, networks of one input."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from proofs_check.claim import Case
from proofs_check.implementation import Implementation
from proofs_check.report.site.pictures.figure import Figure
from proofs_check.report.site.svg import Plot, short
from proofs_check.strategies import network_from

WIDE = 3.0


def ramp(case: Case) -> Figure | None:
    """A step function or broken line, and its Gaussian transform; of a slope alone the ramp that has it."""
    f, sigma = case.get("f"), case.get("sigma")
    spread = float(sigma) if isinstance(sigma, (int, float)) else 0.0
    if isinstance(f, dict) and {"places", "heights"} <= set(f):
        return _under_the_gaussian(f, spread, case.get("x"), "of this instance")
    classifier = case.get("classifier")
    if isinstance(classifier, dict) and {"places", "labels"} <= set(classifier):
        return _classifier(classifier, case.get("x"), spread)
    slope = case.get("slope")
    if isinstance(slope, (int, float)) and spread:
        rise = {"places": [-0.5 / slope, 0.5 / slope], "heights": [0.0, 1.0]}
        which = f"of slope {short(float(slope))}, the steepest function that is allowed"
        return _under_the_gaussian(rise, spread, None, which)
    return None


def _classifier(classifier: dict[str, Any], x: Any, spread: float) -> Figure | None:
    """Where the label is that of x, as a step function."""
    places, labels = np.asarray(classifier["places"], dtype=float), list(classifier["labels"])
    own = labels[int(np.searchsorted(places, float(np.ravel(x)[0])))]
    heights = np.array([float(label == own) for label in labels])
    return _under_the_gaussian({"places": places, "heights": heights}, spread, x, f"that is 1 where the label is {own}")


def _under_the_gaussian(f: dict[str, Any], spread: float, x: Any, which: str) -> Figure | None:
    places, heights = np.asarray(f["places"], dtype=float), np.asarray(f["heights"], dtype=float)
    several = heights.ndim == 2
    heights = heights[:, 0] if several else heights
    steps = len(heights) == len(places) + 1
    if not steps and len(heights) != len(places):
        return None
    reach = max(2.5 * spread, 0.4 * float(np.ptp(places)), 0.5)
    grid = np.linspace(places[0] - reach, places[-1] + reach, 121)
    if steps:
        shape = [(grid[0], heights[0])]
        for place, (before, after) in zip(places, itertools.pairwise(heights), strict=True):
            shape += [(place, before), (place, after)]
        shape.append((grid[-1], heights[-1]))
    else:
        shape = [(grid[0], heights[0]), *zip(places, heights, strict=True), (grid[-1], heights[-1])]
    series = [[(float(a), float(b)) for a, b in shape]]
    if spread:
        series.append(_smoothed(places, heights, spread, grid, steps=steps))
    plot = Plot.around(series, "x", "first score" if several else "f(x)", zero=True)
    for points, name in zip(series, "ba", strict=False):
        plot.line(points, name)
    kind = "step function" if steps else "ramp" if len(places) == 2 else "broken line"
    says = f"The {kind} {which}{', its first score' if several else ''}"
    if spread:
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(series[1])]
        steepest = max(map(abs, slopes))
        says += f", and its mean under noise of σ = {short(spread)}: the steepest slope falls to {steepest:.3g}"
    if isinstance(x, (int, float)) and grid[0] <= x <= grid[-1]:
        plot.upright(float(x), "x")
        says += f"; dashed: x = {short(float(x))}"
    legend = (("b", "f"), ("a", "smoothed f")) if spread else (("b", "f"),)
    return Figure("Under the Gaussian" if spread else "The function", plot.svg(f"{says}."), f"{says}.", legend)


def _smoothed(
    places: np.ndarray, heights: np.ndarray, spread: float, grid: np.ndarray, *, steps: bool
) -> list[tuple[float, float]]:
    """The closed form: normal distribution functions for steps, and their integrals for slopes."""
    from scipy.special import ndtr

    smooth = np.full_like(grid, heights[0])
    if steps:
        for place, jump in zip(places, np.diff(heights), strict=True):
            smooth += jump * ndtr((grid - place) / spread)
    else:
        slopes = np.diff(np.concatenate([[0.0], np.diff(heights) / np.diff(places), [0.0]]))
        for place, change in zip(places, slopes, strict=True):
            u = (grid - place) / spread
            smooth += change * spread * (u * ndtr(u) + np.exp(-u * u / 2) / math.sqrt(2 * math.pi))
    return list(zip(grid.tolist(), smooth.tolist(), strict=True))


# -- activations ---------------------------------------------------------------------------------------


def activation(impl: Implementation, case: Case) -> Figure | None:
    """The slope of an activation, against 1, and where the instance stands."""
    name = case.get("name")
    if not isinstance(name, str) or name in ("identity", "softmax", "sparsemax"):  # of more than one entry
        return None
    grid = np.linspace(-WIDE, WIDE, 121)
    values = np.asarray(impl.layers.activation(grid, name), dtype=float)
    slopes = np.asarray(impl.layers.activation_derivative(grid, name), dtype=float)
    series = [list(zip(grid.tolist(), points.tolist(), strict=True)) for points in (slopes, values)]
    plot = Plot.around(series, "x", "value and slope", zero=True)
    plot.line(series[1], "b")
    plot.line(series[0], "a")
    if plot.y.low < 1 < plot.y.high:
        plot.level(1.0, "1")
    x = case.get("x")
    at = float(np.ravel(x)[0]) if x is not None and np.size(x) == 1 else None
    marked = at is not None and -WIDE < at < WIDE
    if marked and at is not None:
        plot.upright(at, "x")
    says = f"{name}: the value, and its slope, which lies between {slopes.min():.4g} and {slopes.max():.4g} here"
    says += "; dashed: the x of this instance." if marked else "."
    return Figure(f"{name} and its slope", plot.svg(says), says, (("a", "slope"), ("b", "value")))


def kink(impl: Implementation, case: Case) -> Figure | None:
    """The Gram bound along a line through the zero matrix."""
    H, n_iter = case.get("H"), case.get("n_iter")
    if not isinstance(H, np.ndarray) or n_iter is None or "W" in case:
        return None
    curve = [(h / 20, float(impl.spectral.gram_iteration(h / 20 * H, n_iter))) for h in range(-20, 21)]
    plot = Plot.around([curve], "h", "bound of hH", zero=True)
    plot.line(curve, "a")
    says = "The Frobenius bound of hH as h passes 0: one slope from the right, another from the left."
    return Figure("Along a line through zero", plot.svg(says), says)


def line_through(case: Case) -> Figure | None:
    """Samples of two numbers and the least-squares line through the origin."""
    x, y = case.get("x"), case.get("y")
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray) or set(case) != {"x", "y"} or not x.any():
        return None
    w = float(x @ y / (x @ x))
    reach = float(np.abs(x).max()) * 1.3
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    line = [(-reach, -w * reach), (reach, w * reach)]
    plot = Plot.around([points, line], "x", "y", zero=True)
    plot.line(line, "b")
    for a, b in points:
        plot.dot_at(plot.x(a), plot.y(b), "a")
    says = (f"The samples and the minimizer, the line of slope {short(w)}. The gradient of a sample in the output is "
            "its distance from the line.")
    return Figure("The samples and the fit", plot.svg(says), says, (("dot a", "samples"), ("b", "minimizer")))


# -- networks of one input -----------------------------------------------------------------------------


def scores(impl: Implementation, case: Case) -> Figure | None:
    """The outputs of a network of one input, over that input."""
    found = _one_input(impl, case)
    if found is None:
        return None
    network, at = found
    near = max(1.0, abs(at)) * 1.5
    grid = np.linspace(at - near, at + near, 121)
    values = np.array([np.ravel(np.asarray(network(np.array([t])), dtype=float)) for t in grid])
    if values.shape[1] > 3 or not np.isfinite(values).all():
        return None
    series = [list(zip(grid.tolist(), column.tolist(), strict=True)) for column in values.T]
    plot = Plot.around(series, "input", "outputs" if len(series) > 1 else "output")
    for points, name in zip(series, "abc", strict=False):
        plot.line(points, name)
    plot.upright(at, "x")
    steepest = float(np.abs(np.diff(values, axis=0)).max() / (grid[1] - grid[0]))
    says = f"The {'outputs' if len(series) > 1 else 'output'} over the input, x at the dashed line. " \
           f"Steepest slope here: {steepest:.4g}."
    if len(series) > 1:
        says += " The label is the highest; it changes where the lines cross."
    legend = tuple((name, f"output {i}") for i, name in zip(range(len(series)), "abc", strict=False))
    return Figure("The network over its input", plot.svg(says), says, legend if len(series) > 1 else ())


def _one_input(impl: Implementation, case: Case) -> tuple[Callable[[Any], Any], float] | None:
    """The network of the instance and a place in it, where it has one input."""
    x = case.get("x", np.zeros(1))
    if np.size(x) != 1:
        return None
    data = case.get("network")
    if isinstance(data, dict) and data.get("inputs") == 1:
        return network_from(impl.network, **data), float(np.ravel(x)[0])
    at, W, b, weights = float(np.ravel(x)[0]), case.get("W"), case.get("b"), case.get("weights")
    affine = isinstance(W, np.ndarray) and W.ndim == 2 and isinstance(b, np.ndarray)
    if affine and W.shape[1] == 1 and W.shape[0] > 1:
        return (lambda t: W @ t + b), at
    if _is_chain(weights) and np.shape(weights[0])[1] == 1 and "norms" not in case and "name" in case:
        names = [case["name"]] * (len(weights) - 1) + ["identity"]
        return impl.network.FeedForward(weights, names), at
    return None


def _is_chain(weights: Any) -> bool:
    return isinstance(weights, Sequence) and len(weights) > 0 and all(np.ndim(W) == 2 for W in weights)
