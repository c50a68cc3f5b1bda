"""What a person holds (arrays, tensors, lists) as payloads: one form a modality, no needless copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from querist.core.errors import DataError, NonFinite, UsageError
from querist.pool.part import CountedKeys, Part
from querist.pool.payloads import MODALITIES, ArrayPayloads, ListPayloads, Payloads
from querist.pool.truth import as_labels


def parts_of_arrays(
    given: Mapping[str, tuple[Any, Any] | None], modality: str | None, classes: Sequence[str] | None
) -> tuple[list[Part], str, list[str]]:
    """The ``(payloads, labels)`` of each split as parts of one modality, and what was done to them."""
    parts: list[Part] = []
    notes: list[str] = []
    for split, pair in given.items():
        if pair is None:
            continue
        payloads, modality, said = as_payloads(pair[0], modality)
        notes += [note for note in said if note not in notes]
        labels = as_labels(pair[1], rows=len(payloads), classes=classes)
        parts.append(Part(payloads=payloads, labels=labels, keys=CountedKeys(split, len(payloads)), split=split))
    assert modality is not None, "the training rows say which"
    return parts, modality, notes


def as_payloads(x: Any, modality: str | None = None) -> tuple[Payloads, str, list[str]]:
    """Whatever a person holds (array, tensor, list of texts, ...) as a column, its modality, and what was done to it.

    Args:
        x: array or tensor ``[n d]`` (table), ``[n h w]``, ``[n h w 3]`` or ``[n 3 h w]`` (images), a sequence of
            texts, of lists of tokens, or of image arrays of several shapes.
        modality: ``image``, ``text``, ``tokens`` or ``table``; found by itself if left out.

    Raises:
        DataError: values that are no payloads; a table cell that is not finite (row and column named).

    Example:
        >>> column, modality, _ = as_payloads([[0.5, 1.0], [2.0, 3.0]])
        >>> modality, column.take(np.array([1]))
        ('table', array([[2., 3.]], dtype=float32))
    """
    if modality not in (None, *MODALITIES):
        raise UsageError(f"no modality is called {modality!r}", hint=f"choose one of {', '.join(MODALITIES)}")
    if isinstance(x, list | tuple) or (isinstance(x, np.ndarray) and x.dtype == object):
        x = x if isinstance(x, list) else list(x)
        if modality == "text" or (modality is None and any(isinstance(value, str) for value in x)):
            return _as_texts(x), "text", []
        if modality == "tokens" or (modality is None and x and all(_is_tokens(value) for value in x)):
            return _as_token_lists(x), "tokens", []
        several_shapes = all(np.ndim(value) > 1 for value in x) and len({np.shape(value) for value in x}) > 1
        if modality in (None, "image") and several_shapes:
            return ListPayloads([as_image(np.asarray(value)) for value in x]), "image", []
    try:
        array = np.asarray(x)
    except ValueError as error:  # rows of several lengths
        raise DataError("table rows have different numbers of features", hint="give each row as many") from error
    if array.dtype.kind in "US":
        return _as_texts(array.astype(str).tolist()), "text", []
    if array.dtype.kind not in "buif" or array.ndim < 2:
        raise DataError(
            f"payloads of type {array.dtype} and shape {array.shape} are neither images, texts, tokens nor table rows",
            hint="give [n d] numbers, [n h w] or [n h w 3] images, or a list of texts",
        )
    if modality == "image" or (modality is None and array.ndim > 2 and _looks_like_images(array)):
        images, notes = as_images(array)
        return ArrayPayloads(images), "image", notes
    if modality in ("text", "tokens"):
        raise DataError(f"payloads of type {array.dtype} and shape {array.shape} are no {modality}")
    notes = []
    if array.ndim > 2:
        notes.append(f"payloads of shape {array.shape[1:]} were flattened to {prod(array.shape[1:])} features")
    return ArrayPayloads(as_table(array.reshape(len(array), prod(array.shape[1:])))), "table", notes


def as_table(array: np.ndarray, columns: Sequence[str] | None = None, *, where: str = "") -> np.ndarray:
    """``array [n d]`` as finite float32, without a copy where it is that already.

    Raises:
        NonFinite: names the first row, and the column if it has a name.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        table = np.asarray(array, dtype=np.float32)
        # One sum instead of a mask as large as the table; the mask is made only to find the culprit.
        finite = bool(np.isfinite(table.sum(dtype=np.float64)))
    if not finite and not (good := np.isfinite(table)).all():
        row, column = (int(place[0]) for place in np.nonzero(~good))
        name = repr(columns[column]) if columns is not None else str(column)
        raise NonFinite(
            f"column {name}{where}", row, hint="remove or fill that cell: a model cannot learn from a missing number"
        )
    return table


def as_images(array: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """A stack of images as ``uint8 [n h w]`` or ``[n h w 3]``, and what was done to it."""
    notes = []
    if array.ndim == 4 and array.shape[1] in (1, 3) and array.shape[3] not in (1, 3):
        array = array.transpose(0, 2, 3, 1)
        notes.append("images had their channels first; they are kept with channels last")
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] != 3):
        raise DataError(
            f"images of shape {array.shape[1:]} are neither grey nor RGB",
            hint="give [n h w] or [n h w 3], or modality='table' to flatten them",
        )
    if array.dtype == np.uint8:
        return array, notes
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if array.dtype.kind == "f" and low >= 0 and high <= 1:
        notes.append("images of floats between 0 and 1 are kept as 8-bit levels")
        return np.rint(array * 255).astype(np.uint8), notes
    if low >= 0 and high <= 255 and (array.dtype.kind != "f" or bool((array == np.rint(array)).all())):
        return array.astype(np.uint8), notes
    raise DataError(
        f"images must hold levels 0 to 255 or floats 0 to 1; found {array.dtype} from {low:g} to {high:g}",
        hint="scale them back, or give modality='table' to use the numbers as they are",
    )


def as_image(array: np.ndarray) -> np.ndarray:
    """One image ``[h w]``, ``[h w 3]`` or ``[3 h w]`` as ``uint8``."""
    return as_images(array[None])[0][0]


def _looks_like_images(array: np.ndarray) -> bool:
    """Whether numbers of this shape and range can be grey levels; sensor windows and the like cannot."""
    if array.ndim == 4 and not {array.shape[1], array.shape[3]} & {1, 3}:
        return False
    if array.ndim > 4 or array.dtype == bool:
        return False
    if array.dtype == np.uint8 or array.size == 0:
        return True
    low, high = float(array.min()), float(array.max())
    whole = array.dtype.kind != "f" or bool((array == np.rint(array)).all())
    return low >= 0 and (high <= 1 or (high <= 255 and whole))


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(token, str) for token in value)


def _as_texts(values: list[Any]) -> ListPayloads:
    for row, value in enumerate(values):
        if not isinstance(value, str):
            raise DataError(f"the text of row {row} is {value!r}", hint="remove that row or give it a text")
    return ListPayloads(values)


def _as_token_lists(values: list[Any]) -> ListPayloads:
    for row, value in enumerate(values):
        if not _is_tokens(value):
            raise DataError(f"the tokens of row {row} are {value!r}", hint="give a list of words")
    return ListPayloads([list(value) for value in values])
