"""Arguments exchanged: every pair of one kind of every public function, and every pair of axes of an argument."""

import functools
import importlib
import inspect
import itertools
import re

import numpy as np

from proofs_check.vectors._uncovered import TOPICS

# What is exchanged within an argument, by the number of dimensions that the documentation gives it.
AXES = {2: [("rows and columns", 0, 1)], 3: [("height and width", 1, 2)], 4: [("channels", 0, 1), ("taps' axes", 2, 3)]}
# Annotations of switches, words, functions and networks: nothing that takes another one's values.
OTHERS = (
    "Literal", "Side", "Norm", "bool", "Callable", "Padding", "Generator", "str", "Network", "Sequence[Map]", "Any",
    "Kind", "Form", "Loss", "Weights", "Procedure", "Activation", "Method", "Classifier", "Function", "FeedForward",
)


def functions():
    """Of every topic the public functions, by ``topic.name``."""
    for topic in TOPICS:
        module = importlib.import_module(f"refimpl.{topic}")
        for name in module.__all__:
            if inspect.isfunction(getattr(module, name)):
                yield f"{topic}.{name}", getattr(module, name)


def swaps():
    """Every exchange, as (function, title, the function with it)."""
    for full, function in functions():
        signature = inspect.signature(function)
        kinds = {}
        for parameter in signature.parameters.values():
            kinds.setdefault(_kind(parameter), []).append(parameter.name)
        for kind, names in kinds.items():
            for a, b in itertools.combinations(names, 2) if kind else ():
                yield full, f"{a} and {b}", _rearranged(function, lambda given, a=a, b=b: _exchanged(given, a, b))
        for name, parameter in signature.parameters.items():
            for title, change in _within(parameter, function.__doc__):
                yield full, f"{title} of {name}", _rearranged(
                    function, lambda given, name=name, change=change: (
                        {**given, name: change(given[name])} if name in given else given))


def _kind(parameter):
    """What annotations have in common that take one another's values; nothing of switches and words."""
    text = str(parameter.annotation)
    if any(word in text for word in OTHERS):
        return ""
    if "ArrayLike" in text or "Sequence" in text or "Label" in text:
        return "array"
    return "number" if "int" in text or "float" in text else ""


def _exchanged(given, a, b):
    """Both, unless one is left out where it may be."""
    return {**given, a: given[b], b: given[a]} if a in given and b in given else given


def _within(parameter, documentation):
    """Pairs are turned; arrays get two axes exchanged, those that need not be square always."""
    text = str(parameter.annotation)
    if re.search(r"Pair|tuple\[(int, int|float, float)\]", text) and "Callable" not in text:
        yield "both entries", lambda pair: pair[::-1] if isinstance(pair, (tuple, list)) and len(pair) == 2 else pair
    shape = re.search(rf"^    {parameter.name} : \(([^)]*)\) array_like", documentation, re.MULTILINE)
    size = len([part for part in shape[1].split(",") if part.strip()]) if shape else 0
    for title, a, b in AXES.get(size, ()):
        any_shape = title in ("height and width", "taps' axes")
        yield title, lambda value, a=a, b=b, any_shape=any_shape: (
            np.swapaxes(value, a, b)
            if np.ndim(value) == size and (any_shape or np.shape(value)[a] == np.shape(value)[b]) else value)


def _rearranged(function, change):
    signature = inspect.signature(function)

    @functools.wraps(function)
    def swapped(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        given = change(dict(bound.arguments))
        positional = [given[name] for name, p in signature.parameters.items() if p.kind is p.POSITIONAL_ONLY]
        return function(*positional, **{name: value for name, value in given.items() if name in signature.parameters})

    return swapped
