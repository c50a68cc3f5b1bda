"""The labels that came with the data, as plain data: what a simulated oracle answers and evaluation compares with.

A label is a class name (integers become their digits), a list of class names (multilabel), a float (regression),
or a list of tags (tokens). ``None`` stands for a label that is not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from querist.core.errors import DataError

Label = Any


def as_labels(y: Any, *, rows: int, classes: Sequence[str] | None = None) -> list[Label | None]:
    """Labels as they come (array, tensor, list) as plain data, one a row.

    Args:
        y: ``[n]`` of integers, strings or floats (NaN is unknown), ``[n c]`` of 0 and 1 (multilabel), or a sequence
            of lists; ``None`` for no labels at all.
        rows: how many there must be.
        classes: names of the columns of ``[n c]``.

    Raises:
        DataError: another number of labels than rows.

    Example:
        >>> as_labels(np.array([3, 1]), rows=2), as_labels([0.5, float("nan")], rows=2)
        (['3', '1'], [0.5, None])
    """
    if y is None:
        return [None] * rows
    if len(y) != rows:
        raise DataError(f"{rows} payloads came with {len(y)} labels", hint="give one label a row, or none at all")
    if not isinstance(y, list | tuple):
        array = np.asarray(y)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim == 2:
            return _from_columns(array, classes)
        if array.dtype.kind in "iub":
            # Each distinct value is written once, so a million labels share ten strings.
            values, places = np.unique(array, return_inverse=True)
            names = [str(value) for value in values.tolist()]
            return [names[place] for place in places.tolist()]
        y = array.tolist()
    return [as_label(value) for value in y]


def as_label(value: Any) -> Label | None:
    """One label as plain data; ``None``, NaN and the empty text are unknown.

    Example:
        >>> as_label(7), as_label(""), as_label(["b", 2])
        ('7', None, ['b', '2'])
    """
    if isinstance(value, str):
        return value or None
    if value is None or isinstance(value, float):
        return None if value is None or math.isnan(value) else float(value)
    if isinstance(value, np.ndarray | np.generic) or hasattr(value, "detach"):
        return as_label(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [str(one) for one in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    return str(value)


def _from_columns(array: np.ndarray, classes: Sequence[str] | None) -> list[Label | None]:
    """Rows of 0 and 1 as lists of class names."""
    if array.ndim != 2 or not np.isin(array, (0, 1)).all():
        raise DataError(
            f"labels of shape {array.shape} must be 0 or 1 in each column",
            hint="give one class a row, or a 0/1 matrix for multilabel",
        )
    names = list(classes) if classes is not None else [str(column) for column in range(array.shape[1])]
    if len(names) != array.shape[1]:
        raise DataError(f"{array.shape[1]} label columns came with {len(names)} class names")
    return [[names[column] for column in np.flatnonzero(row)] for row in array]


def task_kind(labels: Iterable[Label | None], modality: str) -> str | None:
    """The kind of task that labels of this form belong to; ``None`` where none is known.

    Raises:
        DataError: labels of several forms.
    """
    forms = {type(label) for label in labels if label is not None}
    if not forms:
        return None
    if len(forms) > 1:
        names = ", ".join(sorted(form.__name__ for form in forms))
        raise DataError(f"labels have several forms: {names}", hint="give all rows the same kind of label")
    form = forms.pop()
    if form is float:
        return "regression"
    if form is list:
        return "tokens" if modality == "tokens" else "multilabel"
    return "classification"


def as_kind(label: Label | None, kind: str) -> Label | None:
    """A label in the form that a task of ``kind`` wants, where it can be read so.

    A whole number or a numeric text is an amount for ``regression``, an amount is a name for ``classification``, one
    class is a list of one for ``multilabel``.

    Raises:
        DataError: it cannot be read so.

    Example:
        >>> as_kind("3", "regression"), as_kind(3.0, "classification"), as_kind("cat", "multilabel")
        (3.0, '3', ['cat'])
    """
    if label is None or isinstance(label, _FORMS.get(kind, object)):
        return label
    if kind == "regression" and isinstance(label, str):
        try:
            amount = float(label)
        except ValueError:
            amount = math.nan
        if math.isfinite(amount):
            return amount
    elif kind == "classification" and isinstance(label, float):
        return str(int(label)) if label.is_integer() else str(label)
    elif kind == "multilabel" and isinstance(label, str):
        return [label]
    raise DataError(f"the label {label!r} cannot be read for the task {kind}")


_FORMS: dict[str, type] = {"classification": str, "regression": float, "multilabel": list, "tokens": list}
"""Kind of task -> what its labels are."""


def class_names(labels: Iterable[Label | None]) -> tuple[str, ...]:
    """Every class among ``labels`` once, in the order of numbers where all are numbers, else of the alphabet.

    Example:
        >>> class_names(["10", "9", None]), class_names([["b"], ["a", "b"]])
        (('9', '10'), ('a', 'b'))
    """
    found: set[str] = set()
    for label in labels:
        if isinstance(label, str):
            found.add(label)
        elif isinstance(label, list):
            found.update(label)
    return tuple(sort_classes(found))


def sort_classes(names: Iterable[str]) -> list[str]:
    """``names`` by number where all are numbers, else by alphabet."""
    names = list(names)
    try:
        return sorted(names, key=lambda name: (float(name), name))
    except ValueError:
        return sorted(names)
