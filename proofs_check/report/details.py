"""One claim in full: what it says, what is known, an instance, and the code that it speaks of."""

from __future__ import annotations

import inspect
import os
from typing import Any

import click
import numpy as np

from proofs_check.claim import Case, Claim
from proofs_check.evidence import random
from proofs_check.implementation import Implementation

DRAWN = 10


def show_claim(claim: Claim, implementation: str = "refimpl") -> None:
    """Print all of it."""
    click.echo(f"{claim.id}: {claim.statement}\n")
    click.echo(f"  formula   {claim.tex}")
    click.echo(f"  source    {claim.source.title}")
    click.echo(f"  place     {claim.source.locator}")
    click.echo(f"  verdict   {claim.finding}")
    if claim.reading:
        click.echo(f"  reading   {claim.reading}")
    if claim.right_at:
        click.echo(f"  right at  {claim.right_at}")
    if claim.amended_by is not None:
        click.echo(f"  amended   by {claim.amended_by}")
    if claim.note:
        click.echo(f"  note      {claim.note}")
    click.echo(f"  claim     {_where(claim.compare)}")
    impl = Implementation(implementation)
    kind, case = instance(claim, impl)
    found = None if case is None else claim.compare(impl, **case)
    for name in sorted(impl.used):
        click.echo(f"  uses      {name}, {_where(impl.function(*name.split('.')))}")
    if case is None or found is None:
        click.echo("\nno instance met the hypotheses")
        return
    click.echo(f"\n{kind}\n")
    for name, value in case.items():
        click.echo(f"  {name} = {literal(value)}")
    click.echo(f"\n  {found}")
    click.echo("\nin Python\n")
    click.echo(reproduce(claim, case, implementation))


def instance(claim: Claim, impl: Implementation) -> tuple[str, Case | None]:
    """The instance that says most of the claim, and what it is: counterexample, witness or an example."""
    if claim.counterexample is not None:
        return "counterexample", claim.counterexample
    if claim.witnesses:
        return "witness, an instance where the sides meet", claim.witnesses[0]
    drawn = random.search(claim, impl, examples=DRAWN, seed_=0)
    cases = [case for _, case in drawn.cases] + ([drawn.violation] if drawn.violation is not None else [])
    return "example", cases[-1] if cases else None


def _where(code: Any) -> str:
    """The file and line of some code, the file relative to here if it lies below."""
    try:
        code = inspect.unwrap(code)
        file, line = inspect.getsourcefile(code), inspect.getsourcelines(code)[1]
    except (TypeError, OSError):
        return "source not found"
    near = os.path.relpath(str(file)) if str(file).startswith(os.getcwd() + os.sep) else file
    return f"{near}:{line}"


def reproduce(claim: Claim, case: Case, implementation: str) -> str:
    """Five lines of Python that compute both sides of the claim on the case."""
    return "\n".join([
        "import numpy as np",
        "from proofs_check.claims import load",
        "from proofs_check.implementation import Implementation",
        f"case = {literal(case)}",
        f"print(load()[{claim.id!r}].compare(Implementation({implementation!r}), **case))",
    ])


def literal(value: Any) -> str:
    """Python that makes the value again, with numpy imported as np."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + "".join(f"{literal(item)}, " for item in value).rstrip(" ") + ")"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        return literal(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return f"float('{value}')"
    if isinstance(value, complex) and not np.isfinite(value):
        return f"complex({literal(value.real)}, {literal(value.imag)})"
    return repr(value)


def _array(array: np.ndarray) -> str:
    kinds = {"f": "float", "c": "complex", "i": "int", "u": "int", "b": "bool"}
    dtype = kinds.get(array.dtype.kind, "object")
    if array.size == 0:
        return f"np.zeros({array.shape}, dtype={dtype})"
    return f"np.array({literal(array.tolist())}, dtype={dtype})"
