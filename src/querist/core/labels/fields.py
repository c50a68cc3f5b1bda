"""Plain data (JSON objects) to the arguments of a value, and its name checked."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from querist.core.errors import DataError


def taken(value: Any, what: str, *, needs: tuple[str, ...], may: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of an object that has all of ``needs`` and nothing but these and ``may``.

    Raises:
        DataError: no object, a field that is lacking, or one that is not known.

    Example:
        >>> taken({"start": 0, "end": 3}, "a span", needs=("start", "end"))
        {'start': 0, 'end': 3}
    """
    if not isinstance(value, Mapping):
        raise DataError(f"{what} is {reprlib.repr(value)}", hint=f"give an object with {', '.join(needs)}")
    lacking = [name for name in needs if name not in value]
    if lacking:
        raise DataError(f"{what} lacks {', '.join(lacking)}", hint=f"give {', '.join(needs)}")
    strange = [str(name) for name in value if name not in needs and name not in may]
    if strange:
        raise DataError(f"{what} has the field {strange[0]!r}", hint=f"known: {', '.join(needs + may)}")
    return dict(value)


def sequence(value: Any, what: str) -> list[Any]:
    """``value`` as a list.

    Raises:
        DataError: it is none.
    """
    if not isinstance(value, list | tuple):
        raise DataError(f"{what} are {reprlib.repr(value)}", hint="give a list")
    return list(value)


def class_name(value: Any, what: str) -> str:
    """The class that a part of a row was given.

    Raises:
        DataError: no text, or an empty one.
    """
    if not isinstance(value, str) or not value:
        raise DataError(f"the class of {what} is {reprlib.repr(value)}", hint="give a class name")
    return value


@contextmanager
def of(place: str) -> Iterator[None]:
    """Put ``place`` in front of what is said about a part of a label."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{place}: {error.message}", hint=error.hint) from None
