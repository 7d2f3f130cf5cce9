"""Does the checker catch wrong implementations, and tell them from wrong statements."""


import math
import sys
import types

import numpy as np
import pytest
from tiny_claims import (
    CLAIMS,
    NUMBERS,
    QUICK,
    made,
    norm_is_modulus,
    run,
)

from proofs_check.claim import (
    Comparison,
)
from proofs_check.evidence._decide import decide
from proofs_check.implementation import Implementation, NotOffered
from proofs_check.run import run_claim

# -- implementations ------------------------------------------------------------------------------


def test_a_function_that_is_not_there_is_not_offered(module):
    result = run(norm_is_modulus, given=NUMBERS, implementation=module())
    assert result.outcome == "not offered"
    assert result.detail.endswith("does not offer spectral.spectral_norm")
    assert result.used == ["spectral.spectral_norm"]
    assert not result.good


def test_an_implementation_that_raises_is_an_error(module):
    def raising(W):
        raise TypeError("not this way")

    result = run(norm_is_modulus, given=NUMBERS, implementation=module(spectral_norm=raising))
    assert result.outcome == "errored"
    assert "TypeError: not this way" in result.detail


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, -1.0])
def test_an_implementation_that_returns_nonsense_is_caught(module, value):
    result = run(norm_is_modulus, given=NUMBERS, implementation=module(spectral_norm=lambda W: value))
    assert (result.outcome, result.violation) == ("not reproduced", "{'x': 1}")


def test_an_implementation_that_is_right_passes_offered_flat_or_by_topic(module, monkeypatch):
    right = {"spectral_norm": lambda W: float(abs(W[0, 0]))}
    assert run(norm_is_modulus, given=NUMBERS, implementation=module(**right)).good
    topic = types.ModuleType("spectral")
    vars(topic).update(right)
    assert run(norm_is_modulus, given=NUMBERS, implementation=module(spectral=topic)).good


def test_an_error_beyond_rounding_is_caught_where_the_inequality_still_holds(module):
    # Four times the norm is above the norm: the bound is true, the value is not what it should be.
    def bound(impl, x):
        return Comparison(abs(x), "<=", impl.spectral.spectral_norm(np.array([[x]])))

    def off_by(error):
        return Implementation(module(spectral_norm=lambda W: float(abs(W[0, 0])) * (1 + error)))

    tested, case = made(bound, given=NUMBERS), {"x": 3.0}
    caught = decide(tested, off_by(1e-9), case, rigorous=True)
    assert caught.holds and caught.rigorous and caught.accurate is False
    assert caught.detail.startswith("rhs: the implementation gives 3.000000003")
    assert decide(tested, off_by(2.0**-51), case, rigorous=True).accurate is True
    far = decide(tested, off_by(3), case)
    assert far.holds and not far.rigorous and far.accurate is None

    result = run(bound, given=NUMBERS, implementation=off_by(1e-9).name)
    assert result.outcome == "not reproduced"
    assert result.detail.startswith("the implementation is wrong")
    assert result.violation == "{'x': 1}"
    assert run(bound, given=NUMBERS, implementation=off_by(3).name).outcome == "not reproduced"


def test_a_declared_rounding_bound_is_what_is_allowed(module):
    name = module(spectral_norm=lambda W: float(abs(W[0, 0])) * (1 + 1e-9))
    loose = made(norm_is_modulus, given=NUMBERS, rounding=lambda x: 2.0**30)
    tight = made(norm_is_modulus, given=NUMBERS, rounding=lambda x: 2.0)
    assert decide(loose, Implementation(name), {"x": 3.0}).accurate is True
    assert decide(tight, Implementation(name), {"x": 3.0}).accurate is False


def test_only_known_topics_and_public_names_are_asked_for():
    impl = Implementation("refimpl")
    with pytest.raises(AttributeError, match="an implementation has the topics spectral"):
        impl.nonsense  # noqa: B018
    with pytest.raises(NotOffered, match=r"refimpl does not offer spectral\.nonsense"):
        impl.spectral.nonsense  # noqa: B018
    assert impl.exact.spectral.spectral_norm(np.ones((1, 1))) == 1


WRONG_GRAM = """
import numpy as np
from refimpl.spectral import *

def gram_iteration(W, n_iter, norm="fro"):
    W, r, h = np.asarray(W), 0.0, 2.0**-n_iter
    for _ in range(n_iter):
        size = np.linalg.norm(W)
        if size == 0:
            return 0.0
        r = 2 * (r + np.log(size))
        W = W / size
        W = W.conj().T @ W
    return gram_iteration_naive(W, 0, norm) ** h * np.exp({sign} h * r)
"""
WRONG_JACOBIAN = """
import numpy as np
from refimpl.normalization import *

def layer_norm_jacobian(x, *, epsilon):
    n = len(x)
    y = x - x.mean()
    r = np.sqrt((y * y).mean() + epsilon)
    return (np.eye(n) {sign} np.outer(y, y) / (n * r * r)) @ (np.eye(n) - 1 / n) / r
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An implementation in files: refimpl's names, one of them computed anew with this sign."""

    def package(topic, text, sign):
        name = f"package_{topic}"
        for each in ("spectral", "normalization", "network"):
            file = tmp_path / name / each / "__init__.py"
            file.parent.mkdir(parents=True)
            same = f"from refimpl.{each} import *\n"
            file.write_text(text.replace("{sign}", sign) if each == topic else same)
        (tmp_path / name / "__init__.py").touch()
        monkeypatch.syspath_prepend(tmp_path)
        return name

    yield package
    for name in [name for name in sys.modules if name.startswith("package_")]:
        del sys.modules[name]


@pytest.mark.parametrize("id", ["thesis.alg-4", "thesis.thm-3.2.4-2.submultiplicative"])
def test_a_wrong_sign_in_gram_iteration_is_caught(package, id):
    result = run_claim(CLAIMS[id], package("spectral", WRONG_GRAM, "-"), QUICK, 0)
    assert result.outcome == "not reproduced"
    # One step, and the least matrices whose Frobenius norm is not 1: [[1]] has logarithm 0.
    assert result.violation in [f"{{'W': {W}, 'n_iter': 1, 'norm': 'fro'}}" for W in ("[[2]]", "[[1, 0], [0, 1]]")]
    assert result.detail.startswith("the implementation is wrong (random evidence)")
    assert "the implementation gives" in result.detail and "exact is" in result.detail


def test_a_wrong_sign_in_the_jacobian_of_layer_norm_is_caught(package):
    # Constant inputs have y = 0; of the others the least has two entries.
    result = run_claim(CLAIMS["than.lemma-23"], package("normalization", WRONG_JACOBIAN, "+"), QUICK, 0)
    assert (result.outcome, result.violation) == ("not reproduced", "{'x': [0, 1], 'epsilon': 1}")
    assert result.detail.startswith("the implementation is wrong (random evidence)")


@pytest.mark.parametrize(("topic", "text", "sign", "id"), [
    ("spectral", WRONG_GRAM, "+", "thesis.alg-4"),
    ("spectral", WRONG_GRAM, "+", "thesis.thm-3.2.4-2.submultiplicative"),
    ("normalization", WRONG_JACOBIAN, "-", "than.lemma-23"),
])
def test_the_same_code_with_the_right_sign_passes(package, topic, text, sign, id):
    result = run_claim(CLAIMS[id], package(topic, text, sign), QUICK, 0)
    assert result.good, result
