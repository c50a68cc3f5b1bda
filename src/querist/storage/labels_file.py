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

from querist.core.errors import DataError, UsageError
from querist.core.events import LabelGiven, Query
from querist.storage.atomic import atomic_write
from querist.storage.formats import registry
from querist.storage.formats.base import Format, Label, LabelRecord, checked_label
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
) -> Iterator[LabelRecord]:
    """The records of labelled rows, by row id, with the round that first asked each row, and why.

    Args:
        journal: where the rounds stand.
        campaign: whose rounds.
        labels: row, its label, and who gave it.
        key: what a row is called.
        split: which split a row belongs to.
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
        )


def export_labels(records: Iterable[LabelRecord], path: str | Path, *, format: str, kind: str) -> int:  # noqa: A002
    """Write ``records`` to ``path``, whole or not at all, and count them.

    Args:
        records: in the order they shall stand in the file.
        path: replaced if it is there.
        format: registered name (csv, jsonl, parquet, ...).
        kind: kind of the task (classification, ...), which says what a label is.

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
    form = _format(format, kind)
    count = 0

    def checked() -> Iterator[LabelRecord]:
        nonlocal count
        for record in records:
            with _naming(f"row {record.row}"):
                label = checked_label(record.label, kind=kind)
            count += 1
            yield dataclasses.replace(record, label=label)

    try:
        with atomic_write(path) as file:
            form.write(checked(), file, kind=kind)
    except UnicodeEncodeError as error:
        raise DataError(f"{error.object!r} is no text that UTF-8 can hold", hint="repair that name") from None
    return count


def import_labels(path: str | Path, *, format: str, kind: str) -> list[LabelRecord]:  # noqa: A002
    """The records of a file of labels, all of them read and checked before any is returned.

    Raises:
        UnknownName: there is no such format.
        UsageError: the format cannot hold such labels; says which can.
        DataError: the file is missing, or a line cannot be read; names the line.
    """
    form = _format(format, kind)
    try:
        with Path(path).open("rb") as file:
            return list(form.read(file, kind=kind))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}", hint="check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error.reason}", hint="save it as UTF-8") from None


def label_events(
    records: Iterable[LabelRecord],
    *,
    campaign: str,
    row_of: Mapping[str, int],
    rows: Container[int],
    check: Callable[[Label], object] | None = None,
) -> list[LabelGiven]:
    """Records as events to append in one go. The same label for the same row is the same operation, so a file that
    is imported twice is stored once.

    Args:
        records: a key counts more than a row id, because row ids may differ between runs.
        campaign: which run inside the journal.
        row_of: row of each known key.
        rows: rows that may be labelled.
        check: raises ``DataError`` for a label that the task does not know, for example ``task.encode``.

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


def _format(name: str, kind: str) -> Format:
    form: type[Format] = registry[name]
    if kind not in form.holds:
        able = [other for other in registry if kind in registry[other].holds]
        raise UsageError(f"{name} cannot hold {kind} labels", hint=f"these can: {', '.join(able) or 'none yet'}")
    return form()
