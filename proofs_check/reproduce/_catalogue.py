"""Which experiments there are, and how to name some of them."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterable

from proofs_check.reproduce import (
    certification,
    convolutions,
    curvature,
    deep_networks,
    dense_times,
    explosion,
    gradient_memory,
    gram_and_power,
    readouts,
    rescaling,
    size_transfer,
    smoothed_attack,
    smoothing,
    tightness,
    trained,
    zero_padding,
)
from proofs_check.reproduce._series import Experiment, RefusedError

_MODULES = (
    size_transfer, gram_and_power, dense_times, readouts, convolutions, zero_padding, gradient_memory, tightness,
    rescaling, trained, smoothing, certification, smoothed_attack, explosion, deep_networks,
    curvature,
)


def _place(experiment: Experiment) -> list[str | int]:
    """Numbers in a name count as numbers: 3.9 is before 3.11."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", experiment.name)]


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in sorted((one for module in _MODULES for one in module.EXPERIMENTS), key=_place)
}


def choose(names: Iterable[str]) -> list[Experiment]:
    """The experiments that a name or pattern stands for, each once; "all" stands for all of them."""
    patterns = ["*" if name == "all" else name for name in names]
    known = f"known are {', '.join(EXPERIMENTS)}, and all"
    if not patterns:
        raise RefusedError(f"name an experiment; {known}")
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(name, pattern) for name in EXPERIMENTS):
            near = difflib.get_close_matches(pattern, EXPERIMENTS, n=1, cutoff=0.5)
            nearest = f"the nearest is {near[0]}; " if near else ""
            raise RefusedError(f"no experiment {pattern!r}; {nearest}{known}")
    return [experiment for name, experiment in EXPERIMENTS.items()
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
