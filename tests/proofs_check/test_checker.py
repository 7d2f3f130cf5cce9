"""Does the checker catch what it must catch: wrong statements, weak statements, wrong implementations."""

import math
import sys
import types

import numpy as np
import pytest
import sympy
from flint import acb, arb
from hypothesis import strategies as st

from proofs_check import claims as registry
from proofs_check.claim import (
    Comparison,
    Mutant,
    Step,
    Verdict,
    above,
    as_ball,
    claim,
    instead,
    scale_right,
    tighten,
)
from proofs_check.claims import load
from proofs_check.evidence import adversarial, exhaustive, symbolic
from proofs_check.evidence._decide import decide
from proofs_check.implementation import Implementation, NotOffered
from proofs_check.run import PROFILES, Result, run_claim
from proofs_check.strategies import dyadics, matrices, vectors

QUICK, DEFAULT = PROFILES["quick"], PROFILES["default"]
CLAIMS = load()
STRATA = {"all": lambda **case: True}
HALF = {"half": scale_right(0.5)}


def made(compare, id="lipref.tiny", **how):
    """A claim in the fewest words."""
    compare.__doc__ = compare.__doc__ or "A statement."
    parts = {"given": {"W": matrices(3)}, "verdict": Verdict.SURVIVED, **how}
    if parts["verdict"] is not Verdict.REFUTED:
        parts = {"strata": STRATA, "mutants": HALF, **parts}
    return claim(id, at="here", tex="", **parts)(compare)


def run(compare, *, implementation="refimpl", profile=QUICK, seed=0, **how):
    return run_claim(made(compare, **how), implementation, profile, seed)


def spectral_at_most_frobenius(impl, W):
    return Comparison(impl.spectral.spectral_norm(W), "<=", impl.spectral.gram_iteration(W, 0))


def frobenius_at_most_spectral(impl, W):
    return Comparison(impl.spectral.gram_iteration(W, 0), "<=", impl.spectral.spectral_norm(W))


def norm_is_modulus(impl, x):
    return Comparison(impl.spectral.spectral_norm(np.array([[x]])), "==", abs(x))


NUMBERS = {"x": dyadics().filter(bool)}
ONE = {"W": st.just(np.ones((1, 1)))}


@pytest.fixture
def module(monkeypatch):
    """An implementation made of functions, offered flat."""

    def module(**functions):
        offered = types.ModuleType("offered_by_a_test")
        vars(offered).update(functions)
        monkeypatch.setitem(sys.modules, offered.__name__, offered)
        return offered.__name__

    return module


# -- statements -----------------------------------------------------------------------------------


def test_a_true_statement_is_reproduced_and_its_mutant_dies():
    result = run(spectral_at_most_frobenius)
    assert (result.outcome, result.good, result.violation) == ("reproduced", True, None)
    assert result.used == ["spectral.gram_iteration", "spectral.spectral_norm"]
    assert result.mutants["half"]["all"] is not None
    assert result.slack is not None and result.slack >= 0


@pytest.mark.parametrize("seed", range(3))
def test_a_false_statement_shrinks_to_the_smallest_instance_of_the_domain(seed):
    # The norms differ from rank 2 on, so 2 x 2 is the least size. A diagonal takes fewer choices than
    # four free entries, and 2 is the first value of its strategy.
    result = run(frobenius_at_most_spectral, seed=seed)
    assert (result.outcome, result.good) == ("not reproduced", False)
    assert result.violation == "{'W': [[2, 0], [0, 2]]}"
    assert result.evidence["random"] == "violated"
    assert result.detail.startswith("the statement fails (random evidence)")
    assert result.slack == pytest.approx(1 / math.sqrt(2) - 1)


def test_a_false_statement_about_numbers_shrinks_to_a_number():
    def at_most_one(impl, x):
        return Comparison(impl.spectral.spectral_norm(np.array([[x]])), "<=", 1.0)

    assert run(at_most_one, given={"x": dyadics()}).violation == "{'x': 2}"


