"""What is planted: functions of refimpl's with one thing wrong, by the names they are offered as."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bug:
    """An error that people make.

    `promises` is what the broken function says of its result; `tight` asks that bounds be those of the definition.
    Vectors and claims have to find it, each alone; `only` names the one that can where the other cannot, and `why`.
    Of many claims `claim` is the one that is asked first, for the tests' time.
    """

    function: str
    broken: object
    promises: object = None
    tight: bool = False
    only: str = ""
    why: str = ""
    claim: str = ""

    def __post_init__(self):
        assert (self.only in ("vectors", "claims") and self.why) or not (self.only or self.why)


BUGS = {}


def bug(function, **about):
    """Plant a bug in this function, ``topic.name``: what it computes instead is the decorated function."""
    def plant(wrong):
        assert wrong.__name__ not in BUGS
        BUGS[wrong.__name__] = Bug(function, wrong, **about)
        return wrong

    return plant


def quiet(function):
    """Without warnings of NumPy."""
    def silent(*args, **kwargs):
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    silent.__name__ = function.__name__
    return silent
