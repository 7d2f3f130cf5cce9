"""Every argument check of refimpl and every message: the name, what it needs, what it got."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def _reject(name: str, needs: str, got: str) -> ValueError:
    return ValueError(f"{name} must be {needs}, got {got}")


def _numbers(value: npt.ArrayLike, name: str, needs: str) -> Array:
    """The value as float64 or complex128, unchanged to the last bit, or an error."""
    try:
        raw = np.asarray(value)
    except (ValueError, TypeError):
        raise _reject(name, needs, "rows of different lengths") from None
    if raw.dtype == bool or raw.dtype.kind not in "iufc":
        raise _reject(name, f"{needs} of real or complex numbers", f"dtype {raw.dtype}")
    target = np.complex128 if raw.dtype.kind == "c" else np.float64
    with np.errstate(over="ignore"):
        array = raw.astype(target, copy=False)
    if raw.size == 0:
        raise _reject(name, f"{needs} with at least one entry", f"shape {raw.shape}")
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise _reject(name, f"{needs} of finite numbers", f"{raw[place]} at index {place}")
    if raw.dtype != array.dtype:
        changed = _changed(raw, array)
        if changed.any():
            place = tuple(int(i) for i in np.argwhere(changed)[0])
            raise _reject(
                name, f"{needs} of numbers that {array.dtype} holds exactly",
                f"{raw[place]} ({raw.dtype}) at index {place}",
            )
    return array


def _changed(raw: Array, array: Array) -> Array:
    """Where the conversion did not keep the value: compared as Python integers or wide floats."""
    if raw.dtype.kind in "iu":
        changed = np.zeros(raw.shape, bool)
        # Integers below 2^53 are floats; only the others are worth a look one by one.
        large = np.abs(array) >= 2.0**53
        pairs = zip(array[large], raw[large], strict=True)
        changed[large] = [int(a) != int(b) for a, b in pairs]
        return changed
    return np.asarray(array.astype(raw.dtype) != raw) if raw.itemsize > array.itemsize else np.zeros(raw.shape, bool)


def as_matrix(value: npt.ArrayLike, name: str = "W", *, square: bool = False) -> Array:
    """A finite, non-empty matrix as float64 or complex128."""
    array = _numbers(value, name, "a matrix")
    if array.ndim != 2:
        raise _reject(name, "a matrix (two dimensions)", f"shape {array.shape}")
    if square and array.shape[0] != array.shape[1]:
        raise _reject(name, "a square matrix", f"shape {array.shape}")
    return array


def as_real_matrix(value: npt.ArrayLike, name: str = "W") -> Array:
    """A finite, non-empty real matrix as float64."""
    array = as_matrix(value, name)
    if np.iscomplexobj(array):
        raise _reject(name, "a real matrix", f"dtype {array.dtype}")
    return array


def as_vector(value: npt.ArrayLike, name: str = "x", *, size: int | None = None) -> Array:
    """A finite, non-empty vector as float64 or complex128, of the given size if there is one."""
    array = _numbers(value, name, "a vector")
    if array.ndim != 1:
        raise _reject(name, "a vector (one dimension)", f"shape {array.shape}")
    if size is not None and array.size != size:
        raise _reject(name, f"a vector of {size} entries", f"{array.size} entries")
    return array


def as_real_vector(value: npt.ArrayLike, name: str = "x", *, size: int | None = None) -> Array:
    """A finite, non-empty real vector as float64, of the given size if there is one."""
    array = as_vector(value, name, size=size)
    if np.iscomplexobj(array):
        raise _reject(name, "a real vector", f"dtype {array.dtype}")
    return array


def as_kernel(value: npt.ArrayLike, name: str = "K") -> Array:
    """A finite, non-empty convolution kernel (c_out, c_in, k_h, k_w) as float64 or complex128."""
    array = _numbers(value, name, "a kernel")
    if array.ndim != 4:
        raise _reject(name, "a kernel (c_out, c_in, k_h, k_w), with k_h = 1 for one dimension", f"shape {array.shape}")
    return array


def as_matrix_or_kernel(value: npt.ArrayLike, name: str = "W") -> Array:
    """A finite, non-empty matrix or convolution kernel as float64 or complex128."""
    array = _numbers(value, name, "a matrix or kernel")
    if array.ndim not in (2, 4):
        raise _reject(name, "a matrix or a kernel (two or four dimensions)", f"shape {array.shape}")
    return array


def as_image(value: npt.ArrayLike, name: str = "X", *, channels: int | None = None) -> Array:
    """A finite, non-empty image (channels, height, width) as float64 or complex128."""
    array = _numbers(value, name, "an image")
    if array.ndim != 3:
        raise _reject(name, "an image (channels, height, width), with height 1 for a signal", f"shape {array.shape}")
    if channels is not None and len(array) != channels:
        raise _reject(name, f"an image of {channels} channels, as the kernel has", f"shape {array.shape}")
    return array


def as_real_array(value: npt.ArrayLike, name: str, needs: str = "an array") -> Array:
    """A finite, non-empty real array of any shape, a number included, as float64."""
    array = _numbers(value, name, needs)
    if np.iscomplexobj(array):
        raise _reject(name, f"{needs} of real numbers", f"dtype {array.dtype}")
    return array


def in_range(result: Array, name: str) -> Array:
    """The result, or OverflowError where an entry has left the range of floats."""
    if not np.isfinite(result).all():
        raise OverflowError(f"{name} leaves the range of floats: scale the arguments down")
    return result


def as_pair(value: Any, name: str, *, minimum: int = 1) -> tuple[int, int]:
    """(vertical, horizontal) integers of at least the minimum; one integer stands for both."""
    needs = f"an integer of at least {minimum}, or a pair of them (vertical, horizontal)"
    if isinstance(value, (str, dict, set)):
        raise _reject(name, needs, repr(value))
    given = list(value) if isinstance(value, Iterable) else [value, value]
    if len(given) != 2:
        raise _reject(name, needs, repr(value))
    try:
        first, second = (as_count(part, name, minimum=minimum) for part in given)
    except ValueError:
        raise _reject(name, needs, repr(value)) from None
    return first, second


def as_count(value: Any, name: str, *, minimum: int = 0) -> int:
    """An integer of at least the minimum (no booleans, no floats)."""
    needs = f"an integer of at least {minimum}"
    if isinstance(value, (bool, np.bool_)):
        raise _reject(name, needs, repr(value))
    try:
        count = operator.index(value)
    except TypeError:
        raise _reject(name, needs, repr(value)) from None
    if count < minimum:
        raise _reject(name, needs, str(count))
    return count


def as_number(
    value: Any, name: str, *, above: float | None = None, minimum: float | None = None,
    infinite: bool = False,
) -> float:
    """A real number above one bound or not below another; finite unless told otherwise."""
    needs = "a number" if infinite else "a finite number"
    if above is not None:
        needs += f" above {above:g}"
    if minimum is not None:
        needs += f" of at least {minimum:g}"
    if isinstance(value, (bool, np.bool_, str, bytes, list, tuple)) or np.asarray(value).dtype.kind not in "iufO":
        raise _reject(name, needs, repr(value))
    if np.ndim(value) != 0:
        raise _reject(name, needs, repr(value))
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise _reject(name, needs, repr(value)) from None
    in_range = (above is None or number > above) and (minimum is None or number >= minimum)
    if math.isnan(number) or (math.isinf(number) and not infinite) or not in_range:
        raise _reject(name, needs, repr(number))
    return number


def as_sequence(value: Any, name: str) -> list[Any]:
    """The items of a sequence."""
    if isinstance(value, (set, frozenset, dict, str, bytes)):
        raise _reject(name, "a sequence", repr(value))
    try:
        return list(value)
    except TypeError:
        raise _reject(name, "a sequence", repr(value)) from None


def as_probabilities(value: npt.ArrayLike, name: str) -> Array:
    """Real numbers of any shape in [0, 1]."""
    array = as_real_array(value, name, "a number or an array")
    if (array < 0).any() or (array > 1).any():
        raise ValueError(f"{name} must lie in [0, 1], got {array.min() if (array < 0).any() else array.max()}")
    return array


def check_whole(array: Array, name: str) -> None:
    """Refuse entries that are no integers of at least 0."""
    wrong = (array < 0) | (array != np.floor(array))
    if wrong.any():
        raise _reject(name, "integers of at least 0", f"{array[wrong][0]:.17g}")


def check_callable(value: Any, name: str) -> None:
    """Refuse what cannot be called."""
    if not callable(value):
        raise _reject(name, "callable", repr(value))


def check_one_start(start: Any, rng: Any) -> None:
    """Refuse a start beside a source of random starts, or neither."""
    if (start is None) == (rng is None):
        raise ValueError(f"start must be given if rng is not, and only then, got {'none' if rng is None else 'both'}")


def as_choice(value: Any, name: str, choices: Sequence[Any]) -> Any:
    """One of the choices, compared by type and value."""
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    raise _reject(name, "one of " + ", ".join(map(repr, choices)), repr(value))


def as_generator(value: Any, name: str = "rng") -> np.random.Generator:
    """A generator, made from a seed where a non-negative integer is given."""
    if isinstance(value, np.random.Generator):
        return value
    try:
        return np.random.default_rng(as_count(value, name))
    except ValueError:
        raise _reject(name, "a numpy.random.Generator or a seed (an integer of at least 0)", repr(value)) from None