def test_a_statement_too_weak_to_fail_lets_its_mutant_survive():
    def weak(impl, W):
        return Comparison(impl.spectral.spectral_norm(W), "<=", 10 * impl.spectral.gram_iteration(W, 0) + 1)

    result = run(weak)
    assert result.outcome == "reproduced"
    assert result.surviving_mutants == ["half"]
    assert not result.good
    assert result.mutants == {"half": {"all": None}}


def test_a_mutant_that_survives_in_one_stratum_survives():
    result = run(
        spectral_at_most_frobenius,
        strata={"rank one": lambda W: np.linalg.matrix_rank(W) == 1, "zero": lambda W: not W.any()},
        mutants={"nine-tenths": tighten(0.1)}, given={"W": matrices(2)},
    )
    assert result.mutants["nine-tenths"]["zero"] is None
    assert result.mutants["nine-tenths"]["rank one"] is not None
    assert result.surviving_mutants == ["nine-tenths"]


def test_a_mutant_that_equals_the_statement_survives():
    same = {"same": Mutant(lambda compare: compare)}
    assert run(spectral_at_most_frobenius, mutants=same).surviving_mutants == ["same"]


def test_another_comparison_as_a_mutant_dies_where_it_is_false():
    assert run(spectral_at_most_frobenius, mutants={"other": instead(frobenius_at_most_spectral)}).good


def test_a_stratum_without_instances_is_vacuous():
    result = run(spectral_at_most_frobenius, given=ONE, strata={"nine rows": lambda W: len(W) == 9})
    assert (result.outcome, result.good) == ("vacuous", False)
    assert "'nine rows'" in result.detail


@pytest.mark.parametrize("how", [
    {"given": ONE, "where": lambda W: False},
    {"given": {"W": ONE["W"].filter(lambda W: False)}},
])
def test_hypotheses_that_nothing_meets_are_vacuous(how):
    result = run(spectral_at_most_frobenius, **how)
    assert (result.outcome, result.detail) == ("vacuous", "no instance met the hypotheses")


def test_hypotheses_restrict_what_is_tested():
    result = run(frobenius_at_most_spectral, where=lambda W: np.linalg.matrix_rank(W) <= 1)
    assert result.good, result


def test_a_false_witness_is_caught():
    result = run(
        frobenius_at_most_spectral, given=ONE, witnesses=[{"W": np.eye(2)}]
    )
    assert result.outcome == "not reproduced"
    assert result.violation == "{'W': [[1, 0], [0, 1]]}"


def test_an_enumeration_finds_what_the_random_search_cannot():
    def enumerated():
        return ({"W": np.diag([1.0, b])} for b in (0.0, 1.0, 2.0))

    result = run(
        frobenius_at_most_spectral, given=ONE, exhaustive=enumerated
    )
    assert result.outcome == "not reproduced"
    assert result.evidence["exhaustive"] == "violated"
    assert result.violation == "{'W': [[1, 0], [0, 1]]}"
    count, _, (case, _) = exhaustive.enumerate_all(
        made(frobenius_at_most_spectral, exhaustive=enumerated), Implementation("refimpl")
    )
    assert count == 2 and case["W"].tolist() == [[1, 0], [0, 1]]


def test_an_optimiser_finds_what_the_random_search_cannot():
    def at_most_its_start(impl, x):
        return Comparison(impl.spectral.spectral_norm(np.array([[x]])), "<=", 2.01)

    start = {"x": st.just(2.0)}
    assert run(at_most_its_start, given=start).outcome == "reproduced"
    result = run(at_most_its_start, given=start, adversarial=["x"])
    assert result.outcome == "not reproduced"
    assert result.evidence["adversarial"] == "violated"


def test_an_optimiser_stays_within_the_hypotheses():
    tested = made(frobenius_at_most_spectral, adversarial=["W"], where=lambda W: bool(np.all(W > 0)))
    start = {"W": np.ones((2, 2))}
    case, spent = adversarial.attack(tested, Implementation("refimpl"), start, evaluations=50)
    assert np.all(case["W"] > 0)
    assert 0 < spent <= 50


