"""Splits: what may be asked, what training may look at, what decides. Exact duplicates never straddle one made here.

Duplicates are rows with equal content hashes, found with one dictionary: no row is compared with another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from querist.core.rng import numpy_generator

SPLITS = ("train", "validation", "test")
ASIDE = -1
"""Split code of a row that no split offers: an evaluation row without a label, a payload that is gone."""

_WORDS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}


def split_named(word: str) -> str | None:
    """The split that a folder, a file or a cell calls by ``word``; ``None`` if it is no such word.

    Example:
        >>> split_named("Dev"), split_named("test-00000-of-00001"), split_named("trains")
        ('validation', 'test', None)
    """
    start = word.strip().lower()
    for mark in "-_. ":
        start = start.partition(mark)[0]
    return _WORDS.get(start)


def content_groups(digests: Sequence[bytes]) -> np.ndarray:
    """A number a row ``[n]``, the same for rows of the same content, in order of first appearance.

    Example:
        >>> content_groups([b"x", b"y", b"x"]).tolist()
        [0, 1, 0]
    """
    numbers: dict[bytes, int] = {}
    return np.fromiter((numbers.setdefault(value, len(numbers)) for value in digests), np.int64, len(digests))


def hold_out(labels: Sequence[Any], groups: np.ndarray, *, share: float, seed: int) -> np.ndarray:
    """Which rows to keep for testing ``[n]``: about ``share`` of each class, whole groups of duplicates.

    Rows without a label cannot test anything, so they and their duplicates are never held out. Of a class with
    several groups at least one is held out and at least one stays; one with a single group stays.

    Args:
        labels: one a row; strings are stratified by, other forms are one stratum.
        groups: content group of each row, ``[n]``.
        share: between 0 and 1.
        seed: decides which; the same data and seed give the same split.
    """
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    sizes = np.bincount(group_of)
    known = np.fromiter((label is not None for label in labels), bool, len(labels))
    usable = np.bincount(group_of, weights=~known) == 0
    strata: dict[Any, list[int]] = {}
    for group in np.flatnonzero(usable).tolist():
        label = labels[first[group]]
        strata.setdefault(label if isinstance(label, str) else None, []).append(group)
    held = np.zeros(len(sizes), dtype=bool)
    for name, members in strata.items():
        # A draw a class, named after it: a new class does not reshuffle the others.
        order = numpy_generator(seed, "split", str(name)).permutation(members)
        wanted = share * sizes[order].sum()
        # The group that crosses the quota comes along only if that brings the count nearer to it.
        out = np.cumsum(sizes[order]) - sizes[order] / 2 <= wanted
        out[0] = True
        held[order[:-1]] = out[:-1]
    return held[group_of]
