"""The functions that have vectors: one module a topic, traps first."""

from __future__ import annotations

import importlib

from proofs_check.vectors._make import names
from proofs_check.vectors._spec import Function

MODULES = (
    "spectral", "convolution", "convolution_bounds", "normalization", "network", "weierstrass", "simplex", "confidence",
    "certificates", "smoothed", "layers", "curvature", "networks", "fourier", "generalization", "explosion", "scores",
)


def load() -> dict[str, Function]:
    """All of them by name."""
    modules = [importlib.import_module(f"{__name__}.{module}") for module in MODULES]
    found = {function.name: function for module in modules for function in module.FUNCTIONS}
    return {name: found[name] for name in names(f for module in modules for f in module.FUNCTIONS)}
