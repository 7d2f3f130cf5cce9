"""The matrix of functions: what passes, what fails and by whose fault, what is not offered, what nothing tests."""

import numpy as np
import pytest
from click.testing import CliRunner

from proofs_check import adapters, conformance
from proofs_check.claims import load
from proofs_check.cli import main
from proofs_check.implementation import Implementation, NotOffered, Unsupported
from proofs_check.run import PROFILES, run_claim

CLAIMS, QUICK = load(), PROFILES["quick"]


def norm(W):
    return float(np.linalg.norm(np.asarray(W), 2))


def results(implementation, *ids):
    return [run_claim(CLAIMS[id], implementation, QUICK, seed=0) for id in ids]


def cells(implementation, found, blamed=None):
    return {cell.function: cell for cell in conformance.matrix(implementation, found, blamed)}


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


def test_the_matrix_has_a_cell_for_every_function(module):
    name = module(spectral_norm=norm, spectral_radius=lambda W: 2 * norm(W), bonferroni=lambda alpha, m: alpha / m)
    found = results(f"{name}+refimpl", "thesis.eq-4.1", "thesis.sec-2.1-radius.normal")
    blamed = {"thesis.sec-2.1-radius.normal": {"spectral.spectral_radius"}}
    table = cells(f"{name}+refimpl", found, blamed)
    assert list(table) == conformance.public_functions()
    assert table["spectral.spectral_norm"].text == "pass (1)"
    assert table["spectral.spectral_radius"].text == "fail: thesis.sec-2.1-radius.normal"
    assert table["spectral.spectral_radius"].instance is not None
    assert table["confidence.bonferroni"].text == "not tested"
    assert table["spectral.power_iteration"].text == "not offered"
    assert "network.Layer" not in table and "confidence.Interval" not in table and "network.Dense" in table


def test_the_function_that_fails_on_its_own_is_blamed(tmp_path, monkeypatch):
    text = "import numpy as np\ndef spectral_norm(W): return float(np.linalg.norm(W, 2))\n"
    (tmp_path / "blamed.py").write_text(text + "def spectral_radius(W): return 2 * spectral_norm(W)\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = results("blamed+refimpl", "thesis.sec-2.1-radius.normal")
    assert found[0].own == ["spectral.spectral_norm", "spectral.spectral_radius"]
    blamed = conformance.blame("blamed+refimpl", found, "quick", 0)
    assert blamed == {"thesis.sec-2.1-radius.normal": {"spectral.spectral_radius"}}
    assert cells("blamed+refimpl", found, blamed)["spectral.spectral_norm"].state == "not tested"


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


def test_run_prints_the_matrix_and_unknown_packages_are_one_line(tmp_path, monkeypatch):
    text = "import numpy as np\ndef spectral_norm(W): return float(np.linalg.norm(W, 2))\n"
    (tmp_path / "tabled.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    ran = CliRunner().invoke(main, ["run", "thesis.eq-4.1", "--impl", "tabled", "--profile", "quick", "--matrix"])
    assert ran.exit_code == 0 and "spectral.spectral_norm" in ran.output and "pass (1)" in ran.output
    assert "confidence.bonferroni" in ran.output and "not offered" in ran.output
    monkeypatch.setattr(adapters, "READY", {"absent": ("no_such_package",)})
    ran = CliRunner().invoke(main, ["matrix"])
    assert ran.output == "proofs_check.adapters.absent: needs no_such_package: pip install no_such_package\n"
    ran = CliRunner().invoke(main, ["matrix", "no_such_module"])
    assert ran.exit_code != 0 and "cannot import the implementation 'no_such_module'" in ran.output


def test_a_broken_package_is_not_taken_for_one_that_is_absent():
    assert adapters.missing("numpy_linalg") == ""
    assert set(adapters.READY) >= {"scipy_svds", "statsmodels", "torch_spectral"}
