"""CoNLL: a token and its tag a line, a blank line between rows; what sequence taggers are trained on.

Paper: tjongkimsang2003introduction; spans become tags by ramshaw1995text's second form (``B-`` begins a span, ``I-``
goes on with it, ``O`` is outside). Tags stand behind a tab, so that a token or a class may have a space. Each row
begins with a line ``-DOCSTART-``, which readers of these files pass over, and on which Querist says whose row it is.

Texts are cut into words and signs, and at the ends of spans. The text itself stands on the first line too, so spans
come back as places in it. A sentence of a file from elsewhere is called by the file and its place, as the pool calls
it; its text is its tokens with a space between them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

from querist.core.errors import DataError
from querist.core.labels import Span, spans
from querist.core.labels.kinds import OVERLAPS
from querist.storage.formats.base import FileFormat, LabelRecord, record_from
from querist.storage.formats.json_file import dumped, read_besides, said_besides

START = "-DOCSTART-"
_WORD = re.compile(r"\w+|[^\w\s]")
_COMMENT = re.compile(r"# \S+ = [^\t]*$")
"""What stands before a sentence in the files of the Universal Dependencies."""

Lines = list[tuple[int, str, str]]
"""Line number, token and tag of each line of a row."""


class Conll(FileFormat):
    """Tags of tokens, or spans of texts.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> label = [{"start": 0, "end": 12, "label": "person"}]
        >>> record = LabelRecord(row=3, label=label, payload="Ada Lovelace met Bob.")
        >>> Conll().write([record], file, kind="spans")
        >>> [line.replace("\\t", " ") for line in file.getvalue().decode().splitlines()[2:5]]
        ['Ada B-person', 'Lovelace I-person', 'met O']
    """

    holds = frozenset({"tokens", "spans"})
    lacks = frozenset({OVERLAPS})
    carries = frozenset({"tokens", "spans"})
    note = "Carries the tokens or the text. Spans become BIO tags and may not begin or end with a space."
    suffix = ".conll"

    def write(self, records: Iterable[LabelRecord], file: BinaryIO, *, kind: str, classes: Sequence[str] = ()) -> None:
        for record in records:
            where = f"row {record.row}" if record.row is not None else f"key {record.key!r}"
            try:
                tagged = _tagged(record) if kind == "tokens" else _cut(record)
                lines = "".join(f"{_cell(token, 'token')}\t{_cell(tag, 'tag')}\n" for token, tag in tagged)
            except DataError as error:
                raise DataError(f"{where}: {error.message}", hint=error.hint) from None
            besides = said_besides(record)
            if kind == "spans":
                besides["text"] = record.payload
            file.write(f"{START} ".encode() + dumped(besides) + b"\n\n" + lines.encode() + (b"\n" if lines else b""))

    def read(self, file: BinaryIO, *, kind: str) -> Iterator[LabelRecord]:
        for count, (start, besides, lines) in enumerate(_sentences(self, file)):
            place = self.place(file, start)
            payload: str | list[str] = [token for _, token, _ in lines]
            label: Any = [tag for _, _, tag in lines]
            if kind == "spans":
                payload, label = _joined(self, file, lines, besides.get("text"))
            values = read_besides(besides, place=place)
            if not {"row", "key"} & set(values):
                values["key"] = f"{Path(file.name).name}/{count}"
            yield record_from({**values, "label": label}, kind=kind, place=place, payload=payload)


def _tagged(record: LabelRecord) -> list[tuple[str, str]]:
    """Tokens and tags of a row of tokens."""
    tokens = record.payload
    if tokens is None or isinstance(tokens, str):
        raise DataError("its tokens are not known", hint="export from a run over tokens, or take jsonl")
    if len(tokens) != len(record.label):
        raise DataError(f"{len(record.label)} tags for {len(tokens)} tokens", hint="give one tag a token")
    return list(zip(tokens, record.label, strict=True))


def _cut(record: LabelRecord) -> list[tuple[str, str]]:
    """Words and tags of a row of text."""
    text = record.payload
    if not isinstance(text, str):
        raise DataError("its text is not known", hint="export from a run over texts, or take jsonl")
    found = sorted(spans(record.label), key=lambda span: span.start)
    for span in found:
        if span.of(text) != span.of(text).strip():
            raise DataError(f"the span {span.of(text)!r} begins or ends with a space", hint="trim it, or take jsonl")
    begins = {span.start: span for span in found}
    ends = {span.end for span in found}
    cuts = sorted({0, len(text), *begins, *ends})
    lines, inside = [], None
    for start, end in pairwise(cuts):
        inside = begins.get(start, None if start in ends else inside)
        for word in _WORD.finditer(text, start, end):
            prefix = "B" if word.start() in begins else "I"
            lines.append((word[0], f"{prefix}-{inside.label}" if inside else "O"))
    return lines


def _cell(text: str, what: str) -> str:
    if (
        not (text if what == "token" else text.strip())
        or any(sign in text for sign in "\t\r\n")
        or text.startswith(START)
    ):
        raise DataError(f"the {what} {text!r} cannot stand on a line of its own", hint="take jsonl, which can hold it")
    return text


def _sentences(form: Conll, file: BinaryIO) -> Iterator[tuple[int, dict[str, Any], Lines]]:
    """First line, what is said of the row, and its lines."""
    besides: dict[str, Any] | None = None
    lines: Lines = []
    start = 1
    for number, raw in enumerate(file, 1):
        line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        begins = line.startswith(START)
        if (begins or not line.strip()) and (lines or (begins and besides is not None)):
            yield start, besides or {}, lines
            besides, lines = None, []
        if begins:
            start, besides = number, _besides(line, form.place(file, number))
        elif line.strip() and not _COMMENT.match(line):
            if not lines and besides is None:
                start = number
            token, *rest = line.split("\t" if "\t" in line else None)
            if not rest:
                raise DataError(f"{form.place(file, number)} has no tag", hint="write a token, a tab and its tag")
            lines.append((number, token, rest[-1]))
    if lines or besides is not None:
        yield start, besides or {}, lines


def _besides(line: str, place: str) -> dict[str, Any] | None:
    """What stands behind ``-DOCSTART-``; ``None`` where another tool wrote it, since it says no row then."""
    rest = line.removeprefix(START).strip()
    if not rest.startswith("{"):
        return None
    try:
        value: dict[str, Any] = json.loads(rest)
    except ValueError as error:
        raise DataError(f"{place} is no JSON behind {START}: {error}", hint="export again") from None
    return value


def _joined(form: Conll, file: BinaryIO, lines: Lines, text: Any) -> tuple[str, list[dict[str, Any]]]:
    """The text of a row, and the spans that its tags mark in it."""
    if not isinstance(text, str):
        text = " ".join(token for _, token, _ in lines)
    found: list[tuple[int, int, str]] = []
    at, before = 0, "O"
    for number, token, tag in lines:
        start = text.find(token, at)
        if start < 0:
            raise DataError(f"{form.place(file, number)}: {token!r} is not in the row's text", hint="export again")
        at = start + len(token)
        prefix, _, label = tag.partition("-")
        if tag != "O" and (prefix not in ("B", "I") or not label):
            raise DataError(f"{form.place(file, number)}: the tag is {tag!r}", hint="write O, B-class or I-class")
        if prefix == "I" and before[2:] == label and found:
            found[-1] = (found[-1][0], at, label)
        elif tag != "O":
            found.append((start, at, label))
        before = tag
    return text, [Span(start=start, end=end, label=label).to_plain() for start, end, label in found]
