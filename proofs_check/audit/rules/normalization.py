"""Normalization with frozen statistics, and with the statistics of its own input."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from proofs_check.audit.rounding import root, up, widened
from proofs_check.audit.rules import Call, only_first_moves, rule
from proofs_check.audit.rules.products import ON_A_BOX
from proofs_check.audit.value import ANYTHING, Array, Effect, Refused


@rule("BatchNormalization", (6, 7, 9, 14, 15), moves=(0, 2, 3), apart=only_first_moves)
def batch_norm(call: Call) -> Effect:
    """|scale| / sqrt(variance + epsilon) at inference, the largest of the channels (than.lemma-1.largest)."""
    if call.attribute("training_mode", 0) or sum(bool(name) for name in call.node.outputs) > 1:
        raise Refused("batch statistics: exported in training mode")
    if call.node.version < 7 and not call.attribute("is_test", 0):
        raise Refused("batch statistics: is_test is 0")
    if not call.attribute("spatial", 1):
        raise Refused("statistics of every pixel")
    scale, variance = call.weight(1), call.weight(4, "a variance")
    epsilon = float(call.attribute("epsilon", 1e-5))
    if (variance < 0).any() or (variance + epsilon <= 0).any():
        raise Refused("a variance that is negative, or 0 with an epsilon of 0")
    slopes = np.abs(scale) / np.sqrt(variance + epsilon) * (1 + 2.0**-50)
    most = float(slopes.max())
    factors: dict[int, float] = {}
    if call.moves(0):
        factors[0] = most
    if call.moves(2):
        factors[2] = root(call.repeats(2))
    if call.moves(3):
        factors[3] = up(most * root(call.repeats(3)))
    low = None if len(factors) > 1 or 0 not in factors else most * (1 - 2.0**-48)
    return Effect(factors, *_frozen(call, epsilon), at_least=low, note=f"at inference, epsilon {epsilon:g}")


def _frozen(call: Call, epsilon: float) -> tuple[Array, Array]:
    low, high = call.interval(0)
    if call.moves(2) or call.moves(3) or np.isinf(low).any() or np.isinf(high).any():
        return ANYTHING
    shape = (1, -1) + (1,) * (len(call.shape(0)) - 2)
    scale, shift, mean, variance = (call.weight(i).reshape(shape) for i in (1, 2, 3, 4))
    slope = scale / np.sqrt(variance + epsilon)
    ends = [slope * (end - mean) + shift for end in (low, high)]
    error = 2.0**-48 * (np.abs(slope) * (call.size(0) + np.abs(mean)) + np.abs(shift)) + 1e-300
    return np.minimum(*ends) - error, np.maximum(*ends) + error


def _normalized(call: Call, n: int, epsilon: float, scale: Array, *, places: tuple[int, int]) -> Effect:
    """Deviations over the root of variance plus epsilon: at most 1 / sqrt(epsilon), reached at constant inputs."""
    if epsilon <= 0:
        raise Refused(f"an epsilon that is not positive: {'' if epsilon < 0 else f'it {ON_A_BOX}'}")
    factors: dict[int, float] = {}
    # |x_hat| is at most sqrt(n - 1) in an entry, sqrt(n) for root mean squares.
    most = root(float(n))
    if call.moves(0):
        factors[0] = up(up(float(np.abs(scale).max()) / math.sqrt(epsilon))) if n > 1 else 0.0
    for i in places:
        if call.moves(i):
            factors[i] = up(root(call.repeats(i)) * (most if i == places[0] else 1.0))
    shift = np.zeros(1) if not call.has(places[1]) or places[0] == places[1] else call.interval(places[1])
    far = most * float(np.abs(scale).max()) + float(np.max(np.abs(shift)))
    return Effect(factors, np.asarray(-far * (1 + 2.0**-40)), np.asarray(far * (1 + 2.0**-40)),
                  note=f"over {n} entries, epsilon {epsilon:g}")


def _behind_the_first(call: Call) -> bool:
    return only_first_moves(call) and int(call.attribute("axis", -1)) % len(call.shape(0)) > 0


@rule("LayerNormalization", (17,), moves=(0, 2), apart=_behind_the_first)
def layer_norm(call: Call) -> list[Effect | str]:
    """The largest scale over the root of epsilon (than.lemma-2.global)."""
    axis = int(call.attribute("axis", -1)) % len(call.shape(0))
    n = math.prod(call.shape(0)[axis:])
    effect = _normalized(call, n, float(call.attribute("epsilon", 1e-5)), call.weight(1), places=(1, 2))
    return [effect, "the means", "the inverse deviations"]


@rule("RMSNormalization", (23,), apart=_behind_the_first)
def rms_norm(call: Call) -> Effect:
    """The largest scale over the root of epsilon."""
    axis = int(call.attribute("axis", -1)) % len(call.shape(0))
    n = math.prod(call.shape(0)[axis:])
    epsilon = float(call.attribute("epsilon", 1e-5))
    effect = _normalized(call, max(n, 2), epsilon, call.weight(1), places=(1, 1))
    return effect


def _inner_axes(call: Call) -> bool:
    rank = len(call.shape(0))
    return all(axis % rank for axis in call.attribute("axes"))


@rule("Normalized", (1,), domain="lipref", apart=_inner_axes)
def spelled_out(call: Call) -> Effect:
    """Layer, root-mean-square or length normalization in several nodes, the squares with any positive weight."""
    shape, axes = call.shape(0), {axis % len(call.shape(0)) for axis in call.attribute("axes")}
    n = math.prod(shape[axis] for axis in axes)
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    means = [{axis % len(shape) for axis in mean} for mean in call.attribute("means")]
    if call.attribute("kept") not in (None, kept) or any(mean != axes for mean in means):
        raise Refused("means and deviations over different axes")
    epsilon, count = float(call.attribute("epsilon")), n if call.attribute("centred") else max(n, 2)
    made = _normalized(call, count, epsilon, np.ones(1), places=(1, 2))
    # An entry is at most the root of what its square is over the squares that are weighed.
    far = math.sqrt((1 if call.attribute("is_sum") else n) / float(call.attribute("share"))) * (1 + 2.0**-40)
    return replace(made, low=np.asarray(-far), high=np.asarray(far))


@rule("InstanceNormalization", (6, 22), moves=(0, 2), apart=only_first_moves)
def instance_norm(call: Call) -> Effect:
    """Every channel of every image by itself."""
    n = math.prod(call.shape(0)[2:])
    return _normalized(call, n, float(call.attribute("epsilon", 1e-5)), call.weight(1), places=(1, 2))


@rule("GroupNormalization", (18, 21), moves=(0, 2), apart=only_first_moves)
def group_norm(call: Call) -> Effect:
    """Every group of channels by itself."""
    shape = call.shape(0)
    n = shape[1] // int(call.attribute("num_groups")) * math.prod(shape[2:])
    return _normalized(call, n, float(call.attribute("epsilon", 1e-5)), call.weight(1), places=(1, 2))


@rule("LRN", (1, 13), apart=only_first_moves)
def local_response(call: Call) -> Effect:
    """With D = k + a s, s the sum of squares of m channels, x / D^b: k^(-b) (1 + 2 b sqrt(m))."""
    k, b = float(call.attribute("bias", 1.0)), float(call.attribute("beta", 0.75))
    if k <= 0 or float(call.attribute("alpha", 1e-4)) < 0 or b < 0:
        raise Refused("LRN with a bias that is not positive, or a negative alpha or beta")
    size, channels = int(call.attribute("size")), call.shape(0)[1]
    # The Jacobian is D^(-b) (1 - 2 b a x x' / D) in a band. A row of x x' a / D has length at most 1, and m rows
    # share a column, so that its norm is at most the root of m.
    band = min(size, channels)
    return Effect({0: widened(0.0, k**-b * (1 + 2 * b * math.sqrt(band)), 4)[1].item()})
