"""The registry: every `Claim` of this package, found by walking it. Nothing registers on import."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from proofs_check.claim import Claim


def load() -> dict[str, Claim]:
    """All claims by id; an id that is defined twice, or an amendment that is missing, is an error."""
    claims: dict[str, Claim] = {}
    for module in pkgutil.walk_packages(__path__, __name__ + "."):
        for made in _claims_of(module.name):
            if made.id in claims and claims[made.id] is not made:
                raise ValueError(f"claim id {made.id!r} is defined twice, again in {module.name}")
            claims[made.id] = made
    for made in claims.values():
        if made.amended_by is not None and made.amended_by not in claims:
            raise ValueError(f"claim {made.id}: amended_by {made.amended_by!r} is not a claim")
    return dict(sorted(claims.items()))


def _claims_of(name: str) -> Iterator[Claim]:
    for value in vars(importlib.import_module(name)).values():
        if isinstance(value, Claim):
            yield value
