"""What a format must say: which labels it can hold, how it writes them, and how it reads them back."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from querist.core.errors import DataError

Label = Any
"""Plain data: a class name, a list of names, a number, a list of tags."""


@dataclass(frozen=True, kw_only=True)
class LabelRecord:
    """One labelled row as it travels between runs and tools.

    Args:
        label: plain data, as the task's kind wants it.
        row: pool id; ``None`` where the file names rows by key alone.
        key: the row's name that is the same in every run over these data (a path, say); empty where unknown.
        split: train, validation or test; empty where unknown.
        annotators: who gave the label.
        round: the round that asked the row; ``None`` where nobody asked.
        reason: why it was asked.
        place: where the record was read, for messages; not part of what it says.
    """

    label: Label
    row: int | None = None
    key: str = ""
    split: str = ""
    annotators: tuple[str, ...] = ()
    round: int | None = None
    reason: str = ""
    place: str = field(default="", compare=False)


COLUMNS = ("row", "key", "split", "label", "annotators", "round", "reason")
"""The columns of a file of labels, in this order. An import needs ``label`` and one of ``row`` and ``key``."""


class Format(ABC):
    """One kind of file. Both ways stream: a record at a time, in the order given."""

    holds: ClassVar[frozenset[str]]
    """Kinds of tasks whose labels survive the way out and back in."""
    suffix: ClassVar[str]
    """What its files end in."""
    counts: ClassVar[str] = "line"
    """What a place in the file is called."""

    @abstractmethod
    def write(self, records: Iterable[LabelRecord], file: BinaryIO, *, kind: str) -> None:
        """Write labels of a task of ``kind``."""

    @abstractmethod
    def read(self, file: BinaryIO, *, kind: str) -> Iterator[LabelRecord]:
        """The records of a file, each with its place.

        Raises:
            DataError: a record that cannot be read; names its place.
        """

    def place(self, file: BinaryIO, number: int) -> str:
        """How messages name the ``number``-th line or record of ``file``."""
        return f"{Path(file.name).name} {self.counts} {number}"


TABULAR = frozenset({"classification", "multilabel", "regression", "tokens"})
"""Kinds whose label fits in a cell of a table."""


def record_from(values: Mapping[str, Any], *, kind: str, place: str) -> LabelRecord:
    """The record that the cells of one line describe; absent ones may be ``None``.

    Raises:
        DataError: a cell is missing or of the wrong type; names ``place``.

    Example:
        >>> record_from({"key": "a.png", "label": "cat"}, kind="classification", place="line 2").label
        'cat'
    """
    row, key = _count(values.get("row"), "row", place), values.get("key")
    if row is None and key in (None, ""):
        raise DataError(f"{place} names no row", hint="give a row or a key")
    try:
        label = checked_label(values.get("label"), kind=kind)
    except DataError as error:
        raise DataError(f"{place}: {error.message}", hint=error.hint) from None
    annotators = values.get("annotators") or ()
    if isinstance(annotators, str) or not all(isinstance(name, str) for name in annotators):
        raise DataError(f"{place}: annotators are {annotators!r}", hint="give a list of names")
    return LabelRecord(
        row=row,
        key="" if key is None else str(key),
        split=values.get("split") or "",
        label=label,
        annotators=tuple(annotators),
        round=_count(values.get("round"), "round", place),
        reason=values.get("reason") or "",
        place=place,
    )


def checked_label(value: Any, *, kind: str) -> Label:
    """``value`` as a label of a task of ``kind``.

    Raises:
        DataError: it is none.

    Example:
        >>> checked_label(3, kind="classification"), checked_label(3, kind="regression")
        ('3', 3.0)
    """
    if kind == "classification" and isinstance(value, str | Integral) and not isinstance(value, bool) and value != "":
        return str(value)
    if kind == "regression" and isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    listed = kind in ("multilabel", "tokens") and isinstance(value, list | tuple)
    if listed and all(isinstance(name, str) for name in value):
        return list(value)
    if value is None or value == "":
        raise DataError("there is no label", hint="fill it in or remove the line")
    wanted = {"classification": "a class name", "regression": "a finite number"}.get(kind, "a list of names")
    raise DataError(f"the label is {value!r}", hint=f"give {wanted}")


def _count(value: Any, name: str, place: str) -> int | None:
    if value is None or value == "":
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0 or isinstance(value, bool) or (isinstance(value, float) and number != value):
        raise DataError(f"{place}: {name} is {value!r}", hint="give a whole number from 0")
    return number
