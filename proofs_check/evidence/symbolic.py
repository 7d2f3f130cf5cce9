"""Symbolic evidence: a derivation in sympy whose every step is checked, and whose mutant is not valid."""

from __future__ import annotations

from typing import Any

import sympy

from proofs_check.claim import Claim

# The derivation is asked to prove the statement with its constant multiplied by this: it must fail.
FALSE_FACTOR = sympy.Rational(99, 100)
_AS_STATED = sympy.Integer(1)


def derive(claim: Claim, factor: Any = _AS_STATED) -> tuple[int, str | None]:
    """The number of steps, and the first step that sympy does not find true."""
    assert claim.derivation is not None
    count = 0
    for step in claim.derivation(factor):
        count += 1
        if not _is_true(step.true):
            return count, step.says
    return count, None


def _is_true(statement: Any) -> bool:
    """A truth value that is true, or an expression (or matrix) that is identically zero."""
    if isinstance(statement, (bool, sympy.logic.boolalg.Boolean)):
        return bool(sympy.simplify(statement) == sympy.true)
    if isinstance(statement, sympy.MatrixBase):
        return all(_is_true(entry) for entry in statement)
    return bool(sympy.simplify(statement) == 0)
