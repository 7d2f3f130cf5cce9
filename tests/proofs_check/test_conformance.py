"""The matrix of functions: what passes, what fails and by whose fault, what is not offered, what nothing tests."""

import re

import numpy as np
import pytest
from click.testing import CliRunner

from proofs_check import adapters, conformance, parallel
from proofs_check.claims import load
from proofs_check.cli import main
from proofs_check.implementation import Implementation, NotOffered, Unsupported
from proofs_check.run import PROFILES, functions_used, run_claim

CLAIMS, QUICK = load(), PROFILES["quick"]


def norm(W):
    return float(np.linalg.norm(np.asarray(W), 2))


def results(implementation, *ids):
    return [run_claim(CLAIMS[id], implementation, QUICK, seed=0) for id in ids]


def parts(implementation, found, blamed=None):
    return {name: conformance.of_claims(name, implementation, found, blamed) for name in conformance.public_functions()}


def test_what_one_package_lacks_comes_from_the_next_and_only_the_first_is_tested(module):
    code = Implementation(f"{module(spectral_norm=norm)}+refimpl")
    assert code.spectral.spectral_norm is norm
    assert code.spectral.power_iteration is Implementation("refimpl").spectral.power_iteration
    assert (code.own, code.used) == ({"spectral.spectral_norm"}, {"spectral.spectral_norm", "spectral.power_iteration"})
    [used, unused] = results(code.name, "thesis.eq-4.1", "lipref.enclosure")
    assert used.good and used.own == ["spectral.spectral_norm"]
    assert unused.outcome == "not offered" and "offers none of spectral.spectral_norm_enclosure" in unused.detail


def test_only_named_functions_of_a_package_count(module):
    name = module(spectral_norm=norm, spectral_radius=norm)
    code = Implementation(f"{name}:spectral.spectral_norm+refimpl")
    assert code.offers("spectral", "spectral_norm") and not code.offers("spectral", "spectral_radius")
    with pytest.raises(NotOffered):
        Implementation(f"{name}:spectral.spectral_norm").spectral.spectral_radius  # noqa: B018


def test_claims_speak_of_the_functions_that_they_use(module):
    name = module(spectral_norm=norm, spectral_radius=lambda W: 2 * norm(W), bonferroni=lambda alpha, m: alpha / m)
    found = results(f"{name}+refimpl", "thesis.eq-4.1", "thesis.sec-2.1-radius.normal")
    blamed = {"thesis.sec-2.1-radius.normal": {"spectral.spectral_radius"}}
    table = parts(f"{name}+refimpl", found, blamed)
    assert table["spectral.spectral_norm"] == conformance.Part("pass", "1 of 1")
    failing = table["spectral.spectral_radius"]
    assert (failing.state, failing.counts, failing.first) == ("FAIL", "0 of 1", "thesis.sec-2.1-radius.normal")
    assert any(line.startswith("instance: {") for line in failing.told)
    assert failing.told[-1] == f"proofs-check run thesis.sec-2.1-radius.normal --impl {name}+refimpl"
    assert table["confidence.bonferroni"].state == "not tested"
    assert "network.Layer" not in table and "confidence.Interval" not in table and "network.Dense" in table


@pytest.mark.parametrize(("claims", "vectors", "state"), [
    ("pass", "pass", "pass"), ("pass", "FAIL", "FAIL"), ("FAIL", "pass", "FAIL"), ("pass", "unknown", "unknown"),
    ("pass", "lax", "lax"), ("FAIL", "lax", "FAIL"),
    ("pass", "not tested", "pass"), ("not tested", "refused", "refused"), ("not tested", "not tested", "not tested"),
])
def test_one_failure_decides_and_silence_is_no_pass(claims, vectors, state):
    cell = conformance.Cell("f", "i", True, conformance.Part(claims), conformance.Part(vectors))
    assert cell.state == state
    assert conformance.Cell("f", "i", False).state == "not offered"


