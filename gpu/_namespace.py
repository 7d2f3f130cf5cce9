"""Where the arrays live: their namespace, special functions and memory there, and the arithmetic that is asked for."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import array_api_compat
import array_api_compat.numpy
import numpy as np

Array = Any
Namespace = Any

_INSTALL = "python -m pip install 'lipref[gpu]'"
_PRECISIONS = ("float64", "float32", "tf32")
_PRECISION: ContextVar[str] = ContextVar("precision", default="float64")
# What a chunk may take on the host, where that is not asked for: some blocks at least, for the others to be compared.
HOST_CHUNK, HOST_BLOCKS = 2**26, 16


def cupy() -> Any:
    """CuPy with a device, or one line that says what is missing."""
    try:
        import cupy as found
    except ImportError:
        raise ModuleNotFoundError(f"the device needs CuPy, which is not installed: {_INSTALL}") from None
    try:
        devices = found.cuda.runtime.getDeviceCount()
    except found.cuda.runtime.CUDARuntimeError as failed:
        raise RuntimeError(f"CuPy finds no CUDA device: {failed}") from None
    if devices == 0:
        raise RuntimeError("CuPy finds no CUDA device: the driver lists none")
    return found


def to_device(value: Any) -> Array:
    """The value as a CuPy array on the current device; without CuPy or a device an error that says which is missing."""
    return cupy().asarray(value)


def namespace_of(*values: Any) -> Namespace:
    """The namespace of the arrays among the values; NumPy's where there are only numbers and lists."""
    arrays = [v for v in values if array_api_compat.is_array_api_obj(v)]
    foreign = [v for v in arrays if not array_api_compat.is_numpy_array(v)]
    if foreign and len(foreign) < len(arrays):
        names = sorted({type(v).__module__.partition(".")[0] for v in arrays})
        raise ValueError(f"arrays must be of one library, got {' and '.join(names)}")
    try:
        return array_api_compat.array_namespace(*arrays) if arrays else array_api_compat.numpy
    except TypeError:
        names = sorted({type(v).__module__.partition(".")[0] for v in arrays})
        raise ValueError(f"arrays must be of one library, got {' and '.join(names)}") from None


def on_device(xp: Namespace) -> bool:
    """Whether the namespace is CuPy's."""
    return bool(array_api_compat.is_cupy_namespace(xp))


def to_host(x: Array) -> Any:
    """A NumPy array of the same numbers."""
    return x.get() if array_api_compat.is_cupy_array(x) else np.asarray(x)


def from_host(xp: Namespace, x: Any, like: Array | None = None) -> Array:
    """A NumPy array or number as an array of the namespace, beside another one."""
    if like is None or array_api_compat.is_numpy_namespace(xp):
        return xp.asarray(x)
    return xp.asarray(x, device=array_api_compat.device(like))


def quiet() -> Any:
    """No warnings of overflow and the like: results are looked at."""
    return np.errstate(all="ignore")


def special(name: str, *arguments: Array) -> Array:
    """A function of scipy.special, entry by entry, from CuPy's copy of it where the arrays are on the device."""
    x = arguments[0]
    if array_api_compat.is_cupy_array(x):
        import cupyx.scipy.special as functions

        return getattr(functions, name)(*arguments)
    import scipy.special

    found = getattr(scipy.special, name)(*(np.asarray(a) for a in arguments))
    return namespace_of(x).asarray(found, dtype=x.dtype)


