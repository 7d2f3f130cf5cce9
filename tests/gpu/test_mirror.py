"""gpu has refimpl's names and parameters, uses of refimpl only checks and types, and CuPy only when asked."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gpu
import refimpl

ROOT = Path(gpu.__file__).parent

# Keyword arguments that refimpl does not have: how, never what.
EXTRA = {"method", "memory_limit"}

# Public names that gpu takes over: types of results, and protocols.
TYPES = {
    "spectral.SpectralNormEnclosure", "convolution.ConvSpectralNorm",
    "weierstrass.Smoothed", "confidence.Interval", "network.Layer", "network.Normalizer",
}


def _public(package, topic):
    module = importlib.import_module(f"{package}.{topic}")
    return {f"{topic}.{name}": getattr(module, name) for name in module.__all__}


THEIRS = {name: value for topic in gpu.TOPICS for name, value in _public("refimpl", topic).items()}
OURS = {name: value for topic in gpu.TOPICS for name, value in _public("gpu", topic).items()}
SOURCES = sorted(ROOT.rglob("*.py"))


def test_every_public_function_is_mirrored_or_listed():
    assert sorted(set(THEIRS) - set(OURS) - set(gpu.NOT_MIRRORED)) == []
    assert sorted(set(OURS) - set(THEIRS)) == []


def test_the_list_is_not_stale_and_gives_reasons():
    assert sorted(name for name in gpu.NOT_MIRRORED if name not in THEIRS or name in OURS) == []
    assert all(len(reason) > 20 for reason in gpu.NOT_MIRRORED.values())
    assert len(gpu.NOT_MIRRORED) <= len(THEIRS) / 5


def test_a_topic_that_is_a_folder_in_refimpl_is_one_here():
    for topic in gpu.TOPICS:
        assert (ROOT / topic).is_dir() == (Path(refimpl.__file__).parent / topic).is_dir()



def _callables():
    for name in sorted(set(OURS) & set(THEIRS)):
        yield name, OURS[name], THEIRS[name]
        if inspect.isclass(THEIRS[name]):
            for method, function in vars(THEIRS[name]).items():
                if inspect.isfunction(function) and (method == "__call__" or not method.startswith("_")):
                    yield f"{name}.{method}", getattr(OURS[name], method, None), function


@pytest.mark.parametrize(("ours", "theirs"), [pytest.param(a, b, id=name) for name, a, b in _callables()])
def test_parameters_are_those_of_refimpl(ours, theirs):
    assert ours is not None
    if ours is theirs:
        return
    mine, others = (list(inspect.signature(f).parameters.values()) for f in (ours, theirs))
    added = [p for p in mine if p.name not in {q.name for q in others}]
    assert [(p.name, p.kind, p.default) for p in mine if p not in added] == [
        (p.name, p.kind, p.default) for p in others]
    assert all(p.name in EXTRA and p.kind is p.KEYWORD_ONLY and p.default is not p.empty for p in added)


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_docstring_points_home(name):
    value = OURS[name]
    if value is THEIRS[name]:
        assert name in TYPES
        return
    assert f"`refimpl.{name}`" in (inspect.getdoc(value) or "").partition("\n")[0]
    added = set(inspect.signature(value).parameters) & EXTRA - set(inspect.signature(THEIRS[name]).parameters)
    assert all(f"`{parameter}`" in value.__doc__ for parameter in added)


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name, node) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "", node) for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_of_refimpl_only_checks_and_types_are_used(path):
    allowed = {tuple(name.split(".")) for name in TYPES}
    for module, name, _ in _imports(path):
        if module.partition(".")[0] == "refimpl" and module != "refimpl._arguments":
            assert (module.partition(".")[2], name) in allowed, f"{module}.{name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_cupy_is_imported_inside_of_functions_only(path):
    outside = [
        alias.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names if "cupy" in (getattr(node, "module", None) or alias.name).partition(".")[0]
    ]
    assert outside == []


def test_numpy_users_never_import_cupy():
    code = (
        "import sys, numpy, gpu, gpu.spectral as s; s.spectral_norm(numpy.eye(3)); s.gram_iteration([[1, 2]], 3);"
        "print(sorted(m for m in sys.modules if m.startswith('cupy')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_asking_for_the_device_says_in_one_line_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ModuleNotFoundError) as raised:
        gpu.to_device(np.eye(2))
    assert str(raised.value) == (
        "the device needs CuPy, which is not installed: python -m pip install 'lipref[gpu]'"
    )


def test_arrays_of_two_libraries_are_refused():
    strict = pytest.importorskip("array_api_strict")
    with pytest.raises(ValueError, match="arrays must be of one library, got array_api_strict and numpy"):
        OURS["spectral.power_iteration"](strict.asarray(np.eye(2)), 1, start=np.ones(2))
