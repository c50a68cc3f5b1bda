"""Columns of payloads: what the rows of a pool hold, read when asked.

A payload is an image (``uint8 [h w]`` or ``[h w 3]``), a text (``str``), a list of tokens, or a table row
(``float32 [d]``). Arrays stay arrays, so a pool over a memory-mapped file reads only the rows that are asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

MODALITIES = ("image", "text", "tokens", "table")


class Payloads(ABC):
    """A column of payloads of one modality, addressed by position."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def take(self, positions: np.ndarray) -> np.ndarray | list[Any]:
        """The payloads at ``positions [b]``: one array ``[b ...]`` where all have one shape, else a list."""

    @property
    @abstractmethod
    def digests(self) -> list[bytes]:
        """A hash of each payload's content; equal contents have equal hashes."""


class ArrayPayloads(Payloads):
    """Rows of one array ``[n ...]``, which may be memory-mapped."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def take(self, positions: np.ndarray) -> np.ndarray:
        return self.array[positions]

    @cached_property
    def digests(self) -> list[bytes]:
        return [digest(row) for row in self.array]


class ListPayloads(Payloads):
    """Payloads that are kept in a list: texts, lists of tokens, images of several shapes."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = list(values)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, positions: np.ndarray) -> np.ndarray | list[Any]:
        return stacked([self.values[pos] for pos in positions.tolist()])

    @cached_property
    def digests(self) -> list[bytes]:
        return [digest(value) for value in self.values]


def digest(payload: Any) -> bytes:
    """A hash of one payload's content, 16 bytes.

    Example:
        >>> digest(["a", "b"]) == digest(["a", "b"]) != digest(["a b"])
        True
    """
    if isinstance(payload, np.ndarray):
        # The shape is part of the content: 2 x 8 zeros are no 4 x 4 zeros.
        content = np.ascontiguousarray(payload).data
        return blake2b(content, digest_size=16, salt=str(payload.shape).encode()[:16]).digest()
    text = payload if isinstance(payload, str) else "\0".join([str(len(payload)), *payload])
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def stacked(values: list[Any]) -> np.ndarray | list[Any]:
    """One array where all values are arrays of one shape, else the list itself."""
    if values and all(isinstance(value, np.ndarray) and value.shape == values[0].shape for value in values):
        return np.stack(values)
    return values