def test_the_function_that_fails_on_its_own_is_blamed(tmp_path, monkeypatch):
    text = "import numpy as np\ndef spectral_norm(W): return float(np.linalg.norm(W, 2))\n"
    (tmp_path / "blamed.py").write_text(text + "def spectral_radius(W): return 2 * spectral_norm(W)\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = results("blamed+refimpl", "thesis.sec-2.1-radius.normal")
    assert found[0].own == ["spectral.spectral_norm", "spectral.spectral_radius"]
    blamed = conformance.blame({"blamed+refimpl": found}, "quick", 0)
    assert blamed == {"blamed+refimpl": {"thesis.sec-2.1-radius.normal": {"spectral.spectral_radius"}}}
    assert parts("blamed+refimpl", found, blamed["blamed+refimpl"])["spectral.spectral_norm"].state == "not tested"


def test_arguments_that_an_implementation_does_not_support_are_left_out(module):
    def real(W):
        if np.iscomplexobj(W):
            raise Unsupported("real matrices only")
        return Implementation("refimpl").layers.cayley(W)

    [good] = results(f"{module(cayley=real)}+refimpl", "thesis.sec-2.1.3-cayley")
    assert good.good and good.instances > 10

    def never(W):
        raise Unsupported("nothing")

    [none] = results(f"{module(cayley=never)}+refimpl", "thesis.sec-2.1.3-cayley")
    assert none.outcome in ("vacuous", "not offered") and not none.good


def test_an_error_names_the_shrunken_instance(module):
    def fails(W):
        if np.size(W) > 1:
            raise TypeError("scalars only")
        return norm(W)

    [result] = results(f"{module(spectral_norm=fails)}+refimpl", "thesis.sec-2.1-radius.normal")
    assert result.outcome == "errored" and "scalars only" in result.detail
    assert result.violation is not None and result.violation.startswith("{")


NORM = "import numpy as np\ndef spectral_norm(W): return float(np.linalg.norm(W, 2, axis=(0, 1)))\n"


def test_run_prints_the_matrix_of_the_functions_that_its_claims_use(tmp_path, monkeypatch):
    (tmp_path / "tabled.py").write_text(NORM)
    monkeypatch.syspath_prepend(tmp_path)
    arguments = ["run", "thesis.eq-4.1", "lipref.enclosure", "--impl", "tabled+refimpl", "--profile", "quick"]
    ran = CliRunner().invoke(main, [*arguments, "--jobs", "1"])
    rows = [line.split("  ") for line in ran.output.splitlines() if line.startswith("spectral.spectral_norm")]
    assert [[cell.strip() for cell in row if cell] for row in rows] == [
        ["spectral.spectral_norm", "lax", "1 of 1", "56 of 57, 1 bad input taken", "spectral.spectral_norm-046"],
        ["spectral.spectral_norm_enclosure", "not offered", "-", "-", "-"],
    ]
    assert "tabled+refimpl: spectral.spectral_norm-046\n  (BadInput)" in ran.output and ran.exit_code == 1
    assert "bonferroni" not in ran.output
    assert "bad input" not in CliRunner().invoke(main, [*arguments, "--jobs", "1", "--no-matrix"]).output
    ran = CliRunner().invoke(main, ["run", "thesis.eq-4.1", "--profile", "quick", "--jobs", "1"])
    assert ran.exit_code == 0 and "not offered\n" not in ran.output


def test_the_matrix_has_claims_and_vectors_side_by_side(tmp_path, monkeypatch):
    (tmp_path / "first.py").write_text(NORM)
    (tmp_path / "second.py").write_text("def bonferroni(alpha, m): return alpha / m\n")
    monkeypatch.syspath_prepend(tmp_path)
    few = {id: CLAIMS[id] for id in ("thesis.eq-4.1", "thesis.app-C.1")}
    monkeypatch.setattr("proofs_check.claims.load", lambda: few)
    ran = CliRunner().invoke(main, ["matrix", "first", "second", "first", "--jobs", "1"])
    assert ran.exit_code == 1, ran.output
    heads, *rows = [line.split() for line in ran.output.splitlines() if re.match(r"[\w.]+  ", line)]
    assert heads[:5] == ["function", "implementation", "verdict", "claims", "vectors"]
    assert [row[:3] for row in rows] == [
        ["spectral.spectral_norm", "first", "lax"], ["confidence.bonferroni", "second", "lax"],
    ]
    assert ran.output.splitlines()[-1].endswith("functions by 2 implementations, 2 offered: 0 pass, 0 FAIL, 2 lax")


def test_a_package_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr(adapters, "READY", {"absent": ("no_such_package",)})
    ran = CliRunner().invoke(main, ["matrix"])
    assert ran.output == "proofs_check.adapters.absent: needs no_such_package: pip install no_such_package\n"
    ran = CliRunner().invoke(main, ["matrix", "no_such_module"])
    assert ran.exit_code != 0 and "cannot import the implementation 'no_such_module'" in ran.output


def test_a_slip_in_a_name_is_told(module):
    ran = CliRunner().invoke(main, ["matrix", module(spectral_nrom=norm)])
    assert "offers none of refimpl's public names; spectral_nrom is near spectral.spectral_norm" in ran.output
    ran = CliRunner().invoke(main, ["matrix", module()])
    assert ran.exit_code == 2 and "has the topics" in ran.output


def test_calls_that_are_all_refused_say_why(module):
    ran = CliRunner().invoke(main, ["vectors", "check", "--impl", module(bonferroni=lambda alpha: alpha), "*bonf*"])
    assert ran.exit_code == 1 and "  refused: TypeError: " in ran.output
    assert ran.output.endswith("1 function, 1 offered: 0 pass, 0 FAIL, 1 refused\n")


def test_a_function_is_named_once_for_all_implementations(module):
    used = functions_used(CLAIMS["thesis.sec-2.1-radius.normal"], seed=0)
    assert used == {"spectral.spectral_norm", "spectral.spectral_radius"}
    names = [f"{module(spectral_norm=norm)}+refimpl", "proofs_check.adapters.scipy_stats+refimpl"]
    found = dict(parallel.run_on({"thesis.eq-4.1": names}, "quick", 0))
    assert found[names[0]].good and found[names[1]].outcome == "not offered"
    assert "offers none of spectral.spectral_norm" in found[names[1]].detail
    [alone] = parallel.run_all(["thesis.eq-4.1"], names[1], "quick", 0)
    assert (alone.outcome, alone.detail) == (found[names[1]].outcome, found[names[1]].detail)


def test_a_broken_package_is_not_taken_for_one_that_is_absent():
    assert adapters.missing("numpy_linalg") == ""
    assert set(adapters.READY) >= {"scipy_svds", "statsmodels", "torch_spectral"}
