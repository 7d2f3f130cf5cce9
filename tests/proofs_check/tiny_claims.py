"""Claims of a line or two, and how to run them: shared by the tests of the checker."""

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Verdict, claim, scale_right
from proofs_check.claims import load
from proofs_check.run import PROFILES, run_claim
from proofs_check.strategies import dyadics, matrices

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
REFUTED = {
    "verdict": Verdict.REFUTED, "amended_by": "lipref.tiny.amended", "kind": Kind.FALSE, "reading": "As it stands.",
    "counterexample": {"W": np.eye(2)}, "control": {"W": np.array([[1.0, 0.0]])},
}
