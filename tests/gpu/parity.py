"""The parity decorator: a body that calls `impl` is run with refimpl and with gpu, and what comes out is compared.

In order: errors (class and message; an error of both passes only where the test is about errors), the structure of the
result, dtypes, namespaces, shapes, values. The tolerance is a number of roundings, which the test derives, times the
roundoff of the arithmetic and the largest modulus of the expected result.
"""

import contextlib
import functools
import inspect

import array_api_compat
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gpu
from proofs_check.implementation import Implementation

ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "tf32": 2.0**-10}
NAMESPACES = ("numpy", "array_api_strict")


def namespace(name):
    return array_api_compat.numpy if name == "numpy" else pytest.importorskip(name)


def moved(value, xp):
    """NumPy arrays as arrays of the namespace, inside of lists, tuples and dicts too."""
    if isinstance(value, np.ndarray):
        return xp.asarray(value)
    if isinstance(value, dict):
        return {key: moved(v, xp) for key, v in value.items()}
    if isinstance(value, (list, tuple)) and any(isinstance(v, (np.ndarray, tuple, list, dict)) for v in value):
        return type(value)(moved(v, xp) for v in value)
    return value


def outcome(call):
    """The result of a call, or the error that it raised."""
    try:
        return call(), None
    except (ValueError, OverflowError, ArithmeticError, MemoryError) as raised:
        return None, raised


def compare(ours, theirs, *, xp, precision="float64", roundings=0, scale=0.0):
    """What differs is an AssertionError; `theirs` comes from refimpl."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict) and list(ours) == list(theirs)
        ours, theirs = list(ours.values()), list(theirs.values())
    if isinstance(theirs, (tuple, list)):
        assert type(ours) is type(theirs), f"{type(ours).__name__}, not {type(theirs).__name__}"
        assert len(ours) == len(theirs), f"{len(ours)} results, not {len(theirs)}"
        for mine, other in zip(ours, theirs, strict=True):
            compare(mine, other, xp=xp, precision=precision, roundings=roundings, scale=scale)
        return
    if isinstance(theirs, np.ndarray):
        assert array_api_compat.is_array_api_obj(ours), f"{type(ours).__name__}, not an array"
        kept = array_api_compat.array_namespace(ours)
        assert kept is array_api_compat.array_namespace(xp.asarray(0.0)), f"arrays of {kept.__name__}"
        expected = theirs.dtype
        if precision != "float64":
            expected = np.dtype({"float64": "float32", "complex128": "complex64"}.get(expected.name, expected.name))
        assert str(ours.dtype).rpartition(".")[2] == expected.name, f"{ours.dtype}, not {expected}"
        assert tuple(ours.shape) == theirs.shape, f"shape {tuple(ours.shape)}, not {theirs.shape}"
        found = np.asarray(ours)
    else:
        plain = theirs.item() if isinstance(theirs, np.generic) else theirs
        found = ours.item() if isinstance(ours, np.generic) else ours
        assert type(found) is type(plain), f"{type(found).__name__}, not {type(plain).__name__}"
        if not isinstance(plain, (float, complex)):
            assert found == plain, f"{found!r}, not {plain!r}"
            return
        found, theirs = np.asarray(found), np.asarray(plain)
    finite = np.isfinite(theirs)
    assert (np.isfinite(found) == finite).all() and (found[~finite] == theirs[~finite]).all(), f"{found}, not {theirs}"
    if not finite.any():
        return
    found, theirs = found[finite].astype(complex), theirs[finite].astype(complex)
    size = max(np.abs(theirs).max(), scale)
    allowed = roundings * ROUNDOFF[precision] * size
    if precision != "float64":
        allowed += 2.0**-126  # what underflows in float32
    worst = np.abs(found - theirs).max()
    assert worst <= allowed, f"{found}, not {theirs}: off by {worst:g}, allowed {allowed:g}"


def same_error(ours, theirs):
    assert type(ours) is type(theirs), f"{ours!r}, refimpl: {theirs!r}"
    assert str(ours) == str(theirs)


def parity(
    *, given_, roundings=0, scale=0.0, precisions=("float64", "float32"), namespaces=NAMESPACES, errors=False,
    examples=25,
):
    """Compare gpu with refimpl on drawn arguments, in each namespace and precision.

    `given_` maps names of arguments to strategies, or is a strategy of such dicts. `roundings` is a number, or a
    function of the arguments; so is `scale`, the size of what may cancel in the result. With `errors` both have to
    raise, and the same.
    """
    cases = st.fixed_dictionaries(given_) if isinstance(given_, dict) else given_

    def decorate(body):
        @pytest.mark.parametrize("precision", precisions)
        @pytest.mark.parametrize("name", namespaces)
        def test(name, precision):
            xp = namespace(name)

            @settings(
                max_examples=examples, deadline=None, derandomize=True, database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(cases)
            def check(case):
                frozen = {key: _frozen(value) for key, value in case.items()}
                theirs, refused = outcome(lambda: body(Implementation("refimpl"), **frozen))
                ours, raised = outcome(lambda: _inside(precision, body, {k: moved(v, xp) for k, v in frozen.items()}))
                if refused is not None or raised is not None:
                    assert errors, f"gpu: {raised!r}, refimpl: {refused!r}"
                    same_error(raised, refused)
                    return
                assert not errors, "no error"
                count, size = (f(**case) if callable(f) else f for f in (roundings, scale))
                compare(ours, theirs, xp=xp, precision=precision, roundings=count, scale=size)

            check()

        functools.update_wrapper(test, body)
        test.__signature__ = inspect.Signature(
            [inspect.Parameter(p, inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in ("name", "precision")]
        )
        del test.__wrapped__
        return test

    return decorate


def refused(calls, **arguments):
    """A test that each call, of an implementation and the arguments, is refused by both in the same words."""

    @pytest.mark.parametrize("name", NAMESPACES)
    @pytest.mark.parametrize("call", calls)
    def test(name, call):
        xp = namespace(name)
        with np.errstate(all="ignore"):
            _, theirs = outcome(lambda: call(Implementation("refimpl"), **arguments))
            _, ours = outcome(lambda: call(Implementation("gpu"), **{k: moved(v, xp) for k, v in arguments.items()}))
        assert theirs is not None and ours is not None, f"gpu: {ours!r}, refimpl: {theirs!r}"
        same_error(ours, theirs)

    return test


def _frozen(value):
    if isinstance(value, np.ndarray):
        copy = value.copy()
        copy.setflags(write=False)
        return copy
    return value


def _inside(precision, body, case):
    with gpu.precision(precision) if precision != "float64" else contextlib.nullcontext():
        return body(Implementation("gpu"), **case)
