"""``conll:DIR`` (train, dev, test) or ``conll:FILE``: a token and its tag a line, a blank line between sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from querist.core.errors import DataError
from querist.pool.columns import Columns
from querist.pool.part import CountedKeys, Part
from querist.pool.payloads import ListPayloads
from querist.pool.pool import Pool
from querist.pool.sources.base import TEST_SHARE, Source, existing, split_files

Sentence = tuple[list[str], list[str] | None]
"""Tokens, and a tag each where there are any."""

SUFFIXES = (".conll", ".bio", ".iob", ".iob2", ".txt", ".tsv")


class Conll(Source):
    """Tagged sentences; the first field of a line is the token, the last one the tag."""

    def open(self, path: str, *, columns: Columns, skip_bad: bool, seed: int) -> Pool:
        place = existing(path)
        files, notes = ([(place, None)], []) if place.is_file() else split_files(place, SUFFIXES)
        parts = []
        for file, split in files:
            sentences = list(_sentences(existing(str(file))))
            if not sentences:
                raise DataError(f"{file} holds no sentences", hint="give a token and its tag a line")
            tokens, tags = zip(*sentences, strict=True)
            keys = CountedKeys(file.name, len(sentences))
            parts.append(Part(payloads=ListPayloads(tokens), labels=tags, keys=keys, split=split or "train"))
        return Pool(parts, modality="tokens", name=place.stem, test=TEST_SHARE, notes=notes, seed=seed)


def _sentences(file: Path) -> Iterator[Sentence]:
    """The sentences of a file.

    Raises:
        DataError: not text, or a line without a tag among lines with one; names the line.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 text: {error.reason}", hint="save it as UTF-8") from error
    mark = "\t" if any("\t" in line for line in lines) else None
    tokens: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        line = line.rstrip("\r")
        if not line.strip() or line.startswith("-DOCSTART-"):
            if tokens:
                yield tokens, tags or None
            tokens, tags = [], []
            continue
        if mark == "\t" and mark not in line and line.startswith("#"):
            continue  # a comment, as the Universal Dependencies write them
        first, *rest = line.split(mark)
        if bool(rest) != bool(tags) and tokens:
            raise DataError(f"line {number} of {file} has {'a' if rest else 'no'} tag, unlike the line before it")
        tokens.append(first)
        tags += rest[-1:]
