"""Kinds of labels: what a label of each is, checked, and what it takes of a format to hold it.

A label travels and is stored as plain data (JSON); the values of this folder are what it means. The first four kinds
are those of tasks that can be trained.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from querist.core.errors import DataError, UnknownName
from querist.core.labels.box import Boxes
from querist.core.labels.mask import Mask
from querist.core.labels.regions import Regions
from querist.core.labels.span import overlapping, spans

Label = Any
"""Plain data: a class name, a list of names, a number, a list of tags, a text, or an object of parts."""

OVERLAPS = "spans that overlap"
MASKS = "masks"
PARTS = "outlines in several parts"


def _class_name(value: Any) -> str:
    if isinstance(value, str | Integral) and not isinstance(value, bool) and value != "":
        return str(value)
    raise _none(value, "a class name")


def _number(value: Any) -> float:
    if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise _none(value, "a finite number")


def _names(value: Any) -> list[str]:
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return list(value)
    raise _none(value, "a list of names")


def _text(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise _none(value, "a text")


def _spans(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list | tuple):
        # Their order says nothing, so equal labels are made equal.
        ordered = sorted(spans(value), key=lambda span: (span.start, span.end, span.label))
        return [span.to_plain() for span in ordered]
    raise _none(value, "a list of spans")


def _boxes(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return Boxes.from_plain(value).to_plain()
    raise _none(value, "an object with width, height and boxes")


def _segmentation(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return Regions.from_plain(value).to_plain()
    raise _none(value, "an object with width, height and regions")


def _none(value: Any, wanted: str) -> DataError:
    if value is None or value == "":
        return DataError("there is no label", hint="fill it in or remove the line")
    return DataError(f"the label is {reprlib.repr(value)}", hint=f"give {wanted}")


_CHECKS: dict[str, Callable[[Any], Label]] = {
    "classification": _class_name,
    "multilabel": _names,
    "regression": _number,
    "tokens": _names,
    "spans": _spans,
    "boxes": _boxes,
    "segmentation": _segmentation,
    "text": _text,
}

KINDS = tuple(_CHECKS)
"""All kinds of labels, those of tasks that can be trained first."""


def checked_label(value: Any, *, kind: str) -> Label:
    """``value`` as a label of ``kind``, in the one form in which it is stored.

    Raises:
        UnknownName: there is no such kind.
        DataError: it is no label of that kind; says why.

    Example:
        >>> checked_label(3, kind="classification"), checked_label(3, kind="regression")
        ('3', 3.0)
        >>> checked_label([{"start": 0, "end": 3, "label": "person"}], kind="spans")
        [{'start': 0, 'end': 3, 'label': 'person'}]
    """
    if kind not in _CHECKS:
        raise UnknownName("kind of labels", kind, KINDS)
    return _CHECKS[kind](value)


def features(label: Label, *, kind: str) -> frozenset[str]:
    """What a format must be able to hold, beside the kind itself, to hold this checked label.

    Example:
        >>> sorted(features([{"start": 0, "end": 3, "label": "a"}, {"start": 2, "end": 4, "label": "b"}], kind="spans"))
        ['spans that overlap']
    """
    found = set()
    if kind == "spans" and overlapping(spans(label)):
        found.add(OVERLAPS)
    if kind == "segmentation":
        for region in Regions.from_plain(label).regions:
            if isinstance(region, Mask):
                found.add(MASKS)
            elif region.also:
                found.add(PARTS)
    return frozenset(found)


def classes_of(label: Label, *, kind: str) -> list[str]:
    """The classes that a checked label names, in its order, repeated as they are.

    Example:
        >>> classes_of("cat", kind="classification"), classes_of(["O", "B-a"], kind="tokens")
        (['cat'], ['O', 'B-a'])
    """
    if kind == "classification":
        return [label]
    if kind in ("multilabel", "tokens"):
        return list(label)
    parts = {"spans": lambda: label, "boxes": lambda: label["boxes"], "segmentation": lambda: label["regions"]}
    return [part["label"] for part in parts[kind]()] if kind in parts else []