def test_a_weight_matrix_of_a_real_network_is_tested():
    how = {"given": ONE, "weights": lambda W: {"W": W}}
    tested = made(frobenius_at_most_spectral, **how)
    result = run_claim(tested, "refimpl", QUICK, 0, {"first": np.eye(2)})
    assert result.outcome == "not reproduced"
    assert result.evidence["real layers"] == "violated"


def test_a_failure_too_small_for_floats_is_decided_in_balls():
    # One plus 2^-60 is 1 in floats, so the two float sides are equal.
    def equal(impl, x):
        return Comparison(impl.spectral.spectral_norm(np.array([[x]])), ">=", x + x * 2.0**-60)

    result = run(equal, given={"x": st.just(1.0)})
    assert (result.outcome, result.slack) == ("not reproduced", pytest.approx(-(2.0**-60)))


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
    # One step, and the least matrix whose Frobenius norm is not 1: [[1]] has logarithm 0.
    assert result.violation == "{'W': [[2]], 'n_iter': 1, 'norm': 'fro'}"
    assert result.detail.startswith("the implementation is wrong (random evidence)")
    assert "0.5" in result.detail  # where 2 is right


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


# -- refuted claims -------------------------------------------------------------------------------

REFUTED = {
    "verdict": Verdict.REFUTED, "amended_by": "lipref.tiny.amended",
    "counterexample": {"W": np.eye(2)}, "control": {"W": np.array([[1.0, 0.0]])},
}


def test_a_refuted_claim_is_reproduced():
    result = run(frobenius_at_most_spectral, **REFUTED)
    assert result.good, result
    assert result.violation == "{'W': [[2, 0], [0, 2]]}"
    assert result.evidence["rigorous"] == "counterexample confirmed in balls"


def test_a_refuted_claim_that_holds_is_not_reproduced():
    result = run(spectral_at_most_frobenius, **REFUTED, given={"W": matrices(1)})
    assert result.outcome == "not reproduced"
    assert "the stored counterexample does not violate the statement" in result.detail
    assert "no violation found by random search" in result.detail


def test_a_refuted_claim_whose_control_fails_too_is_not_reproduced():
    result = run(frobenius_at_most_spectral, **{**REFUTED, "control": {"W": np.diag([1.0, 3.0])}})
    assert result.outcome == "not reproduced"
    assert result.detail == "the control violates the statement too: the check refutes everything"


def test_a_counterexample_outside_the_hypotheses_is_not_one():
    result = run(frobenius_at_most_spectral, **REFUTED, where=lambda W: not np.array_equal(W, np.eye(2)))
    assert result.detail == "the stored counterexample does not meet the hypotheses"


def test_a_refuted_claim_whose_domain_has_no_violation_is_not_reproduced():
    result = run(frobenius_at_most_spectral, **REFUTED, given=ONE)
    assert result.detail == "no violation found by random search"


def test_a_refuted_claim_whose_enumeration_holds_is_not_reproduced():
    result = run(frobenius_at_most_spectral, **REFUTED, exhaustive=lambda: [{"W": np.ones((1, 2))}])
    assert result.detail == "no violation in the exhaustive enumeration"


def test_an_inaccurate_implementation_does_not_refute(module):
    # The Frobenius norm as it is, the spectral norm a little too small: the statement would fail by error.
    name = module(
        spectral_norm=lambda W: np.linalg.norm(W, 2) * (1 - 1e-9),
        gram_iteration=lambda W, n_iter: np.linalg.norm(W),
    )
    result = run(frobenius_at_most_spectral, **REFUTED, implementation=name)
    assert result.outcome == "not reproduced"
    assert "the implementation gives" in result.detail


