"""The pool: every row there is, asked or not. It owns row ids and only ever grows.

One id space serves all splits. A row id never changes its payload: rows that come later get new ids, and
:meth:`Pool.align` puts the rows of an earlier session back on the ids its journal knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from querist.core.errors import DataError, UsageError
from querist.pool.payloads import ListPayloads, Payloads, as_payloads
from querist.pool.split import ASIDE, SPLITS, content_groups, hold_out
from querist.pool.truth import Label, as_label, as_labels, class_names, task_kind

Held = tuple[Any, Any] | float | None
"""A split given as ``(x, y)``, a share of the labelled rows to hold out, or nothing."""


@dataclass(frozen=True)
class Origin:
    """Where a row came from.

    Args:
        kind: ``source`` for rows that were read, else what made it (``synthesised``, ``perturbed``, ...).
        parent: pool id of the row it was made from.
    """

    kind: str = "source"
    parent: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Rows that came together: a column of payloads and what is known of each, in order.

    Args:
        payloads: ``[n]``.
        labels: ``n`` labels, ``None`` where unknown.
        keys: ``n`` names that stay when the data grow: a path, or file and place.
        split: name of the split of all rows, or of each row.
    """

    payloads: Payloads
    labels: Sequence[Label | None]
    keys: Sequence[str]
    split: str | Sequence[str] = "train"


@dataclass(frozen=True)
class CountedKeys(Sequence[str]):
    """Keys of rows that have no name but their place: ``prefix/0``, ``prefix/1``, ... made when asked."""

    prefix: str
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, pos: Any) -> Any:
        if not 0 <= pos < self.count:
            raise IndexError(pos)
        return f"{self.prefix}/{pos}"


