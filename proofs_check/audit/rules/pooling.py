"""Pools and reductions."""

from __future__ import annotations

import math

import numpy as np

from proofs_check.audit.rounding import root, times, up
from proofs_check.audit.rules import Call, entrywise, only_first_moves, rule
from proofs_check.audit.rules._windows import Windows, windows
from proofs_check.audit.rules.products import ON_A_BOX, finite
from proofs_check.audit.value import ANYTHING, Array, Effect, Refused


def _windows(call: Call) -> Windows:
    return windows(call, call.shape(0)[2:], call.out()[2:], tuple(call.attribute("kernel_shape")))


def _ends(call: Call) -> tuple[Array, Array]:
    """The interval of a node that does not fall in any entry, by its values at both ends."""
    ends = call.interval(0)
    if any(np.isinf(end).any() for end in ends):
        return ANYTHING
    low, high = (call.evaluate(_with(call, np.broadcast_to(end, call.shape(0)).astype(np.float64))) for end in ends)
    count = 2.0**-50 * (4 + max(1, call.value(0).count))
    most = np.abs(call.size(0)).max() * count
    return low - most, high + most


def _with(call: Call, x: Array) -> list[Array | None]:
    return [x, *(None if arg is None else arg.constant for arg in call.args[1:])]


@rule("MaxPool", (1, 8, 10, 11, 12, 22), apart=only_first_moves)
def max_pool(call: Call) -> list[Effect | str]:
    """The root of how many windows share a pixel (thesis.app-B.1-pooling)."""
    at = _windows(call)
    interval = _ends(call) if len(call.node.outputs) == 1 else ANYTHING
    bound = root(float(at.overlap()))
    return [Effect({0: bound}, *interval, at_least=bound, note="windows that share a pixel"), "places jump"]


@rule("AveragePool", (1, 7, 10, 11, 19, 22), apart=only_first_moves)
def average_pool(call: Call) -> Effect:
    """Linear, axis by axis. Where a window is cut by the border the fewer entries count, as implementations differ."""
    at, include = _windows(call), bool(call.attribute("count_include_pad", 0))
    if call.node.version == 1 and include:
        raise Refused("AveragePool-1 has no count_include_pad")
    bound, low = 1.0, 1.0
    for axis in range(len(at.image)):
        held = at.places(axis)
        counts = held.sum(axis=1)
        if include and not call.attribute("ceil_mode", 0):
            counts = np.full(len(held), float(at.size[axis]))
        if (counts == 0).any():
            raise Refused("a window that holds no pixel")
        bracket = call.norms.dense(held / counts[:, None])
        # The quotients are rounded.
        bound, low = times(bound, bracket[1] * (1 + 2.0**-48)), low * bracket[0] * (1 - 2.0**-48)
    return Effect({0: bound}, *_ends(call), at_least=None if call.attribute("ceil_mode", 0) else low)


@rule("GlobalAveragePool", (1, 22), apart=only_first_moves)
def global_average_pool(call: Call) -> Effect:
    """1 / sqrt(n) for means over n entries."""
    return _mean(call)


@rule("GlobalMaxPool", (1, 22), apart=only_first_moves)
def global_max_pool(call: Call) -> Effect:
    """1."""
    return Effect({0: 1.0}, *_ends(call), shown=False)


@rule("GlobalLpPool", (2, 22), apart=only_first_moves)
def global_lp_pool(call: Call) -> Effect:
    """A p-norm is at most n^(1/p - 1/2) times the 2-norm for p < 2, and at most the 2-norm above."""
    return Effect({0: _p_norm(float(call.attribute("p", 2)), _group(call))}, np.asarray(0.0))


@rule("LpPool", (2, 11, 18, 22), apart=only_first_moves)
def lp_pool(call: Call) -> Effect:
    """The p-norm of each window, times the root of how many windows share a pixel."""
    at = _windows(call)
    factor = _p_norm(float(call.attribute("p", 2)), math.prod(at.size))
    return Effect({0: times(factor, root(float(at.overlap())))}, np.asarray(0.0))