@pytest.mark.parametrize(("id", "violation"), [
    # A diagonal of two features: with one the l2 norm of 1/sigma is its entry. 3 and 1 come first.
    ("than.lemma-1", "{'variance': [3, 3], 'epsilon': 1}"),
    # Two features are the fewest, zeros the simplest, and the Jacobian at a constant vector has norm 1.
    ("than.lemma-2.summary-factor", "{'x': [0, 0], 'epsilon': 1}"),
    # At t = 1 (no step); rank one has one singular value, whose norms of all indices agree.
    ("thesis.sec-3.2-schatten", "{'W': [[2, 0], [0, 2]], 'n_iter': 0}"),
    # One entry, no step: the smallest matrix that is not zero.
    ("thesis.prop-3.2.5-zero", "{'H': [[1]], 'n_iter': 0}"),
    # A row (1, 1): its Gram matrix is four ones, with largest entry 1 < 2. The zero row above it is
    # left because the shrinker drops entries from the end, and without the last row nothing is left.
    ("thesis.thm-3.2.4-2", "{'W': [[0, 0], [1, 1]], 'n_iter': 1, 'norm': 'max'}"),
])
def test_a_known_false_claim_shrinks_to_its_literal_minimum(id, violation):
    result = run_claim(CLAIMS[id], "refimpl", DEFAULT, 0)
    assert result.good, result
    assert result.violation == violation
    assert CLAIMS[result.id].verdict is Verdict.REFUTED


# -- derivations ----------------------------------------------------------------------------------


def difference_of_squares(factor):
    a, b = sympy.symbols("a b")
    yield Step("difference of two squares", sympy.expand(factor * (a + b) * (a - b) - (a**2 - b**2)))


def test_a_derivation_is_checked_and_notices_a_wrong_constant():
    result = run(norm_is_modulus, given=NUMBERS, derivation=difference_of_squares, verdict=Verdict.PROVED)
    assert result.good, result
    assert result.evidence["symbolic"] == "1 steps"
    assert result.mutants["derivation x 99/100"] == {"symbolic": "difference of two squares"}


@pytest.mark.parametrize("false", [
    False, sympy.false, sympy.Integer(1), sympy.Symbol("x"), sympy.Matrix([0, 1]), sympy.Symbol("x") < 0,
])
def test_a_false_step_is_not_reproduced(false):
    def derivation(factor):
        yield from difference_of_squares(sympy.Integer(1))
        yield Step("so it follows", false)

    result = run(norm_is_modulus, given=NUMBERS, derivation=derivation)
    assert result.outcome == "not reproduced"
    assert result.detail == "this step of the derivation is not true: so it follows"


@pytest.mark.parametrize("true", [
    True, sympy.true, 0, sympy.zeros(2, 2), sympy.sin(1) ** 2 + sympy.cos(1) ** 2 - 1,
])
def test_a_true_step_is_accepted(true):
    tested = made(norm_is_modulus, given=NUMBERS, derivation=lambda factor: [Step("so", true)])
    assert symbolic.derive(tested) == (1, None)


def test_a_derivation_that_ignores_the_constant_survives_its_mutant():
    result = run(
        norm_is_modulus, given=NUMBERS, derivation=lambda factor: difference_of_squares(sympy.Integer(1)),
        verdict=Verdict.PROVED,
    )
    assert result.surviving_mutants == ["derivation x 99/100"]
    assert result.outcome == "reproduced" and not result.good


# -- claims that could not fail are errors ----------------------------------------------------------


@pytest.mark.parametrize(("how", "message"), [
    ({"verdict": Verdict.PROVED}, "a proved claim needs a derivation or an exhaustive enumeration"),
    ({"mutants": {}}, "needs mutants and strata"),
    ({"strata": {}}, "needs mutants and strata"),
    ({**REFUTED, "counterexample": None}, "a refuted claim needs counterexample"),
    ({**REFUTED, "control": None}, "a refuted claim needs counterexample, control"),
    ({**REFUTED, "amended_by": None}, "a refuted claim needs counterexample, control and amended_by"),
])
def test_an_incomplete_claim_is_an_error(how, message):
    with pytest.raises(ValueError, match=rf"^claim lipref\.tiny: .*{message}"):
        made(spectral_at_most_frobenius, **how)


@pytest.mark.parametrize("id", [
    "", "than", "than.", "nobody.1", "than.lemma 1", "than.lemma_1", "Than.1", " than.1",
])
def test_a_malformed_id_is_an_error(id):
    with pytest.raises(ValueError, match=r"^id must be a source"):
        made(spectral_at_most_frobenius, id=id)


