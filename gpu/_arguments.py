"""Checks of arrays where they are: the messages of refimpl's checks, without a copy to the host.

Lists and NumPy arrays go through refimpl's own checks. Arrays come back as float64 or complex128, unchanged to the last
bit, in their namespace; numbers, counts and choices are checked by `refimpl._arguments`.
"""

from __future__ import annotations

from typing import Any

import array_api_compat

from gpu._namespace import Array, Namespace, from_host, is_complex, namespace_of, quiet
from refimpl._arguments import _numbers, _reject

__all__ = [
    "as_array", "as_image", "as_kernel", "as_matrix", "as_matrix_or_kernel", "as_real_array", "as_real_matrix",
    "as_real_vector", "as_vector", "check_whole", "in_range",
]

_EXACT = 2**53


def as_array(value: Any, name: str, needs: str, xp: Namespace) -> Array:
    """Finite numbers, at least one."""
    if not array_api_compat.is_array_api_obj(value) or array_api_compat.is_numpy_array(value):
        return from_host(xp, _numbers(value, name, needs))
    complex_entries = is_complex(xp, value)
    if not complex_entries and not xp.isdtype(value.dtype, ("real floating", "integral")):
        raise _reject(name, f"{needs} of real or complex numbers", f"dtype {_dtype(value)}")
    if 0 in value.shape:
        raise _reject(name, f"{needs} with at least one entry", f"shape {value.shape}")
    target = xp.complex128 if complex_entries else xp.float64
    array = xp.astype(value, target, copy=False)
    if not bool(xp.all(xp.isfinite(array))):
        place, entry = _first(xp, ~xp.isfinite(array), array)
        raise _reject(name, f"{needs} of finite numbers", f"{entry} at index {place}")
    if value.dtype in (xp.int64, xp.uint64):
        # Beyond 2^53 not every integer is a float: those come back as another one, or as none.
        wide = xp.abs(array) >= _EXACT
        if bool(xp.any(wide)):
            with quiet():
                changed = wide & ((xp.abs(array) >= 2.0**63) | (xp.astype(array, value.dtype) != value))
            if bool(xp.any(changed)):
                place, entry = _first(xp, changed, value)
                got = f"{entry} ({_dtype(value)}) at index {place}"
                raise _reject(name, f"{needs} of numbers that float64 holds exactly", got)
    return array


def _dtype(value: Array) -> str:
    return str(value.dtype).rpartition(".")[2]


def _first(xp: Namespace, wrong: Array, array: Array) -> tuple[tuple[int, ...], Any]:
    """Index and value of the first entry that is wrong."""
    flat = int(xp.argmax(xp.astype(xp.reshape(wrong, (-1,)), xp.int8)))
    place: list[int] = []
    for size in reversed(array.shape):
        flat, index = divmod(flat, size)
        place.insert(0, index)
    entry = array[tuple(place)]
    scalar = complex(entry) if is_complex(xp, array) else float(entry) if xp.isdtype(
        array.dtype, "real floating") else int(entry)
    return tuple(place), scalar


def as_matrix(value: Any, name: str = "W", *, square: bool = False, xp: Namespace | None = None) -> Array:
    """A finite, non-empty matrix."""
    xp = namespace_of(value) if xp is None else xp
    array = as_array(value, name, "a matrix", xp)
    if array.ndim != 2:
        raise _reject(name, "a matrix (two dimensions)", f"shape {array.shape}")
    if square and array.shape[0] != array.shape[1]:
        raise _reject(name, "a square matrix", f"shape {array.shape}")
    return array


def as_real_matrix(value: Any, name: str = "W", *, xp: Namespace | None = None) -> Array:
    """A finite, non-empty real matrix."""
    xp = namespace_of(value) if xp is None else xp
    return _real(as_matrix(value, name, xp=xp), name, "a real matrix", xp)


def as_vector(value: Any, name: str = "x", *, size: int | None = None, xp: Namespace | None = None) -> Array:
    """A finite, non-empty vector, of the given size if there is one."""
    xp = namespace_of(value) if xp is None else xp
    array = as_array(value, name, "a vector", xp)
    if array.ndim != 1:
        raise _reject(name, "a vector (one dimension)", f"shape {array.shape}")
    if size is not None and array.shape[0] != size:
        raise _reject(name, f"a vector of {size} entries", f"{array.shape[0]} entries")
    return array


def as_real_vector(value: Any, name: str = "x", *, size: int | None = None, xp: Namespace | None = None) -> Array:
    """A finite, non-empty real vector, of the given size if there is one."""
    xp = namespace_of(value) if xp is None else xp
    return _real(as_vector(value, name, size=size, xp=xp), name, "a real vector", xp)


def as_kernel(value: Any, name: str = "K", *, xp: Namespace | None = None) -> Array:
    """A finite, non-empty convolution kernel (c_out, c_in, k_h, k_w)."""
    xp = namespace_of(value) if xp is None else xp
    array = as_array(value, name, "a kernel", xp)
    if array.ndim != 4:
        raise _reject(name, "a kernel (c_out, c_in, k_h, k_w), with k_h = 1 for one dimension", f"shape {array.shape}")
    return array


def as_matrix_or_kernel(value: Any, name: str = "W", *, xp: Namespace | None = None) -> Array:
    """A finite, non-empty matrix or convolution kernel."""
    xp = namespace_of(value) if xp is None else xp
    array = as_array(value, name, "a matrix or kernel", xp)
    if array.ndim not in (2, 4):
        raise _reject(name, "a matrix or a kernel (two or four dimensions)", f"shape {array.shape}")
    return array


def as_image(value: Any, name: str = "X", *, channels: int | None = None, xp: Namespace | None = None) -> Array:
    """A finite, non-empty image (channels, height, width)."""
    xp = namespace_of(value) if xp is None else xp
    array = as_array(value, name, "an image", xp)
    if array.ndim != 3:
        raise _reject(name, "an image (channels, height, width), with height 1 for a signal", f"shape {array.shape}")
    if channels is not None and array.shape[0] != channels:
        raise _reject(name, f"an image of {channels} channels, as the kernel has", f"shape {array.shape}")
    return array


def as_real_array(value: Any, name: str, needs: str = "an array", *, xp: Namespace | None = None) -> Array:
    """A finite, non-empty real array of any shape, a number included."""
    xp = namespace_of(value) if xp is None else xp
    return _real(as_array(value, name, needs, xp), name, f"{needs} of real numbers", xp)


def _real(array: Array, name: str, needs: str, xp: Namespace) -> Array:
    if is_complex(xp, array):
        raise _reject(name, needs, f"dtype {_dtype(array)}")
    return array


def in_range(result: Array, name: str, xp: Namespace) -> Array:
    """The result, or OverflowError where an entry has left the range of floats."""
    if not bool(xp.all(xp.isfinite(result))):
        raise OverflowError(f"{name} leaves the range of floats: scale the arguments down")
    return result


def check_whole(array: Array, name: str, xp: Namespace) -> None:
    """Refuse entries that are no integers of at least 0."""
    wrong = (array < 0) | (array != xp.floor(array))
    if bool(xp.any(wrong)):
        raise _reject(name, "integers of at least 0", f"{_first(xp, wrong, array)[1]:.17g}")
