"""The map of the project is true: names, ids, layers, what the wheel holds."""

import functools
import importlib
import importlib.metadata
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
import types
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, find, settings

import refimpl
from proofs_check import catalogue, claims
from proofs_check.claim import Kind, Verdict
from proofs_check.evidence.random import strategy_of
from proofs_check.implementation import Implementation
from proofs_check.reproduce._catalogue import EXPERIMENTS

ROOT = Path(__file__).parents[1]
PACKAGES = ("refimpl", "gpu", "proofs_check")
TOPICS = (
    "spectral", "convolution", "layers", "normalization", "weierstrass", "simplex", "confidence", "certificates",
    "network", "curvature", "explosion", "generalization",
)
ID = re.compile(r"\b(?:than|thesis|explosion|lipref)\.[A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z0-9]")

# Public names that no claim asks for, and why.
EXCEPTIONS = {
    "spectral.SpectralNormEnclosure": "the type of a result",
    "convolution.BlockDiagonalization": "the type of a result",
    "convolution.ConvSpectralNorm": "the type of a result",
    "normalization.BatchStatistics": "the type of a result",
    "weierstrass.Smoothed": "the type of a result",
    "certificates.Certificate": "the type of a result",
    "certificates.ScoredCertificate": "the type of a result",
    "confidence.Interval": "the type of a result",
    "confidence.Coverage": "the type of a result",
    "confidence.Partition": "the type of a result",
    "explosion.ExplodingNetwork": "the type of a result",
    "generalization.Cells": "the type of a result",
    "network.Normalizer": "a protocol, nothing to compute",
    "network.Layer": "a protocol, nothing to compute",
}

# numpydoc's checks that a docstring is complete. Left out: the layout of sections and blank lines
# (GL01-GL03, GL07, SS02-SS06: ruff's D rules hold those), extended summaries and "See Also" (ES01,
# SA01: most functions need none), and full sentences for every parameter (PR06-PR09, RT02-RT05).
NUMPYDOC = {
    "GL08",  # no docstring
    "SS01",  # no summary
    "PR01", "PR02", "PR03", "PR04",  # parameters missing, unknown, in another order, without type
    "RT01",  # no Returns section
    "YD01",  # no Yields section
    "EX01",  # no example
}


@functools.cache
def _claims():
    return claims.load()


def _public(topic):
    module = importlib.import_module(f"refimpl.{topic}")
    return {f"{topic}.{name}": getattr(module, name) for name in module.__all__}


PUBLIC = {name: value for topic in TOPICS for name, value in _public(topic).items()}


def _callables():
    """Public functions and classes, and the public methods of the classes."""
    for name, value in PUBLIC.items():
        yield name
        if inspect.isclass(value):
            for method, function in vars(value).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    yield f"{name}.{method}"


@pytest.mark.parametrize("topic", TOPICS)
def test_all_is_what_the_topic_defines(topic):
    module = importlib.import_module(f"refimpl.{topic}")
    values = vars(module).items()
    defined = {n for n, v in values if not n.startswith("_") and not isinstance(v, types.ModuleType)}
    if not hasattr(module, "__path__"):  # a topic in one file imports what it uses
        defined = {n for n in defined if getattr(getattr(module, n), "__module__", None) == module.__name__}
    assert set(module.__all__) == defined
    assert sorted(module.__all__) == sorted(set(module.__all__))
    assert all(getattr(module, name).__module__.startswith(module.__name__) for name in module.__all__)


def test_there_is_no_topic_that_this_test_does_not_know():
    folder = Path(refimpl.__file__).parent
    found = {p.stem for p in folder.iterdir() if not p.name.startswith(("_", ".")) and p.name != "py.typed"}
    assert found == set(TOPICS)


@pytest.mark.parametrize("name", [n for n in PUBLIC if n not in EXCEPTIONS])
def test_ids_in_a_docstring_are_claims(name):
    references = (inspect.getdoc(PUBLIC[name]) or "").partition("References\n")[2].partition("Examples\n")[0]
    ids = ID.findall(references)
    assert [i for i in ids if i not in _claims()] == []
    # A normalizer of a network is one of refimpl.normalization, where the ids are.
    assert ids or "refimpl.normalization" in PUBLIC[name].__doc__, f"{name} names no claim"