def test_a_claim_without_words_is_an_error():
    decorate = claim("lipref.tiny", at="", tex="", given=NUMBERS, verdict=Verdict.OPEN)
    with pytest.raises(ValueError, match="must state the claim in its docstring"):
        decorate(lambda impl, x: Comparison(x, "<=", x))


@pytest.fixture
def found(monkeypatch):
    """Let the registry find these claims, each in a module of its own."""

    def found(*each):
        modules = {}
        for i, one in enumerate(each):
            modules[f"found_{i}"] = module = types.ModuleType(f"found_{i}")
            module.one = one
            monkeypatch.setitem(sys.modules, module.__name__, module)
        walked = [types.SimpleNamespace(name=name) for name in modules]
        monkeypatch.setattr(registry.pkgutil, "walk_packages", lambda *_: walked)

    return found


def test_the_registry_finds_claims_by_walking(found):
    first = made(spectral_at_most_frobenius, id="lipref.b")
    second = made(spectral_at_most_frobenius, id="lipref.a")
    found(first, second, first)
    assert load() == {"lipref.a": second, "lipref.b": first}
    assert list(load()) == ["lipref.a", "lipref.b"]


def test_an_id_that_is_defined_twice_is_an_error(found):
    found(made(spectral_at_most_frobenius), made(norm_is_modulus, given=NUMBERS))
    with pytest.raises(ValueError, match=r"claim id 'lipref\.tiny' is defined twice, again in found_1"):
        load()


def test_an_amendment_that_is_missing_is_an_error(found):
    found(made(frobenius_at_most_spectral, **REFUTED))
    with pytest.raises(ValueError, match=r"amended_by 'lipref\.tiny\.amended' is not a claim"):
        load()


# -- seeds ----------------------------------------------------------------------------------------


def outcome(result):
    return {key: value for key, value in result.as_dict().items() if key != "seconds"}


@pytest.mark.parametrize("id", ["thesis.alg-4", "than.lemma-2", "thesis.thm-3.2.4-2"])
def test_the_same_seed_gives_the_same_result(id):
    first, second = (run_claim(CLAIMS[id], "refimpl", QUICK, seed=3) for _ in range(2))
    assert outcome(first) == outcome(second)


def drawn(id, seed):
    """What the random search draws for a claim about three numbers."""
    seen = []

    def statement(impl, x):
        seen.append(tuple(x))
        return Comparison(0.0, "<=", 1.0)

    run(statement, id=id, seed=seed, given={"x": vectors(3)})
    return seen[:25]


def test_every_claim_and_every_seed_has_its_own_instances():
    assert drawn("lipref.a", 0) == drawn("lipref.a", 0)
    assert drawn("lipref.a", 0) != drawn("lipref.b", 0)
    assert drawn("lipref.a", 0) != drawn("lipref.a", 1)


def test_a_larger_profile_searches_longer():
    few, many = run(spectral_at_most_frobenius), run(spectral_at_most_frobenius, profile=DEFAULT)
    assert few.instances <= QUICK.examples < many.instances <= DEFAULT.examples


# -- comparisons ----------------------------------------------------------------------------------

ROOT = arb(2).sqrt()


@pytest.mark.parametrize(("comparison", "slack"), [
    (Comparison(1.0, "<=", 2.0), 0.5),
    (Comparison(2.0, "<=", 1.0), -0.5),
    (Comparison(2.0, ">=", 1.0), 0.5),
    (Comparison(1.0, ">=", 2.0), -0.5),
    (Comparison(-2.0, "<=", -1.0), 0.5),
    (Comparison(0.0, "<=", 0.0), 0.0),
    (Comparison([1.0, 3.0], "<=", [4.0, 4.0]), 0.25),
    (Comparison([1.0, 3.0], "<=", 2.0), -1 / 3),
    (Comparison([[1.0, 1.0], [1.0, 1.0]], "<=", [1.0, 2.0]), 0.0),
    (Comparison(0.0, "==", 0.0), 0.0),
    (Comparison(1.0, "==", 2.0), -0.5),
    (Comparison([0.0, 4.0], "==", [1.0, 4.0]), -0.25),
    (Comparison(1j, "==", -1j), -2.0),
    (Comparison(1 + 1j, "==", 1 + 1j), 0.0),
    (Comparison(1.0, "<=", math.inf), math.inf),
    (Comparison(math.inf, "<=", 1.0), -math.inf),
    (Comparison(math.inf, "<=", math.inf), 0.0),
    (Comparison(-math.inf, "<=", 1.0), math.inf),
    (Comparison(arb(1), "<=", 2), 0.5),
    (Comparison(acb(0, 1), "==", 1j), 0.0),
])
def test_slack_is_relative_to_the_sides(comparison, slack):
    assert comparison.slack() == slack
    if comparison.relation != "==":
        assert comparison.ratio() == 1 - slack


