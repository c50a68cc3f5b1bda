"""Samples of a stream: as arrays or texts, together as a pool takes them, and as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from querist.core.errors import DataError


def payload(sample: Any) -> Any:
    """A sample as a text or an array.

    Raises:
        DataError: it is neither.
    """
    if isinstance(sample, str):
        return sample
    array = np.asarray(sample)
    if array.dtype == object or not array.ndim:
        raise DataError(f"a sample is a {type(sample).__name__}", hint="offer numbers [d], an image [h w], or a text")
    return array


def together(payloads: list[Any]) -> Any:
    """Payloads as a pool takes them.

    Raises:
        DataError: arrays of several shapes.
    """
    if isinstance(payloads[0], str):
        return payloads
    try:
        return np.stack(payloads)
    except ValueError:
        shapes = sorted({str(list(payload.shape)) for payload in payloads})
        raise DataError(f"samples of a stream have the shapes {', '.join(shapes)}", hint="offer one shape") from None


def plain(sample: Any) -> Any:
    """A payload as JSON can hold it, so that :func:`restored` gives back the same bytes.

    Example:
        >>> restored(plain(np.array([1, 2], dtype=np.uint8))).dtype
        dtype('uint8')
    """
    return {"type": str(sample.dtype), "values": sample.tolist()} if isinstance(sample, np.ndarray) else sample


def restored(sample: Any) -> Any:
    """What :func:`plain` was given."""
    return np.array(sample["values"], dtype=sample["type"]) if isinstance(sample, Mapping) else sample