def _instances(claim):
    stored = [case for case in (claim.counterexample, claim.control, *claim.witnesses) if case is not None]
    if stored:
        return stored
    quiet = settings(
        max_examples=200, database=None, deadline=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    return [find(strategy_of(claim), lambda case: True, settings=quiet)]


@functools.cache
def _used():
    implementation = Implementation("refimpl")
    for claim in _claims().values():
        for case in _instances(claim):
            claim.compare(implementation, **case)
    return frozenset(implementation.used)


def test_every_public_function_is_used_by_a_claim_or_excepted():
    assert sorted(set(PUBLIC) - _used() - set(EXCEPTIONS)) == []


def test_no_exception_is_stale():
    assert sorted(name for name in EXCEPTIONS if name not in PUBLIC or name in _used()) == []


def test_every_statement_of_the_sources_has_a_claim_an_experiment_or_a_reason():
    assert [row.id for row in catalogue.missing(catalogue.chosen([], _claims(), EXPERIMENTS))] == []


def test_a_statement_without_its_claim_is_found():
    without = {id for id in _claims() if not id.startswith("thesis.alg-4")}
    with pytest.raises(ValueError, match=r"thesis\.alg-4 names the claim thesis\.alg-4, which does not exist"):
        catalogue.chosen([], without, EXPERIMENTS)


def test_claim_ids_are_unique():
    # The decorator's first argument in the sources: `load` would not see a claim that another shadows.
    pattern = re.compile(r'@claim\(\s*(?:id=)?"([^"]+)"')
    files = (ROOT / "proofs_check" / "claims").rglob("*.py")
    written = [id for p in files for id in pattern.findall(p.read_text("utf-8"))]
    assert sorted(i for i in set(written) if written.count(i) > 1) == []
    assert sorted(set(written) - set(_claims())) == []


def test_no_source_file_is_longer_than_400_lines():
    files = [p for folder in (*PACKAGES, "tests") for p in (ROOT / folder).rglob("*.py")]
    lengths = {str(p.relative_to(ROOT)): len(p.read_text("utf-8").splitlines()) for p in files}
    assert {p: n for p, n in lengths.items() if n > 400} == {}


def test_import_contracts_hold():
    pytest.importorskip("importlinter", minversion="2.7")
    command = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", list(_callables()))
def test_docstrings_are_complete(name):
    validate = pytest.importorskip("numpydoc.validate").validate
    topic, function, *method = name.split(".")
    value = PUBLIC[f"{topic}.{function}"]
    wanted = set(NUMPYDOC)
    if method or name in EXCEPTIONS or "refimpl.normalization" in (value.__doc__ or ""):
        wanted &= {"GL08", "SS01"}  # one line says it all
    errors = [e for e in validate(f"refimpl.{name}")["errors"] if e[0] in wanted]
    assert errors == []


@pytest.mark.parametrize("name", [n for n, v in PUBLIC.items() if inspect.isfunction(v)])
def test_docstrings_say_what_is_raised(name):
    # numpydoc has no check for Raises; a function that checks no argument raises nothing.
    if "as_" in inspect.getsource(PUBLIC[name]):
        assert "Raises\n------" in inspect.getdoc(PUBLIC[name])


def test_the_oldest_environment_installs_the_minimum_versions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    minimum = {*project["dependencies"], *extras["report"], *extras["docs"], *extras["dask"]}
    oldest = (ROOT / "tox.ini").read_text("utf-8").partition("[testenv:oldest]")[2].partition("\n[")[0]
    pins = dict(re.findall(r"^\s+([a-z0-9-]+)==([\d.]+?)(?:\.\*)?$", oldest, re.MULTILINE))
    wanted = {f"{name}>={version}" for name, version in pins.items()}
    assert wanted and wanted <= minimum
    # What is optional is tested with its oldest versions too.
    assert {*extras["report"], *extras["docs"], *extras["dask"]} <= wanted


def _has_new_setuptools():
    try:
        return int(importlib.metadata.version("setuptools").split(".")[0]) >= 77
    except importlib.metadata.PackageNotFoundError:
        return False


def test_the_wheel_holds_the_packages_the_documentation_and_nothing_else(tmp_path):
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path / "dist")]
    if _has_new_setuptools():
        command.append("--no-isolation")  # otherwise build installs one: the only test that needs a network
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "CONTRIBUTING.md"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    shutil.copytree(ROOT / "docs", source / "docs", ignore=shutil.ignore_patterns("_build", "__pycache__"))
    for path in (p for package in PACKAGES for p in (ROOT / package).rglob("*")):
        if path.suffix in (".py", ".json") or path.name == "py.typed":
            copy = source / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (source / "tests").mkdir()
    (source / "tests" / "__init__.py").touch()  # must not be packed
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        files = [name for name in archive.namelist() if not name.endswith("/")]
    metadata = {name for name in files if re.match(r"lipref-[^/]+\.dist-info/", name)}
    packed = {name for name in files if name.startswith(tuple(f"{p}/" for p in PACKAGES))}
    documents = {name.partition("/share/lipref/")[2]: name for name in files if ".data/data/share/lipref/" in name}
    assert set(files) == metadata | packed | set(documents.values())
    written = {path.relative_to(source).as_posix() for path in (source / "docs").rglob("*") if path.is_file()}
    assert set(documents) == written | {"CONTRIBUTING.md"}
    given = (p for package in PACKAGES for p in (source / package).rglob("*") if p.is_file())
    assert packed == {p.relative_to(source).as_posix() for p in given}
    assert any(name.endswith("LICENSE") for name in metadata)


FINDING = re.compile(r"^\| ((?:than|thesis)\.\S+) \| (\w+) \| (.*?) \| (.*?) \| .*\|$", re.MULTILINE)


def test_the_findings_are_the_refuted_claims_with_kind_and_reading():
    found = {row[0]: (row[1], row[3]) for row in FINDING.findall(_text("docs/findings.md"))}
    refuted = {id: claim for id, claim in _claims().items() if claim.verdict is Verdict.REFUTED}
    assert found == {id: (claim.kind.value, _right(claim)) for id, claim in refuted.items()}


def _right(claim):
    return claim.reading + (f" Right at: {claim.right_at}." if claim.right_at else "")


def test_the_findings_are_counted_by_kind():
    sources = ("than", "thesis")
    refuted = [claim for claim in _claims().values() if claim.verdict is Verdict.REFUTED]
    for kind in Kind:
        counts = [sum(c.kind is kind and c.source.name == name for c in refuted) for name in sources]
        row = " | ".join(map(str, (kind.value, *counts, sum(counts))))
        assert f"\n| {row} |" in _text("docs/findings.md"), row


def test_the_readme_shows_only_what_is_false():
    table = _text("README.md").partition("## What has been found so far")[2].partition("\n## ")[0]
    shown = re.findall(r"\| ((?:than|thesis)\.\S+) \|$", table, re.MULTILINE)
    assert len(shown) == table.count("\n|") - 2 > 5
    assert [id for id in shown if _claims()[id].kind is not Kind.FALSE] == []


def _text(name):
    return (ROOT / name).read_text(encoding="utf-8")