# -- arithmetic -----------------------------------------------------------------------------------


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Arithmetic of the functions called inside: "float64" (the default), "float32", or "tf32".

    "tf32" is float32 with products of matrices whose factors are rounded to 11 significant bits, as tensor cores do;
    without a device it is imitated. What is asked for as certified stays certain: the rounding of the arithmetic is
    added, and the bound is larger for it.
    """
    if name not in _PRECISIONS:
        raise ValueError(f"name must be one of {', '.join(map(repr, _PRECISIONS))}, got {name!r}")
    before = _PRECISION.set(name)
    try:
        yield
    finally:
        _PRECISION.reset(before)


def real_dtype(xp: Namespace) -> Any:
    """The dtype of real results."""
    return xp.float64 if _PRECISION.get() == "float64" else xp.float32


def working(xp: Namespace, x: Array) -> Array:
    """The array in the arithmetic that is asked for."""
    if _PRECISION.get() == "float64":
        return x
    with quiet():
        return xp.astype(x, xp.complex64 if is_complex(xp, x) else xp.float32)


def roundoff() -> float:
    """Unit roundoff of sums and entries."""
    return 2.0**-53 if _PRECISION.get() == "float64" else 2.0**-24


def product_error(terms: int, *, complex_entries: bool) -> float:
    """A bound on |fl(A B) - A B| over |A||B|, for sums of so many terms in any order.

    Complex products are four real ones, so that each part is a sum of twice as many, and both parts together have the
    root of 2 times their bound. Factors rounded to 11 bits are off by 2^-11 each before that.
    """
    k = 2 * terms if complex_entries else terms
    u = roundoff()
    if k * u >= 0.01:
        raise ValueError(f"the arithmetic must be finer for certified sums of {k} terms: use float64")
    bound = k * u / (1 - k * u)
    if _PRECISION.get() == "tf32":
        bound = (1 + bound) * (1 + 2.0**-11) ** 2 - 1
    return bound * (1.4142136 if complex_entries else 1.0)


def matmul(A: Array, B: Array) -> Array:
    """The product, in the arithmetic that is asked for and no less."""
    name = _PRECISION.get()
    if name == "float64":
        return A @ B
    if array_api_compat.is_cupy_array(A):
        with _compute_type(A.dtype, tensor_cores=name == "tf32"):
            return A @ B
    return _truncated(A) @ _truncated(B) if name == "tf32" else A @ B


@contextlib.contextmanager
def _compute_type(dtype: Any, *, tensor_cores: bool) -> Iterator[None]:
    """What cuBLAS may do with float32: CUPY_TF32 in the environment is no request."""
    from cupy._core import _routines_linalg as routines

    before = routines.get_compute_type(dtype)
    routines.set_compute_type(dtype, routines.COMPUTE_TYPE_TF32 if tensor_cores else routines.COMPUTE_TYPE_PEDANTIC)
    try:
        yield
    finally:
        routines.set_compute_type(dtype, before)


def _truncated(A: Array) -> Array:
    """The entries rounded to 11 significant bits, by Veltkamp's splitting: parts of complex entries by themselves."""
    xp = array_api_compat.array_namespace(A)
    if is_complex(xp, A):
        return xp.astype(_truncated(xp.real(A)) + 1j * _truncated(xp.imag(A)), A.dtype)
    shifted = A * (2.0**13 + 1)
    return shifted - (shifted - A)


# -- what every function needs --------------------------------------------------------------------


def is_complex(xp: Namespace, x: Array) -> bool:
    """Whether the dtype is complex."""
    return bool(xp.isdtype(x.dtype, "complex floating"))


def adjoint(xp: Namespace, A: Array) -> Array:
    """The conjugate transpose of the last two axes."""
    T = xp.matrix_transpose(A)
    return xp.conj(T) if is_complex(xp, A) else T


def any_nonzero(xp: Namespace, x: Array) -> bool:
    """Whether an entry is not 0."""
    return bool(xp.any(x != 0))


def frobenius(xp: Namespace, A: Array) -> Array:
    """Frobenius norms over the last two axes."""
    return xp.linalg.vector_norm(A, axis=(-2, -1))


def largest_part(xp: Namespace, x: Array) -> float:
    """The largest modulus of a real or imaginary part."""
    if is_complex(xp, x):
        return max(float(xp.max(xp.abs(xp.real(x)))), float(xp.max(xp.abs(xp.imag(x)))))
    return float(xp.max(xp.abs(x)))


def scaled_by_power_of_two(xp: Namespace, x: Array) -> tuple[Array, int]:
    """``x = y * 2**exponent`` with the largest part of an entry of y in [1/2, 1); zero stays zero."""
    exponent = math.frexp(largest_part(xp, x))[1]
    half = exponent // 2  # two factors, since 2**exponent itself may not be a float
    return x * 2.0**-half * 2.0 ** -(exponent - half), exponent


def rescale(value: float, exponent: int) -> float:
    """``value * 2**exponent``, infinite where that is above the largest float."""
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.copysign(math.inf, value)


# -- memory ---------------------------------------------------------------------------------------


def chunk_size(
    xp: Namespace, count: int, each: int, memory_limit: int | None, name: str, thing: str = "block"
) -> int:
    """How many of `count` things of `each` bytes are worked on at once."""
    limit = memory_limit
    if limit is None:
        limit = _free_device_memory() // 2 if on_device(xp) else max(HOST_CHUNK, HOST_BLOCKS * each)
    if limit < each:
        raise MemoryError(f"{name} must be at least {each} bytes, for one {thing} and what is made of it, got {limit}")
    return max(1, min(count, limit // each))


def _free_device_memory() -> int:
    import cupy

    free, _ = cupy.cuda.Device().mem_info
    return int(free) + int(cupy.get_default_memory_pool().free_bytes())


@contextlib.contextmanager
def memory_of_chunks(xp: Namespace, size: int, each: int) -> Iterator[None]:
    """Turns running out of memory into an error that names a limit that fits."""
    try:
        yield
    except MemoryError as failed:
        if str(failed).startswith("memory_limit"):
            raise
        if on_device(xp):
            import cupy

            cupy.get_default_memory_pool().free_all_blocks()
            fits = _free_device_memory() // 2
        else:
            fits = size * each // 2
        raise MemoryError(
            f"memory_limit must be smaller: {size} blocks of {each} bytes did not fit, {max(fits, each)} bytes would"
        ) from failed
