"""Recurrent layers, unrolled over their known length.

The lengths of the changes at each step obey inequalities with coefficients that are not negative. Carried through all
steps these are a matrix from the changes of the inputs to those of the outputs, and its norm is the bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from proofs_check.audit.rounding import length, up
from proofs_check.audit.rules import Call, rule
from proofs_check.audit.value import ANYTHING, Array, Effect, Refused

# What the sums of products of a few numbers are off by, generously.
ROUNDED = 1 + 2.0**-40
LONGEST = 4096


@dataclass(frozen=True)
class Weights:
    """One direction: by gate the norms of what multiplies the input and the state, and rows and biases for ranges."""

    on_input: tuple[float, ...]
    on_state: tuple[float, ...]
    state_rows: Array
    bias: Array


def _weights(call: Call, gates: int) -> list[Weights]:
    W, R = call.weight(1), call.weight(2)
    hidden = R.shape[2]
    B = call.weight(3) if call.has(3) else np.zeros((len(W), 2 * gates * hidden))
    if call.has(7):
        raise Refused("peepholes")
    if call.attribute("layout", 0):
        raise Refused("a layout with the batch first")
    if call.has(4) and set(call.integers(4, "lengths")) != {call.shape(0)[0]}:
        raise Refused("sequences of several lengths")
    if call.shape(0)[0] > LONGEST:
        raise Refused(f"more than {LONGEST} steps")
    made = []
    for w, r, b in zip(W, R, B, strict=True):
        parts = [slice(g * hidden, (g + 1) * hidden) for g in range(gates)]
        made.append(Weights(
            tuple(call.norms.dense(w[p])[1] for p in parts), tuple(call.norms.dense(r[p])[1] for p in parts),
            np.abs(r).sum(axis=1).reshape(gates, hidden), np.abs(b).reshape(2, gates, hidden)))
    return made


def _names(call: Call, usual: list[str], directions: int) -> list[list[str]]:
    given = call.attribute("activations")
    names = [n.decode() if isinstance(n, bytes) else n for n in given] if given else usual * directions
    if call.attribute("activation_alpha") or call.attribute("activation_beta"):
        raise Refused("activations with parameters")
    return [[n.lower() for n in names[d * len(usual) : (d + 1) * len(usual)]] for d in range(directions)]


def _largest(call: Call, i: int) -> float:
    """The largest absolute value of an initial state, 0 where none is given."""
    return float(np.max(call.size(i))) if call.has(i) else 0.0


Step = Callable[[int, Array, Array | None], tuple[Array, Array | None]]


def _unrolled(call: Call, steps: list[Step], *, cell: bool) -> list[Effect | str]:
    """The bounds of all outputs from the steps of each direction: new changes of state and cell from the old ones."""
    T = call.shape(0)[0]
    states, ends, cells = [], [], []
    for step in steps:
        # Columns: the changes of the inputs at each step, then of the initial state and cell.
        h, c = np.zeros(T + 2), np.zeros(T + 2) if cell else None
        h[T] = 1.0
        if c is not None:
            c[T + 1] = 1.0
        rows = []
        for t in range(T):
            h, c = step(t, h, c)
            rows.append(h)
        states.append(np.array(rows))
        ends.append(h)
        cells.append(c)
    effects: list[Effect | str] = []
    for made in (states, ends, cells if cell else None):
        if made is None:
            break
        factors = {}
        for i, columns in ((0, slice(0, T)), (5, slice(T, T + 1)), (6, slice(T + 1, T + 2))):
            if call.moves(i):
                each = [call.norms.dense(np.atleast_2d(m)[:, columns])[1] for m in made if m is not None]
                factors[i] = up(length(each) * ROUNDED)
        far = max(1.0, _largest(call, 5))
        bounded = made is not cells and not (call.node.op == "RNN" and call.attribute("activations"))
        effects.append(Effect(factors, *((np.asarray(-far), np.asarray(far)) if bounded else ANYTHING),
                              note=f"{T} steps unrolled"))
    return effects


def _unit(t: int, size: int) -> Array:
    e = np.zeros(size)
    e[t] = 1.0
    return e


@rule("RNN", (7, 14, 22), moves=(0, 5))
def rnn(call: Call) -> list[Effect | str]:
    """H' = f(W x + R h): |W| and |R| with an activation of slope at most 1."""
    weights = _weights(call, 1)
    for [name] in _names(call, ["Tanh"], len(weights)):
        if name not in ("tanh", "relu", "sigmoid"):
            raise Refused(f"the activation {name}")

    def step_of(w: Weights) -> Step:
        return lambda t, h, c: (w.on_input[0] * _unit(t, len(h)) + w.on_state[0] * h, None)

    return _unrolled(call, [step_of(w) for w in weights], cell=False)


@rule("LSTM", (7, 14, 22), moves=(0, 5, 6))
def lstm(call: Call) -> list[Effect | str]:
    """Gates of slope 1/4 between 0 and 1, candidates and states between -1 and 1, cells that grow by 1 a step."""
    weights = _weights(call, 4)
    if any(names != ["sigmoid", "tanh", "tanh"] for names in _names(call, ["Sigmoid", "Tanh", "Tanh"], len(weights))):
        raise Refused("activations that are not the usual ones")
    if call.attribute("input_forget", 0):
        raise Refused("coupled gates")
    first = _largest(call, 6)

    def step_of(w: Weights) -> Step:
        def step(t: int, h: Array, c: Array | None) -> tuple[Array, Array | None]:
            x, far = _unit(t, len(h)), first + t
            i, o, f, g = (wx * x + wh * h for wx, wh in zip(w.on_input, w.on_state, strict=True))
            assert c is not None
            # c' = f c + i g, h' = o tanh(c').
            cell = c + (far / 4) * f + g + i / 4
            return cell + o / 4, cell

        return step

    return _unrolled(call, [step_of(w) for w in weights], cell=True)


@rule("GRU", (7, 14, 22), moves=(0, 5))
def gru(call: Call) -> list[Effect | str]:
    """H' = (1 - z) g + z h with gates of slope 1/4, states no larger than 1 or the first one."""
    weights = _weights(call, 3)
    if any(names != ["sigmoid", "tanh"] for names in _names(call, ["Sigmoid", "Tanh"], len(weights))):
        raise Refused("activations that are not the usual ones")
    far, before = max(1.0, _largest(call, 5)), bool(call.attribute("linear_before_reset", 0))

    def step_of(w: Weights) -> Step:
        # What the reset gate multiplies: the state, or its image.
        reset = float((w.state_rows[2] * far + w.bias[1, 2]).max()) if before else w.on_state[2] * far

        def step(t: int, h: Array, c: Array | None) -> tuple[Array, Array | None]:
            x = _unit(t, len(h))
            z, r = (w.on_input[k] * x + w.on_state[k] * h for k in (0, 1))
            g = w.on_input[2] * x + w.on_state[2] * h + (reset / 4) * r
            return g + h + ((1 + far) / 4) * z, None

        return step

    return _unrolled(call, [step_of(w) for w in weights], cell=False)
