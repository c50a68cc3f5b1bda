"""Numbers of a label in the picture: finite, and kept to a thousandth of a pixel."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from querist.core.errors import DataError

_DIGITS = 3


def pixels(value: Any, name: str) -> int | float:
    """``value`` to a thousandth of a pixel; a whole number where it is one.

    Some formats hold percents or shares of the side. With this grain a place comes back from them as the number it
    was, and a file that is written again is the same file.

    Raises:
        DataError: no finite number.

    Example:
        >>> pixels(13.0, "x"), pixels(29.999999999999996, "x"), pixels(1 / 3, "x")
        (13, 30, 0.333)
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise DataError(f"{name} is {value!r}", hint="give a number of pixels")
    grain = round(float(value), _DIGITS)
    return int(grain) if grain == int(grain) else grain


def count(value: Any, name: str, *, least: int = 0) -> int:
    """``value`` as a whole number that is at least ``least``.

    Raises:
        DataError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, Integral | float) or value != value // 1 or value < least:
        raise DataError(f"{name} is {value!r}", hint=f"give a whole number from {least}")
    return int(value)


def inside(value: int | float, side: int, name: str) -> None:
    """Refuse a place that is not in the picture.

    Raises:
        DataError: below 0 or beyond ``side``.
    """
    if not 0 <= value <= side:
        raise DataError(f"{name} is {value}, outside the picture's {side} pixels", hint="keep it inside")
