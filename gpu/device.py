"""The functions of gpu on the device, called with NumPy's arrays: ``proofs-check run --impl gpu.device``.

Importing it without CuPy or without a device is an error that says which of them is missing.
"""

from __future__ import annotations

from gpu._bridge import topics
from gpu._namespace import cupy

globals().update(topics(cupy().asarray))