def _p_norm(p: float, n: float) -> float:
    if p < 1:
        raise Refused(f"a p-norm with p = {p:g}")
    return 1.0 if p >= 2 else up(up(n ** (1 / p - 0.5)))


# -- reductions ----------------------------------------------------------------------------------------


def _group(call: Call) -> float:
    """How many entries make one of the output."""
    return call.value(0).count / max(1, math.prod(call.out()))


def _mean(call: Call) -> Effect:
    n = _group(call)
    exact = 1 / math.sqrt(n)
    bound = exact if math.sqrt(n).is_integer() and math.log2(n).is_integer() else up(exact)
    return Effect({0: bound}, *_ends(call), at_least=math.nextafter(exact, 0), note=f"means of {n:g} entries")


def _not_over_samples(call: Call) -> bool:
    axes = call.attribute("axes")
    if axes is None and call.has(1):
        axes = call.integers(1, "axes")
    rank = len(call.shape(0))
    return axes is not None and len(axes) > 0 and all(int(axis) % rank for axis in axes)


# A reduction names its axes as an attribute, later as an input; the shapes are known either way.
@rule("ReduceMean", (1, 11, 13, 18), claim="audit.reducemean", apart=_not_over_samples)
def reduce_mean(call: Call) -> Effect:
    """1 / sqrt(n)."""
    return _mean(call)


@rule("ReduceSum", (1, 11, 13), apart=_not_over_samples)
def reduce_sum(call: Call) -> Effect:
    """The root of n."""
    bound = root(_group(call))
    return Effect({0: bound}, *_ends(call), at_least=bound * (1 - 2.0**-50), note=f"sums of {_group(call):g} entries")


for _op, _versions in {"ReduceMax": (1, 11, 12, 13, 18, 20), "ReduceMin": (1, 11, 12, 13, 18, 20)}.items():
    @rule(_op, _versions, claim="audit.reducemax", apart=_not_over_samples)
    def _extreme(call: Call) -> Effect:
        """1."""
        return Effect({0: 1.0}, *_ends(call), shown=False)


@rule("ReduceL2", (1, 11, 13, 18), apart=_not_over_samples)
def reduce_l2(call: Call) -> Effect:
    """1."""
    return Effect({0: 1.0}, np.asarray(0.0), shown=False)


@rule("ReduceL1", (1, 11, 13, 18), apart=_not_over_samples)
def reduce_l1(call: Call) -> Effect:
    """The root of n."""
    return Effect({0: root(_group(call))}, np.asarray(0.0))


@rule("ReduceLogSumExp", (1, 11, 13, 18), apart=_not_over_samples)
def reduce_log_sum_exp(call: Call) -> Effect:
    """1: its gradient is a softmax."""
    return Effect({0: 1.0}, shown=False)


@rule("ReduceSumSquare", (1, 11, 13, 18), apart=_not_over_samples)
def reduce_sum_square(call: Call) -> Effect:
    """Twice the length."""
    size = np.broadcast_to(call.size(0), call.shape(0))
    if not np.isfinite(size).all():
        raise Refused(f"a square {ON_A_BOX}")
    factor = 2 * float(np.sqrt((size**2).sum())) * (1 + 2.0**-40)
    return Effect(finite({0: factor}, "a square"), np.asarray(0.0), np.asarray((size**2).sum() * (1 + 2.0**-40)))


# -- sums of several -----------------------------------------------------------------------------------


@rule("Sum", (6, 8, 13), moves=range(10**4), apart=entrywise)
def total(call: Call) -> Effect:
    """The constants are added."""
    places = [i for i in range(len(call.args)) if call.moves(i)]
    return Effect({i: root(call.repeats(i)) for i in places}, shown=len(places) > 1, note="a sum")


@rule("Mean", (6, 8, 13), moves=range(10**4), apart=entrywise)
def mean(call: Call) -> Effect:
    """The constants are added, divided by how many there are."""
    places = [i for i in range(len(call.args)) if call.moves(i)]
    return Effect({i: up(root(call.repeats(i)) / len(call.args)) for i in places}, note="a mean")
