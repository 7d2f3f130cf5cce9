"""From cases to vectors: the answers in balls, at a precision that is raised until 30 digits stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from flint import acb, ctx

from proofs_check.vectors import _flags
from proofs_check.vectors._numbers import decimal, encode, hexadecimal
from proofs_check.vectors._rounding import ROUNDING
from proofs_check.vectors._spec import PROMISES, Case, Function

VERSION = "3.0"
SEED = 0
LEAST = 40
PRECISIONS = (384, 1024, 4096)


def make(function: Function) -> dict[str, Any]:
    """All of a function's file."""
    cases = function.cases()
    if len(cases) < LEAST:
        raise ValueError(f"{function.name}: {len(cases)} cases, at least {LEAST} are needed")
    flags = sorted({flag for case in cases for flag in case.flags})
    unknown = [flag for flag in flags if flag not in _flags.FLAGS]
    if unknown:
        raise ValueError(f"{function.name}: flags without explanation: {', '.join(unknown)}")
    # Traps first; what is drawn comes last.
    ordered = sorted(cases, key=lambda case: "Drawn" in case.flags)
    return {
        "function": function.name,
        "says": function.says,
        "promises": function.promises,
        "arguments": {name: _argument(function, name) for name in function.arguments},
        "rounding": ROUNDING[function.name].why,
        "version": VERSION,
        "generator": {"name": "lipref", "balls": "proofs_check.vectors, in ball arithmetic", "bits": PRECISIONS[0]},
        "seed": SEED,
        "notes": {flag: _flags.FLAGS[flag] for flag in flags},
        "count": len(cases),
        "vectors": [vector(function, number, case) for number, case in enumerate(ordered, 1)],
    }


def _argument(function: Function, name: str) -> dict[str, Any]:
    return {"kind": function.arguments[name], "required": name not in function.optional}


def vector(function: Function, number: int, case: Case) -> dict[str, Any]:
    """One vector; its id is made here and nowhere else."""
    made: dict[str, Any] = {
        "id": f"{function.name}-{number:03}",
        "comment": case.comment,
        "flags": sorted(case.flags),
        "inputs": {name: encode(value) for name, value in case.inputs.items()},
    }
    if case.refused:
        return {**made, "expected": None, "relation": {"kind": "raises"}}
    for bits in PRECISIONS:
        try:
            with ctx.workprec(bits):
                made["expected"] = _expected(function, case)
            break
        except ValueError as too_wide:
            failure = too_wide
    else:
        raise ValueError(f"{made['id']} {case.comment}: {failure}")
    made["relation"] = _relation(function, case, made["expected"]["value"])
    return made


def _expected(function: Function, case: Case) -> dict[str, Any]:
    value = function.value(**case.inputs)
    found = dict(zip(("value", "radius"), _digits(value, function.sharp), strict=True))
    if function.truth is not None:
        found |= zip(("truth", "truth_radius"), _digits(function.truth(**case.inputs), False), strict=True)
    return found


def _digits(value: Any, sharp: bool) -> tuple[Any, Any]:
    if isinstance(value, Mapping):
        pairs = {name: _digits(part, sharp) for name, part in value.items()}
        return {n: v for n, (v, _) in pairs.items()}, {n: r for n, (_, r) in pairs.items()}
    if isinstance(value, np.ndarray) and any(isinstance(v, acb) for v in value.ravel()):
        value = np.frompyfunc(acb, 1, 1)(value).tolist()  # all of them, zeros too
    if isinstance(value, (np.ndarray, list, tuple)):
        parts = [_digits(part, sharp) for part in value]
        return [v for v, _ in parts], [r for _, r in parts]
    if isinstance(value, acb):
        pairs = {"re": decimal(value.real, sharp), "im": decimal(value.imag, sharp)}
        return {n: v for n, (v, _) in pairs.items()}, {n: r for n, (_, r) in pairs.items()}
    return decimal(value, sharp)


def _relation(function: Function, case: Case, value: Any) -> Any:
    if isinstance(value, dict):
        if not isinstance(function.promises, dict):
            raise ValueError(f"{function.name} promises nothing of its fields")
        return {name: _of_promise(function, case, function.promises[name]) for name in value}
    if isinstance(function.promises, dict):
        raise ValueError(f"{function.name} has no fields")
    return _of_promise(function, case, function.promises)


def _of_promise(function: Function, case: Case, promise: str) -> dict[str, Any]:
    if promise not in PROMISES:
        raise ValueError(f"{function.name} promises {promise!r}, not one of {', '.join(PROMISES)}")
    rounding, kind = ROUNDING[function.name], "equal" if promise == "exact" else promise
    if case.strict and promise in ("upper", "lower"):
        return {"kind": kind, "relative": hexadecimal(0.0)}
    if rounding.ulp is not None:
        return {"kind": kind, "ulp": rounding.ulp}
    relation = {"kind": kind, "relative": hexadecimal(rounding.relative(case.condition))}
    return relation if promise in ("upper", "lower") else {**relation, "of": rounding.of}


def names(functions: Iterable[Function]) -> list[str]:
    """In order, each once."""
    found = [function.name for function in functions]
    if len(set(found)) != len(found):
        raise ValueError("a function has two files")
    return sorted(found)
