"""Instances written as Python that makes them again."""

from __future__ import annotations

from typing import Any

import numpy as np


def written(case: Any, *, limit: int = 64) -> str:
    """A literal of lists and numbers; arrays of more than `limit` entries only by shape."""
    if isinstance(case, dict):
        return "{" + ", ".join(f"{key!r}: {written(value)}" for key, value in case.items()) + "}"
    if isinstance(case, np.ndarray):
        return written(case.tolist()) if case.size <= limit else f"<array of shape {case.shape}>"
    if isinstance(case, (list, tuple)):
        return "[" + ", ".join(written(item) for item in case) + "]"
    if isinstance(case, complex):
        return repr(complex(case))
    if isinstance(case, (float, np.floating)):
        number = float(case)
        return repr(int(number)) if number.is_integer() and abs(number) < 1e6 else repr(number)
    return repr(case.item() if isinstance(case, np.generic) else case)
