"""What a format must say: which labels it can hold, how it writes them, and how it reads them back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from querist.core.errors import DataError
from querist.core.labels import KINDS, Label, checked_label


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
        payload: the text or the tokens that were labelled, for formats that carry them; not part of what it says.
        place: where the record was read, for messages; not part of what it says.
    """

    label: Label
    row: int | None = None
    key: str = ""
    split: str = ""
    annotators: tuple[str, ...] = ()
    round: int | None = None
    reason: str = ""
    payload: str | Sequence[str] | None = field(default=None, compare=False)
    place: str = field(default="", compare=False)


COLUMNS = ("row", "key", "split", "label", "annotators", "round", "reason")
"""The columns of a file of labels, in this order. An import needs ``label`` and one of ``row`` and ``key``."""


class Format(ABC):
    """One kind of file, or of folder. Both ways keep the order, and write a record at a time."""

    holds: ClassVar[frozenset[str]]
    """Kinds of labels that survive the way out and back in."""
    lacks: ClassVar[frozenset[str]] = frozenset()
    """Features of labels of these kinds that it has no words for (:func:`querist.core.labels.features`)."""
    carries: ClassVar[frozenset[str]] = frozenset()
    """Kinds for which it needs the texts or tokens themselves."""
    note: ClassVar[str] = ""
    """What else a person should know; it stands in the table of the guide."""
    suffix: ClassVar[str]
    """What its files end in; empty for a folder."""
    counts: ClassVar[str] = "line"
    """What a place in the file is called."""


class FileFormat(Format):
    """One file holds all records."""

    @abstractmethod
    def write(self, records: Iterable[LabelRecord], file: BinaryIO, *, kind: str, classes: Sequence[str] = ()) -> None:
        """Write labels of a task of ``kind``.

        Args:
            records: each checked.
            file: to write into; not closed here.
            kind: of the labels.
            classes: names in the order of the outputs; those that turn up beside them come behind.
        """

    @abstractmethod
    def read(self, file: BinaryIO, *, kind: str) -> Iterator[LabelRecord]:
        """The records of a file, each with its place.

        Raises:
            DataError: a record that cannot be read; names its place.
        """

    def place(self, file: BinaryIO, number: int) -> str:
        """How messages name the ``number``-th line or record of ``file``."""
        return f"{Path(file.name).name} {self.counts} {number}"


class FolderFormat(Format):
    """A file a row, and perhaps some that speak of all rows."""

    suffix = ""

    @abstractmethod
    def write(self, records: Iterable[LabelRecord], folder: Path, *, kind: str, classes: Sequence[str] = ()) -> None:
        """Write labels of a task of ``kind`` into an empty folder."""

    @abstractmethod
    def read(self, folder: Path, *, kind: str) -> Iterator[LabelRecord]:
        """The records of a folder, each with its place.

        Raises:
            DataError: a record that cannot be read; names its place.
        """


EVERY_KIND = frozenset(KINDS)


def record_from(
    values: Mapping[str, Any], *, kind: str, place: str, payload: str | Sequence[str] | None = None
) -> LabelRecord:
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
        payload=payload,
        place=place,
    )


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
