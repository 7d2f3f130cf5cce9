"""Exact numbers as text: inputs as hexadecimal floats, results as 30 digits and a radius."""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpz

DIGITS = 30
# So many digits are asked of a ball: its midpoint is rounded to them first, and only that is rounded to the digits that
# are written. Midpoints and radii of another version of the library then give the same text.
KNOWN = 60
# A ball around 0 that is smaller than this power of ten, far below the floats, is written as 0 with that radius.
NOTHING = 400
# Exponents of 2 beyond which no number is written out.
FARTHEST = 30_000


def hexadecimal(value: float) -> str:
    """As short as it gets: 0x1.8p+0."""
    text = float(value).hex()
    if "." not in text:
        return text  # inf, nan
    head, _, power = text.partition("p")
    return f"{head.rstrip('0').rstrip('.')}p{power}"


def is_complex(value: Any) -> bool:
    """Whether this stands for a complex number."""
    return isinstance(value, dict) and set(value) == {"re", "im"} and all(is_number(part) for part in value.values())


def is_number(text: Any) -> bool:
    """Whether a string stands for a float."""
    return isinstance(text, str) and text.lstrip("-").startswith(("0x", "inf", "nan"))


def encode(value: Any) -> Any:
    """Integers as they are, floats and arrays of floats as hexadecimal strings."""
    if isinstance(value, np.ndarray):
        return encode(value.tolist())
    if isinstance(value, (list, tuple)):
        return [encode(v) for v in value]
    if isinstance(value, float):
        return hexadecimal(value)
    if isinstance(value, dict):
        return {key: encode(v) for key, v in value.items()}
    if isinstance(value, complex):
        return {"re": hexadecimal(value.real), "im": hexadecimal(value.imag)}
    return value


def decode(value: Any) -> Any:
    """The other way round; lists of floats become arrays, lists of integers stay lists."""
    if isinstance(value, list):
        items = [decode(v) for v in value]
        return np.array(items) if _all_floats(value) else items
    if is_complex(value):
        return complex(float.fromhex(value["re"]), float.fromhex(value["im"]))
    return float.fromhex(value) if is_number(value) else value


def _all_floats(value: Any) -> bool:
    if isinstance(value, list):
        shapes = {len(v) if isinstance(v, list) else -1 for v in value}
        return len(value) > 0 and len(shapes) == 1 and all(_all_floats(v) for v in value)
    return is_number(value) or is_complex(value)


def exact(value: Any) -> Fraction | float:
    """A finite number as a fraction, or inf, -inf, nan."""
    if isinstance(value, str):
        if is_number(value):
            return exact(float.fromhex(value))
        return Fraction(value)
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return Fraction(value)
    number = float(value)
    return Fraction(number) if math.isfinite(number) else number


def decimal(ball: Any, sharp: bool = False) -> tuple[str, str]:
    """30 significant digits of a ball's number, and how far the number may be from them; nothing where it is sharp."""
    ball = arb(ball)
    if not ball.is_finite():
        if ball == arb.pos_inf():
            return "inf", "0"
        raise ValueError(f"{ball} is no enclosure of a number")
    middle, radius = _fraction(ball.mid()), arb(ball.rad())
    if middle == 0 and radius == 0:
        return "0", "0"
    if abs(ball) < arb(10) ** -NOTHING:  # a zero that balls cannot prove
        return "0", f"1e-{NOTHING}"
    if middle == 0 or not radius * 1000 < arb(10) ** (_exponent(abs(middle)) - KNOWN):
        raise ValueError(f"{ball} has fewer than {KNOWN + 3} digits")
    known = _rounded(middle, KNOWN)
    value = _rounded(known, DIGITS)
    if sharp and radius != 0:
        raise ValueError(f"{ball} is not exact")
    if sharp and value == middle:
        return _written(value), "0"
    return _written(value), f"1e{_exponent(abs(known)) - (KNOWN if known == value else DIGITS) + 1}"


def _rounded(value: Fraction, digits: int) -> Fraction:
    """To so many significant digits."""
    last = Fraction(10) ** (_exponent(abs(value)) - digits + 1)
    return round(value / last) * last


def _fraction(ball: Any) -> Fraction:
    mantissa, exponent = ball.man_exp()
    if abs(exponent) > FARTHEST:
        raise ValueError(f"{ball} is far outside of the range of floats")
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _exponent(size: Fraction) -> int:
    """The power of ten of the first digit."""
    guess = len(str(size.numerator)) - len(str(size.denominator))
    while Fraction(10) ** guess > size:
        guess -= 1
    while Fraction(10) ** (guess + 1) <= size:
        guess += 1
    return guess


def _written(value: Fraction) -> str:
    """A number of at most 30 digits, without trailing zeros, as a person would write it."""
    last = _exponent(abs(value)) - DIGITS + 1
    digits = int(value / Fraction(10) ** last)
    sign, text = "-" * (digits < 0), str(abs(digits))
    kept = text.rstrip("0")
    last += len(text) - len(kept)
    point = len(kept) + last  # digits before the point
    if last >= 0 and point <= 21:
        return sign + kept + "0" * last
    if 0 < point <= 21:
        return f"{sign}{kept[:point]}.{kept[point:]}"
    if -5 < point <= 0:
        return f"{sign}0.{'0' * -point}{kept}"
    mantissa = kept if len(kept) == 1 else f"{kept[0]}.{kept[1:]}"
    return f"{sign}{mantissa}e{point - 1}"


def rational(value: Any) -> Any:
    """An exact ball or integer of python-flint's kind from a fraction."""
    return fmpq(fmpz(value.numerator), fmpz(value.denominator))


class Draws:
    """Integers from a name and a seed by SHA-256: the same on every platform and in every version."""

    def __init__(self, name: str, seed: int) -> None:
        self._start, self._count = f"{seed}:{name}:".encode(), 0

    def integer(self, low: int, high: int) -> int:
        """Between both ends, included."""
        self._count += 1
        digest = hashlib.sha256(self._start + str(self._count).encode()).digest()
        return low + int.from_bytes(digest, "big") % (high - low + 1)

    def array(self, *shape: int, high: int = 16, of: int = 8) -> Any:
        """Multiples of 1/of up to high/of: short in hexadecimal, exact in every order of summation."""
        size = math.prod(shape)
        return np.array([self.integer(-high, high) / of for _ in range(size)], dtype=float).reshape(shape)

    def pick(self, items: Any) -> Any:
        """One of them."""
        return items[self.integer(0, len(items) - 1)]
