"""Claims that could not fail, or that are defined twice, are errors."""


import sys
import types

import pytest
from tiny_claims import NUMBERS, REFUTED, frobenius_at_most_spectral, made, norm_is_modulus, spectral_at_most_frobenius

from proofs_check import claims as registry
from proofs_check.claim import (
    Comparison,
    Kind,
    Verdict,
    claim,
)
from proofs_check.claims import load

# -- claims that could not fail are errors ----------------------------------------------------------


@pytest.mark.parametrize(("how", "message"), [
    ({"verdict": Verdict.PROVED}, "a proved claim needs a derivation or an exhaustive enumeration"),
    ({"mutants": {}}, "needs mutants and strata"),
    ({"strata": {}}, "needs mutants and strata"),
    ({**REFUTED, "counterexample": None}, "a refuted claim needs counterexample"),
    ({**REFUTED, "control": None}, "a refuted claim needs counterexample, control"),
    ({**REFUTED, "amended_by": None}, "a refuted claim needs counterexample, control and amended_by"),
    ({**REFUTED, "kind": None}, "a refuted claim needs its kind and the reading in which it fails"),
    ({**REFUTED, "reading": ""}, "a refuted claim needs its kind and the reading in which it fails"),
    ({**REFUTED, "kind": Kind.MISPRINT}, "right_at is for a misprint, and says where the source has it right"),
    ({**REFUTED, "right_at": "its proof"}, "right_at is for a misprint, and says where the source has it right"),
    ({"kind": Kind.FALSE}, "kind and right_at are for refuted claims"),
    ({"right_at": "its proof"}, "kind and right_at are for refuted claims"),
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
