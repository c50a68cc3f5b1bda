"""Spans: parts of a text with a class each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from querist.core.errors import DataError
from querist.core.labels import fields
from querist.core.labels.pixels import count


@dataclass(frozen=True, kw_only=True)
class Span:
    """A part of a text. Spans may overlap; a label has them in the order of their places.

    Places count characters (Unicode code points) as Python does. JavaScript counts some of them, emoji among them,
    twice, so a page has to convert.

    Args:
        start: first character, from 0.
        end: behind the last character.
        label: class.

    Raises:
        DataError: an empty span, or no class.

    Example:
        >>> Span(start=0, end=3, label="person").of("Ada met Bob.")
        'Ada'
    """

    start: int
    end: int
    label: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", count(self.start, "start"))
        object.__setattr__(self, "end", count(self.end, "end"))
        if self.end <= self.start:
            raise DataError(f"a span goes from {self.start} to {self.end}", hint="end it behind its start")
        fields.class_name(self.label, "a span")

    @classmethod
    def from_plain(cls, value: Any) -> Span:
        """The span that an object with ``start``, ``end`` and ``label`` describes."""
        return cls(**fields.taken(value, "a span", needs=("start", "end", "label")))

    def to_plain(self) -> dict[str, Any]:
        """The same as plain data."""
        return {"start": self.start, "end": self.end, "label": self.label}

    def of(self, text: str) -> str:
        """The characters of the span.

        Raises:
            DataError: it ends behind the text.
        """
        if self.end > len(text):
            raise DataError(
                f"a span ends at {self.end}, the text has {len(text)} characters", hint="keep it inside the text"
            )
        return text[self.start : self.end]


def spans(value: Any) -> list[Span]:
    """The label of a row: its spans.

    Raises:
        DataError: what is no list of spans; says which of them.

    Example:
        >>> spans([{"start": 8, "end": 11, "label": "person"}])
        [Span(start=8, end=11, label='person')]
    """
    found = []
    for number, one in enumerate(fields.sequence(value, "the spans"), 1):
        with fields.of(f"span {number}"):
            found.append(Span.from_plain(one))
    return found


def overlapping(found: list[Span]) -> bool:
    """Whether a character is in two of the spans."""
    ordered = sorted(found, key=lambda span: (span.start, span.end))
    return any(after.start < before.end for before, after in pairwise(ordered))
