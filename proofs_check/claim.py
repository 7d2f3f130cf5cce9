"""What a claim is: one statement of a source, its domain, its two sides and what is known of it."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from flint import acb, arb

Case = dict[str, Any]
Relation = Literal["<=", ">=", "=="]


class Verdict(enum.Enum):
    """What is known of a claim."""

    PROVED = "proved"
    SURVIVED = "survived"
    REFUTED = "refuted"
    OPEN = "open"


class Kind(enum.Enum):
    """What is wrong with a refuted statement."""

    FALSE = "false"              # in the most favourable sensible reading, with every hypothesis that is supplied
    AMBIGUOUS = "ambiguous"      # false in one reading that the text allows, true in another: `amended_by` is that one
    MISPRINT = "misprint"        # the source has it right elsewhere: `right_at`
    UNSUPPORTED = "unsupported"  # a step of the printed proof; `amended_by` is the statement, undecided or true


SOURCES = {
    "than": "Than, The Hidden Power of Normalization Layers in Neural Networks (arXiv 2511.00958)",
    "thesis": "Delattre, On the Stability of Neural Networks in Deep Learning (thesis, PSL, 2025, tel-05398597)",
    "explosion": "On Lipschitz Explosion in Deep Neural Networks with Normalization (HiLD at ICML 2026, abstract)",
    "lipref": "lipref itself: what the reference functions promise in floating point",
}


@dataclass(frozen=True)
class Source:
    """Where a statement stands: the short name of the document and the place in it."""

    name: str
    locator: str

    @property
    def title(self) -> str:
        """The document's title."""
        return SOURCES[self.name]


def _written(side: Any) -> str:
    array = np.asarray(side)
    return str(array.tolist() if array.dtype != object else [str(entry) for entry in array.ravel()])


def _entries(side: Any) -> list[Any]:
    return list(np.asarray(side, dtype=object).ravel())


def _middle(value: Any) -> complex:
    """The nearest float (or complex) of a number of any kind; infinite where it overflows."""
    if isinstance(value, acb):
        return complex(float(value.real.mid()), float(value.imag.mid()))
    return float(value.mid()) if isinstance(value, arb) else complex(value)


def as_ball(value: Any) -> arb | acb:
    """A number of any kind as a ball; floats are exact."""
    if isinstance(value, (arb, acb)):
        return value
    if isinstance(value, (complex, np.complexfloating)):
        return acb(float(value.real), float(value.imag))
    return arb(int(value)) if isinstance(value, (int, np.integer)) else arb(float(value))


