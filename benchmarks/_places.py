"""Where cases are computed: on one core of the host, and on a CUDA device where CuPy finds one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import gpu
from gpu._namespace import to_host


@dataclass(frozen=True)
class Place:
    """How arrays and PyTorch's tensors get there, what waits until all is done, and the clock to time it with."""

    name: str
    array: Callable[[Any], Any]
    tensor: Callable[[Any], torch.Tensor]
    finish: Callable[[], None]
    clock: Callable[[], float]


# The time of this process: what else runs on the machine is not counted.
HOST = Place("host", lambda x: x, torch.from_numpy, lambda: None, time.process_time)


def device() -> Place | None:
    """The current device, if CuPy and PyTorch both find it."""
    try:
        gpu.to_device(np.zeros(1))
    except (ModuleNotFoundError, RuntimeError):
        return None
    if not torch.cuda.is_available():
        return None
    import cupy

    name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()

    def finish() -> None:
        cupy.cuda.Device().synchronize()
        torch.cuda.synchronize()

    return Place(name, gpu.to_device, lambda x: torch.from_numpy(x).cuda(), finish, time.perf_counter)


def at_home(x: Any) -> Any:
    """A result as a NumPy array."""
    return x.cpu().numpy() if isinstance(x, torch.Tensor) else np.asarray(to_host(x), dtype=float)