@pytest.mark.parametrize("relation", ["<=", ">=", "=="])
def test_slack_of_nan_is_nan(relation):
    assert math.isnan(Comparison([1.0, math.nan], relation, 2.0).slack())
    assert math.isnan(Comparison(1.0, "==", 1.0).ratio())


def test_pairs_come_smaller_side_first():
    assert Comparison([1, 3], "<=", 2).pairs() == [(1, 2), (3, 2)]
    assert Comparison([1, 3], ">=", 2).pairs() == [(2, 1), (2, 3)]


@pytest.mark.parametrize(("comparison", "answer"), [
    (Comparison(ROOT, "<=", 2), True),
    (Comparison(ROOT, ">=", 2), False),
    (Comparison(ROOT * ROOT, "<=", 2), None),
    (Comparison(ROOT * ROOT, "==", 2), None),
    (Comparison(ROOT, "==", 2), False),
    (Comparison(arb(2), "==", 2.0), True),
    (Comparison(acb(0, 1), "==", 1j), True),
    (Comparison(acb(0, 1), "==", -1j), False),
    (Comparison([ROOT, ROOT], "<=", [2, 1]), False),
    (Comparison([ROOT * ROOT, ROOT], "<=", [2, 2]), None),
    (Comparison([ROOT * ROOT, ROOT], "<=", [2, 1]), False),
    (Comparison([ROOT, arb(1)], ">=", 1), True),
    (Comparison(math.inf, "<=", arb(1)), False),
    (Comparison(arb(1), "<=", math.inf), True),
    (Comparison(arb("nan"), "<=", 1), None),
    (Comparison(arb("nan"), "==", 1), None),
])
def test_balls_answer_certainly_or_not_at_all(comparison, answer):
    assert comparison.holds() is answer


def test_exact_means_that_a_side_is_made_of_balls():
    assert Comparison(ROOT, "<=", 2).exact
    assert Comparison([1.0, 2.0], "<=", [acb(1), 2.0]).exact
    assert not Comparison([1.0, 2.0], "<=", 3).exact


def test_the_scale_widens_what_rounding_may_do():
    # 1 + 2^-50 - 1: the difference of numbers near 1 has the rounding of numbers near 1.
    def difference(scale):
        return lambda impl, x: Comparison((x + 1) - 1, "==", x, scale)

    case, impl = {"x": 2.0**-60}, Implementation("refimpl")
    assert decide(made(difference(0.0), given=NUMBERS), impl, case, rigorous=True).accurate is False
    assert decide(made(difference(1.0), given=NUMBERS), impl, case, rigorous=True).accurate is True


@pytest.mark.parametrize("value", [3, 0.1, np.float32(0.5), np.int64(-2), True])
def test_floats_become_exact_balls(value):
    ball = as_ball(value)
    assert isinstance(ball, arb) and ball.is_exact() and float(ball) == value
    assert as_ball(1 - 2j) == acb(1, -2)
    assert as_ball(ROOT) is ROOT


def test_small_parts():
    assert above("x", 1)(x=2, y=0) and not above("x", 1)(x=1, y=0)
    tested = made(norm_is_modulus, given=NUMBERS, strata={"positive": above("x", 0), "large": above("x", 3)})
    assert tested.strata_of({"x": 2.0}) == ["positive"]
    assert tested.statement == "A statement."
    assert tested.source.title.startswith("lipref itself")
    assert Result("x", "open", mutants={"m": {}}).surviving_mutants == ["m"]
