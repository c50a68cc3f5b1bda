"""Labels out of a run and into one: from the journal to a file and back as events.

Nothing here knows pools or tasks: whoever calls says what a row is called and whether a label fits the task.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from querist.core.errors import DataError
from querist.core.events import LabelGiven, Query
from querist.core.labels import Label, checked_label, features
from querist.storage.atomic import atomic_folder, atomic_write
from querist.storage.formats.base import FileFormat, FolderFormat, LabelRecord
from querist.storage.formats.capabilities import format_of, refuse_features
from querist.storage.journal import Journal

ANNOTATOR = "import"
"""Who gives the labels that come from a file."""


def label_records(
    journal: Journal,
    campaign: str,
    labels: Iterable[tuple[int, Label, Sequence[str]]],
    *,
    key: Callable[[int], str],
    split: Callable[[int], str],
    payload: Callable[[int], str | Sequence[str] | None] = lambda _: None,
) -> Iterator[LabelRecord]:
    """The records of labelled rows, by row id, with the round that first asked each row, and why.

    Args:
        journal: where the rounds stand.
        campaign: whose rounds.
        labels: row, its label, and who gave it.
        key: what a row is called.
        split: which split a row belongs to.
        payload: the text or tokens of a row, for formats that carry them.
    """
    asked: dict[int, tuple[int, str]] = {}
    for known in journal.rounds(campaign):
        for pick in known.picks:
            asked.setdefault(pick.row, (known.number, pick.reason))
    for row, label, annotators in sorted(labels, key=lambda each: each[0]):
        number, reason = asked.get(row, (None, ""))
        yield LabelRecord(
            row=row,
            key=key(row),
            split=split(row),
            label=label,
            annotators=tuple(annotators),
            round=number,
            reason=reason,
            payload=payload(row),
        )


def export_labels(
    records: Iterable[LabelRecord],
    path: str | Path,
    *,
    format: str,  # noqa: A002
    kind: str,
    classes: Sequence[str] = (),
) -> int:
    """Write ``records`` to ``path``, whole or not at all, and count them.

    Args:
        records: in the order they shall stand in the file.
        path: a file, replaced if it is there; for a format of folders, a folder that is not there yet or empty.
        format: registered name (csv, jsonl, parquet, coco, ...).
        kind: kind of the labels (classification, boxes, ...).
        classes: names in the order of the outputs, for formats that list them; those that turn up in the records
            come behind.

    Raises:
        UnknownName: there is no such format.
        UsageError: the format cannot hold such labels; says which can.
        DataError: a record's label is not of that kind.
        NotDurable: the file cannot be written; what stood there before still stands.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = f"{folder}/labels.csv"
        ...     written = export_labels([LabelRecord(row=4, label="cat")], path, format="csv", kind="classification")
        ...     (written, import_labels(path, format="csv", kind="classification")[0].label)
        (1, 'cat')
    """
    form = format_of(format, kind=kind)
    count = 0

    def checked() -> Iterator[LabelRecord]:
        nonlocal count
        for record in records:
            where = f"row {record.row}" if record.row is not None else f"key {record.key!r}"
            with _naming(where):
                label = checked_label(record.label, kind=kind)
            if form.lacks:
                refuse_features(form, features(label, kind=kind), kind=kind, where=where)
            count += 1
            yield dataclasses.replace(record, label=label)

    try:
        if isinstance(form, FolderFormat):
            with atomic_folder(path) as folder:
                form.write(checked(), folder, kind=kind, classes=classes)
        elif isinstance(form, FileFormat):
            with atomic_write(path) as file:
                form.write(checked(), file, kind=kind, classes=classes)
    except UnicodeEncodeError as error:
        raise DataError(f"{error.object!r} is no text that UTF-8 can hold", hint="repair that name") from None
    return count


def import_labels(path: str | Path, *, format: str, kind: str) -> list[LabelRecord]:  # noqa: A002
    """The records of a file or folder of labels, all of them read and checked before any is returned.

    Raises:
        UnknownName: there is no such format.
        UsageError: the format cannot hold such labels; says which can.
        DataError: the file is missing, or a line cannot be read; names the line.
    """
    form, path = format_of(format, kind=kind), Path(path)
    try:
        if isinstance(form, FolderFormat):
            if not path.is_dir():
                found = "is a file" if path.exists() else "is not there"
                raise DataError(f"{path} {found}, and {format} is a folder", hint="check the path, or name the format")
            return list(form.read(path, kind=kind))
        assert isinstance(form, FileFormat)
        with path.open("rb") as file:
            return list(form.read(file, kind=kind))
    except OSError as error:
        raise DataError(
            f"{error.filename or path} cannot be read: {error.strerror or error}", hint="check the path"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error.reason}", hint="save it as UTF-8") from None


def label_events(
    records: Iterable[LabelRecord],
    *,
    campaign: str,
    row_of: Mapping[str, int],
    rows: Container[int],
    check: Callable[[Label], object] | None = None,
    fits: Callable[[int, LabelRecord], object] | None = None,
) -> list[LabelGiven]:
    """Records as events to append in one go. The same label for the same row is the same operation, so a file that
    is imported twice is stored once.

    Args:
        records: a key counts more than a row id, because row ids may differ between runs.
        campaign: which run inside the journal.
        row_of: row of each known key.
        rows: rows that may be labelled.
        check: raises ``DataError`` for a label that the task does not know, for example ``task.encode``.
        fits: raises ``DataError`` for a record that cannot be one of this row: tags that are not as many as its
            tokens, or a text that is not the row's.

    Raises:
        DataError: an unknown row or key, a label that does not fit, or two labels for one row; names the line.

    Example:
        >>> records = [LabelRecord(key="a.png", label="cat", place="line 2")]
        >>> [event.query.row for event in label_events(records, campaign="main", row_of={"a.png": 7}, rows={7})]
        [7]
    """
    given: dict[int, LabelRecord] = {}
    for record in records:
        row = row_of.get(record.key) if record.key else record.row
        if row is None or row not in rows:
            name = f"key {record.key!r}" if record.key else f"id {record.row}"
            raise DataError(f"{record.place}: there is no row with the {name} to label", hint="check the data")
        with _naming(record.place):
            if check is not None:
                check(record.label)
            if fits is not None:
                fits(row, record)
        first = given.setdefault(row, record)
        if first.label != record.label:
            raise DataError(f"{first.place} and {record.place} give row {row} two labels", hint="keep one of them")
    return [
        LabelGiven(
            query=Query(row=row),
            payload=record.label,
            annotator=ANNOTATOR,
            campaign=campaign,
            op_id=_op_id(campaign, row, record.label),
        )
        for row, record in given.items()
    ]


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Put ``place`` in front of what is said about a label."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{place}: {error.message}", hint=error.hint) from None


def _op_id(campaign: str, row: int, label: Label) -> str:
    text = json.dumps([ANNOTATOR, campaign, row, label])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