@dataclass(frozen=True)
class Comparison:
    """Two sides and the relation claimed between them, entry by entry where they are arrays.

    The sides are floats, arrays of floats, or (object arrays of) balls of python-flint. Rounding in
    the sides is relative to their own size, or to `scale` where they come from larger numbers.
    """

    lhs: Any
    relation: Relation
    rhs: Any
    scale: Any = 0.0

    def __post_init__(self) -> None:
        if not self.pairs():
            raise ValueError("lhs and rhs must have an entry to compare, got none")

    def __str__(self) -> str:
        """Both sides and how far apart they are; a negative slack is a relation that fails."""
        return f"{_written(self.lhs)} {self.relation} {_written(self.rhs)}, slack {self.slack():.6g}"

    def pairs(self) -> list[tuple[Any, Any]]:
        """The entries to compare, smaller side first."""
        left, right = np.broadcast_arrays(
            np.asarray(self.lhs, dtype=object), np.asarray(self.rhs, dtype=object)
        )
        pairs = list(zip(_entries(left), _entries(right), strict=True))
        return [(b, a) for a, b in pairs] if self.relation == ">=" else pairs

    def middles(self) -> list[tuple[complex, complex]]:
        """The pairs as floats."""
        return [(_middle(a), _middle(b)) for a, b in self.pairs()]

    def slack(self) -> float:
        """How far the relation is from failing, relative to the sides; negative where it fails.

        For an inequality the least ``(larger - smaller) / max``; for an equality minus the
        largest difference over the largest entry.
        """
        values = self.middles()
        if any(math.isnan(abs(a)) or math.isnan(abs(b)) for a, b in values):
            return math.nan
        if self.relation == "==":
            if all(a == b for a, b in values):
                return 0.0
            scale = max(max(abs(a), abs(b)) for a, b in values)
            return 0.0 - max(abs(a - b) for a, b in values) / scale if scale > 0 else 0.0
        slacks = [_relative(a.real, b.real) for a, b in values]
        return min(slacks)

    def holds(self) -> bool | None:
        """Certainly true, certainly false, or None: undecided at this precision (exact sides only)."""
        answers = [self._pair_holds(as_ball(a), as_ball(b)) for a, b in self.pairs()]
        if any(answer is False for answer in answers):
            return False
        return None if any(answer is None for answer in answers) else True

    def _pair_holds(self, a: arb | acb, b: arb | acb) -> bool | None:
        if self.relation == "==":
            a, b = acb(a), acb(b)
            if not a.overlaps(b):
                return False
            return True if a.is_exact() and b.is_exact() and a == b else None
        a, b = _real(a), _real(b)
        if a <= b:
            return True
        return False if a > b else None

    @property
    def exact(self) -> bool:
        """Whether a side is made of balls, so that `holds` decides rigorously."""
        return any(isinstance(v, (arb, acb)) for v in (*_entries(self.lhs), *_entries(self.rhs)))


def _relative(smaller: float, larger: float) -> float:
    if smaller == larger:
        return 0.0
    if math.isinf(smaller) or math.isinf(larger):
        return math.inf if larger > smaller else -math.inf
    return (larger - smaller) / max(abs(smaller), abs(larger))


def _real(ball: arb | acb) -> arb:
    return ball.real if isinstance(ball, acb) else ball


Compare = Callable[..., Comparison]


@dataclass(frozen=True)
class Mutant:
    """The statement made slightly false: another way to compute the comparison."""

    mutate: Callable[[Compare], Compare]

    def of(self, compare: Compare) -> Compare:
        """The mutated comparison of a claim."""
        return self.mutate(compare)


def scale_right(factor: float) -> Mutant:
    """The right side times a factor, which floats hold closely enough (1.01, 0.5)."""

    def mutate(compare: Compare) -> Compare:
        def mutated(impl: Any, **case: Any) -> Comparison:
            comparison = compare(impl, **case)
            return replace(comparison, rhs=np.asarray(comparison.rhs, dtype=object) * factor)

        return mutated

    return Mutant(mutate)


def tighten(by: float) -> Mutant:
    """An upper bound on the right side made smaller by this share, with `relation` ``<=``."""
    return scale_right(1 - by)


def instead(compare: Compare) -> Mutant:
    """Another comparison in the place of the claim's."""
    return Mutant(lambda _: compare)


@dataclass(frozen=True)
class Step:
    """One step of a derivation: what it says, and the sympy statement that has to be true."""

    says: str
    true: Any


Derivation = Callable[[Any], Iterable[Step]]


@dataclass(frozen=True)
class Claim:
    """One statement of a source, with all that is needed to test it. Made by `claim`."""

    id: str
    source: Source
    tex: str
    compare: Compare
    given: Any
    verdict: Verdict
    note: str = ""
    where: Callable[..., bool] | None = None
    strata: Mapping[str, Callable[..., bool]] = field(default_factory=dict)
    mutants: Mapping[str, Mutant] = field(default_factory=dict)
    witnesses: Sequence[Case] = ()
    counterexample: Case | None = None
    control: Case | None = None
    amended_by: str | None = None
    kind: Kind | None = None
    reading: str = ""
    right_at: str = ""
    exhaustive: Callable[[], Iterable[Case]] | None = None
    derivation: Derivation | None = None
    adversarial: Sequence[str] = ()
    weights: Callable[[Any], Case] | None = None
    kernels: Callable[[Any], Case | None] | None = None
    promise: bool = False
    rounding: Callable[..., float] | None = None

    @property
    def finding(self) -> str:
        """The verdict, and of a refuted statement what is wrong with it."""
        return self.verdict.value if self.kind is None else f"{self.verdict.value}, {self.kind.value}"

    @property
    def statement(self) -> str:
        """The statement in words: the docstring of the comparison."""
        return " ".join((self.compare.__doc__ or "").split())

    def admits(self, case: Case) -> bool:
        """Whether the case meets the hypotheses."""
        return self.where is None or bool(self.where(**case))