class Pool:
    """Rows with payloads, splits, true labels where known, keys and origins.

    Made by :meth:`from_arrays`, :meth:`from_dataset` or ``querist.open``. Payloads are read when asked.

    Args:
        parts: the rows, in the order of their ids.
        modality: ``image``, ``text``, ``tokens`` or ``table``.
        name: what the data are called in reports.
        classes: class names in the order of the outputs; found from the labels if left out.
        test: share of the labelled rows to hold out for testing when no part brings a test split.
        notes: what the person should know about how the data were read.
        seed: decides which rows are held out.

    Example:
        >>> pool = Pool.from_arrays(np.eye(4), ["a", "b", "a", "b"], test=(np.ones((1, 4)), ["a"]))
        >>> pool.rows().tolist(), pool.rows("test").tolist(), pool.truth([4]), pool.suggest_task()
        ([0, 1, 2, 3], [4], ['a'], ('classification', ('a', 'b')))
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        modality: str,
        name: str,
        classes: Sequence[str] | None = None,
        test: float | None = None,
        notes: Iterable[str] = (),
        seed: int = 0,
    ) -> None:
        self.name = name
        self.modality = modality
        self.notes: list[str] = list(notes)
        self._classes = None if classes is None else tuple(str(one) for one in classes)
        self._parts: list[Part] = []
        self._truth: list[Label | None] = []
        # Where each row's payload lies: its part (ASIDE for one that is gone) and its place there.
        self._part = np.empty(0, np.int32)
        self._pos = np.empty(0, np.int64)
        self._split = np.empty(0, np.int8)
        self._origins: dict[int, Origin] = {}
        self._gone: dict[int, str] = {}
        for part in parts:
            self._append(part)
        if not len(self):
            raise DataError(f"{name} holds no rows", hint="give data with at least one row")
        self._set_unlabelled_aside()
        self._check_splits(test, seed)

    @classmethod
    def from_arrays(
        cls,
        x: Any,
        y: Any = None,
        *,
        test: Held = None,
        validation: tuple[Any, Any] | None = None,
        modality: str | None = None,
        classes: Sequence[str] | None = None,
        name: str = "arrays",
        seed: int = 0,
    ) -> Pool:
        """A pool over arrays, tensors or lists that are in memory (or memory-mapped); nothing is copied needlessly.

        Args:
            x: ``[n d]`` numbers, ``[n h w]`` or ``[n h w 3]`` images, texts, or lists of tokens.
            y: labels, one a row: integers or strings (classes), floats (regression), a 0/1 matrix or lists
                (multilabel), lists of tags (tokens). ``None`` for an unlabelled pool.
            test: ``(x, y)`` to test on, or a share of the rows to hold out (``0.2``), or nothing.
            validation: ``(x, y)`` for early stopping and calibration.
            modality: if it cannot be seen from ``x``.
            classes: class names in the order of the outputs.
            name: what reports call the data.
            seed: decides which rows a share holds out.

        Raises:
            DataError: labels that do not fit, numbers that are not finite (row named).
        """
        notes: list[str] = []
        parts: list[Part] = []
        share = None if isinstance(test, tuple) else test
        given = {"train": (x, y), "validation": validation, "test": test if isinstance(test, tuple) else None}
        for split in SPLITS:
            pair = given[split]
            if pair is None:
                continue
            payloads, found, said = as_payloads(pair[0], modality)
            if modality is not None and found != modality:
                raise DataError(f"{split} payloads are {found}, the others are {modality}")
            modality = found
            notes += [note for note in said if note not in notes]
            labels = as_labels(pair[1], rows=len(payloads), classes=classes)
            keys = CountedKeys(split, len(payloads))
            parts.append(Part(payloads=payloads, labels=labels, keys=keys, split=split))
        assert modality is not None
        return cls(parts, modality=modality, name=name, classes=classes, test=share, notes=notes, seed=seed)

    def _append(self, part: Part) -> np.ndarray:
        """Give the rows of ``part`` the next ids."""
        count = len(part.payloads)
        if not len(part.labels) == len(part.keys) == count:
            raise DataError(f"{count} payloads came with {len(part.labels)} labels and {len(part.keys)} keys")
        self._check_shape(part)
        start = len(self)
        split = [part.split] * count if isinstance(part.split, str) else part.split
        self._truth.extend(part.labels)
        self._part = np.concatenate([self._part, np.full(count, len(self._parts), np.int32)])
        self._pos = np.concatenate([self._pos, np.arange(count)])
        codes = np.fromiter((SPLITS.index(one) for one in split), np.int8, count)
        self._split = np.concatenate([self._split, codes])
        self._parts.append(part)
        return np.arange(start, start + count)

    def _check_shape(self, part: Part) -> None:
        """Table rows must all have as many features as the first."""
        if self.modality != "table" or not self._parts:
            return
        zero = np.zeros(1, np.int64)
        (have,) = self._parts[0].payloads.take(zero)[0].shape
        (found,) = part.payloads.take(zero)[0].shape if len(part.payloads) else (have,)
        if found != have:
            raise DataError(f"rows with {found} features cannot join a pool of rows with {have}")

    def _set_unlabelled_aside(self) -> None:
        """A row without a label cannot evaluate anything."""
        for code, split in enumerate(SPLITS):
            if split == "train":
                continue
            rows = np.flatnonzero(self._split == code)
            unknown = rows[~self.known(rows)]
            if len(unknown):
                self._split[unknown] = ASIDE
                self.notes.append(f"{len(unknown)} of {len(rows)} {split} rows have no label and are left out of it")

    def _check_splits(self, test: float | None, seed: int) -> None:
        """Report overlaps of splits that were given; make a test split that was asked for."""
        train = self.rows("train")
        given = [split for split in SPLITS[1:] if len(self.rows(split))]
        wanted = test is not None and "test" not in given and self.known(train).any()
        if not given and not wanted:
            return
        groups = content_groups(self._digests())
        for split in given:
            rows = self.rows(split)
            shared = int(np.isin(groups[rows], groups[train]).sum())
            if shared:
                self.notes.append(
                    f"{shared} of {len(rows)} {split} rows also occur in train; the split is kept as given"
                )
        if wanted and test is not None:
            if not 0 < test < 1:
                raise UsageError(f"a test share of {test} was asked for", hint="give a number between 0 and 1")
            held = train[hold_out([self._truth[row] for row in train], groups[train], share=test, seed=seed)]
            self._split[held] = SPLITS.index("test")
            self.notes.append(f"no test split was given: {len(held)} of {len(train)} rows are held out for testing")

    def _digests(self) -> list[bytes]:
        columns = [part.payloads.digests for part in self._parts]
        return [
            columns[part][pos] if part != ASIDE else self._gone[row].encode()
            for row, (part, pos) in enumerate(zip(self._part.tolist(), self._pos.tolist(), strict=True))
        ]

    def __len__(self) -> int:
        return len(self._truth)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.rows(split))} {split}" for split in SPLITS)
        return f"<Pool {self.name}: {self.modality}, {counts}>"

    def rows(self, split: str = "train") -> np.ndarray:
        """Row ids of a split, ascending: ``train`` (what may be asked), ``validation`` or ``test``."""
        if split not in SPLITS:
            raise UsageError(f"no split is called {split!r}", hint=f"choose one of {', '.join(SPLITS)}")
        return np.flatnonzero(self._split == SPLITS.index(split))

    def split(self, row: int) -> str | None:
        """The split that offers ``row``; ``None`` for a row that is left out of all."""
        code = int(self._split[self._checked([row])[0]])
        return None if code == ASIDE else SPLITS[code]

    def __getitem__(self, row: int) -> Any:
        """The payload of ``row``."""
        return self.payloads([row])[0]

    def payloads(self, rows: Sequence[int] | np.ndarray) -> np.ndarray | list[Any]:
        """Payloads of ``rows [b]``: one array ``[b ...]`` where all are arrays of one shape, else a list.

        Raises:
            DataError: a payload is gone or cannot be read; names it.
        """
        rows = self._checked(rows)
        owners = np.unique(self._part[rows])
        if len(owners) and owners[0] == ASIDE:
            lost = int(rows[self._part[rows] == ASIDE][0])
            raise DataError(f"the payload of row {lost} ({self._gone[lost]}) is gone", hint="put the file back")
        if len(owners) <= 1:
            return self._parts[int(owners[0]) if len(owners) else 0].payloads.take(self._pos[rows])
        mixed: list[Any] = [None] * len(rows)
        for owner in owners.tolist():
            places = np.flatnonzero(self._part[rows] == owner)
            for place, value in zip(places, self._parts[owner].payloads.take(self._pos[rows[places]]), strict=True):
                mixed[place] = value
        return ListPayloads(mixed).take(np.arange(len(mixed)))

    def known(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Which of ``rows`` have a true label, ``[b]`` of bool."""
        rows = self._checked(rows)
        return np.fromiter((self._truth[row] is not None for row in rows.tolist()), bool, len(rows))

    def truth(self, rows: Sequence[int] | np.ndarray) -> list[Label]:
        """The labels that came with the data.

        Raises:
            DataError: a row has none.
        """
        rows = self._checked(rows)
        labels = [self._truth[row] for row in rows.tolist()]
        if None in labels:
            row = int(rows[labels.index(None)])
            raise DataError(f"row {row} ({self.key(row)}) has no label", hint="ask only rows whose label is known")
        return labels

    def has_truth(self, split: str = "train") -> bool:
        """Whether the split has rows and the label of every one is known."""
        rows = self.rows(split)
        return len(rows) > 0 and bool(self.known(rows).all())

    def suggest_task(self) -> tuple[str, tuple[str, ...]]:
        """The kind of task that the labels belong to, and the classes (empty for regression).

        Raises:
            DataError: nothing is labelled and no classes were named.
        """
        kind = task_kind(self._truth, self.modality)
        if kind is None and self._classes is None:
            raise DataError(f"{self.name} has no labels to guess the task from", hint="name the task and its classes")
        if kind is None:
            kind = "tokens" if self.modality == "tokens" else "classification"
        if kind == "regression":
            return kind, ()
        return kind, self._classes if self._classes is not None else class_names(self._truth)

    def add(
        self,
        payloads: Sequence[Any] | np.ndarray,
        *,
        origin: str,
        parents: Sequence[int | None] | None = None,
        keys: Sequence[str] | None = None,
        labels: Sequence[Label | None] | None = None,
    ) -> np.ndarray:
        """Append rows to what may be asked; rows that are there keep their ids.

        Args:
            payloads: of the pool's modality.
            origin: what made them, for example ``synthesised``.
            parents: the row each was made from.
            keys: names that stay; ``origin/row`` if left out.
            labels: true labels, where known.

        Returns:
            The new row ids, ``[b]``.
        """
        column, _, _ = as_payloads(payloads, self.modality)
        rows = np.arange(len(self), len(self) + len(column))
        if parents is not None:
            self._checked([parent for parent in parents if parent is not None])
        names = [f"{origin}/{row}" for row in rows] if keys is None else [str(key) for key in keys]
        taken = set(self.keys()).intersection(names)
        if taken or len(set(names)) < len(names):
            raise UsageError(f"the key {min(taken or names)!r} is taken", hint="give each new row a key of its own")
        known = [None] * len(rows) if labels is None else [as_label(label) for label in labels]
        self._append(Part(payloads=column, labels=known, keys=names))
        for row, parent in zip(rows.tolist(), parents or [None] * len(rows), strict=True):
            self._origins[row] = Origin(origin, parent)
        return rows

    def origin(self, row: int) -> Origin:
        """Where ``row`` came from."""
        return self._origins.get(int(self._checked([row])[0]), Origin())

    def key(self, row: int) -> str:
        """A name of ``row`` that stays when the data grow: its path, or its file and place."""
        row = int(self._checked([row])[0])
        part = int(self._part[row])
        return self._gone[row] if part == ASIDE else self._parts[part].keys[int(self._pos[row])]

    def keys(self) -> list[str]:
        """The key of every row, in the order of ids; what :meth:`align` takes back."""
        columns = [part.keys for part in self._parts]
        return [
            columns[part][pos] if part != ASIDE else self._gone[row]
            for row, (part, pos) in enumerate(zip(self._part.tolist(), self._pos.tolist(), strict=True))
        ]

    @property
    def fingerprint(self) -> str:
        """Changes with the payloads, their order, the labels and the splits; for caches and for resuming."""
        whole = blake2b(digest_size=16)
        for value in self._digests():
            whole.update(value)
        whole.update(self._split.tobytes())
        whole.update(repr(self._truth).encode("utf-8", "surrogatepass"))
        return whole.hexdigest()

    def _checked(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """``rows`` as an int64 array, all of them in the pool."""
        array = np.asarray(rows, dtype=np.int64).reshape(-1)
        bad = (array < 0) | (array >= len(self))
        if bad.any():
            raise UsageError(f"row {int(array[bad][0])} was asked for", hint=f"the pool has rows 0 to {len(self) - 1}")
        return array
