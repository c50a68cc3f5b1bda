"""Splits: what may be asked, what training may look at, what decides. Exact duplicates never straddle one made here.

Duplicates are rows with equal content hashes, found with one dictionary: no row is compared with another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from querist.core.errors import UsageError
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


def settled(
    codes: np.ndarray, labels: Sequence[Any], groups: Callable[[], np.ndarray], *, test: float | None, seed: int
) -> tuple[np.ndarray, list[str]]:
    """The splits that a pool begins with, and what there is to say about them.

    A given split is kept, overlaps included, but for rows without a label: they can evaluate nothing. A share of
    the training rows is held out for testing where that is asked for and no test split was given.

    Args:
        codes: given split of each row, ``[n]``.
        labels: one a row, ``None`` where unknown.
        groups: content groups ``[n]``, asked for only if there is something to compare.
        test: share to hold out, or ``None``.
        seed: of that share.
    """
    if test is not None and not 0 < test < 1:
        raise UsageError(f"a test share of {test} was asked for", hint="give a number between 0 and 1")
    notes = []
    codes = codes.copy()
    known = np.fromiter((label is not None for label in labels), bool, len(labels))
    given = []
    for code, split in enumerate(SPLITS[1:], 1):
        of_split = codes == code
        if unknown := int((of_split & ~known).sum()):
            notes.append(f"{unknown} of {of_split.sum()} {split} rows have no label and are left out of it")
            codes[of_split & ~known] = ASIDE
        if (codes == code).any():
            given.append(code)
    train = np.flatnonzero(codes == SPLITS.index("train"))
    wanted = test is not None and SPLITS.index("test") not in given and bool(known[train].any())
    contents = groups() if given or wanted else np.arange(len(codes))
    for code in given:
        rows = np.flatnonzero(codes == code)
        if shared := int(np.isin(contents[rows], contents[train]).sum()):
            split = SPLITS[code]
            notes.append(f"{shared} of {len(rows)} {split} rows also occur in train; the split is kept as given")
    if wanted and test is not None:
        held = train[hold_out([labels[row] for row in train.tolist()], contents[train], share=test, seed=seed)]
        codes[held] = SPLITS.index("test")
        notes.append(f"no test split was given: {len(held)} of {len(train)} rows are held out for testing")
    return codes, notes


def restored(codes: np.ndarray, before: np.ndarray, labels: Sequence[Any], groups: np.ndarray) -> np.ndarray:
    """``codes [n]`` with the first rows back in the splits of ``before``, and later copies of them beside them."""
    known = len(before)
    codes = np.concatenate([before, codes[known:]]).astype(np.int8)
    of_group = dict(zip(groups[:known].tolist(), before.tolist(), strict=True))
    for row, group in enumerate(groups[known:].tolist(), known):
        code = of_group.get(group, int(codes[row]))
        # An unlabelled copy of a test row may neither be trained on nor tested with.
        codes[row] = ASIDE if code != SPLITS.index("train") and labels[row] is None else code
    return codes