_ID = re.compile(r"(than|thesis|explosion|lipref)\.[A-Za-z0-9.-]+")


def claim(id: str, *, at: str, tex: str, given: Any, verdict: Verdict, **rest: Any) -> Callable[[Compare], Claim]:
    r"""Make a `Claim` out of the function ``(impl, **case) -> Comparison`` that is decorated.

    Parameters
    ----------
    id : str
        ``<source>.<number in the source>``, with a suffix after a dot for a part or an amended form.
    at : str
        Where the statement stands in the source.
    tex : str
        The statement as a formula.
    given : mapping of str to strategy, or a strategy of dictionaries
        The domain: how to draw the keyword arguments.
    verdict : Verdict
        What is known; a run has to reproduce it.
    **rest
        ``where`` (a joint hypothesis on the arguments), ``strata`` (named predicates; every mutant has
        to die in each), ``mutants``, ``witnesses`` (instances where the sides meet),
        ``counterexample``, ``control`` (an instance where a refuted statement does hold),
        ``amended_by``, ``kind`` (of a refuted statement), ``reading`` (the hypotheses in force and the reading
        chosen; every refuted claim has one, others where the text allows several), ``right_at`` (where the source has
        a misprint right), ``exhaustive``, ``derivation``, ``adversarial`` (names of the arguments that an
        optimiser moves), ``weights`` and ``kernels`` (the case made of a weight matrix, or of a
        convolution kernel, of a real network; None where there is none),
        ``promise`` (the statement is about floating-point results), ``rounding`` (how many units of
        roundoff a float side may be off, from an error bound), ``note``.
    """
    if not _ID.fullmatch(id):
        raise ValueError(f"id must be a source ({', '.join(SOURCES)}), a dot and a number, got {id!r}")

    def make(compare: Compare) -> Claim:
        if not compare.__doc__:
            raise ValueError(f"claim {id}: the comparison must state the claim in its docstring")
        made = Claim(
            id=id, source=Source(id.split(".")[0], at), tex=tex, compare=compare, given=given,
            verdict=verdict, **rest,
        )
        _check_complete(made)
        return made

    return make


def _check_complete(made: Claim) -> None:
    """A claim that could not fail, or that nothing supports, is an error and never a warning."""
    problems = []
    if made.verdict is Verdict.REFUTED:
        if made.counterexample is None or made.control is None or made.amended_by is None:
            problems.append("a refuted claim needs counterexample, control and amended_by")
        if made.kind is None or not made.reading:
            problems.append("a refuted claim needs its kind and the reading in which it fails")
        if (made.kind is Kind.MISPRINT) != bool(made.right_at):
            problems.append("right_at is for a misprint, and says where the source has it right")
    elif made.kind is not None or made.right_at:
        problems.append("kind and right_at are for refuted claims")
    if made.verdict not in (Verdict.OPEN, Verdict.REFUTED) and not (made.mutants and made.strata):
        problems.append("a claim that holds needs mutants and strata")
    if made.verdict is Verdict.PROVED and not (made.derivation or made.exhaustive):
        problems.append("a proved claim needs a derivation or an exhaustive enumeration")
    if problems:
        raise ValueError(f"claim {made.id}: " + "; ".join(problems))

