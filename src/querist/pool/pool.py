"""The pool: every row there is, asked or not. It owns row ids and only ever grows.

One id space serves all splits. A row id never changes its payload: rows that come later get new ids, and
:meth:`Pool.align` puts the rows of an earlier session back on the ids its journal knows.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from querist.core.errors import DataError, UsageError
from querist.pool.arrays import as_payloads, parts_of_arrays
from querist.pool.datasets import parts_of_datasets
from querist.pool.index import GONE, RowIndex
from querist.pool.part import Origin, Part
from querist.pool.split import ASIDE, SPLITS, content_groups, restored, settled
from querist.pool.truth import Label, as_kind, as_label, class_names, task_kind

Held = tuple[Any, Any] | float | None
"""A split given as ``(x, y)``, a share of the labelled rows to hold out, or nothing."""


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
        self.columns: tuple[str, ...] = ()
        """Columns of the table that the payloads were made of; empty for other data."""
        self._classes = None if classes is None else tuple(str(one) for one in classes)
        self._index = RowIndex()
        self._truth: list[Label | None] = []
        self._split = np.empty(0, np.int8)
        self._origins: dict[int, Origin] = {}
        for part in parts:
            self._append(part)
        if not len(self):
            raise DataError(f"{name} holds no rows", hint="give data with at least one row")
        self._split, said = settled(self._split, self._truth, self._groups, test=test, seed=seed)
        self.notes += said

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
        share = test if isinstance(test, float) else None
        given = {"train": (x, y), "validation": validation, "test": None if isinstance(test, float) else test}
        parts, modality, notes = parts_of_arrays(given, modality, classes)
        return cls(parts, modality=modality, name=name, classes=classes, test=share, notes=notes, seed=seed)

    @classmethod
    def from_dataset(
        cls,
        dataset: Any,
        *,
        test: Any = None,
        validation: Any = None,
        modality: str | None = None,
        classes: Sequence[str] | None = None,
        name: str | None = None,
        seed: int = 0,
    ) -> Pool:
        """A pool over any map-style data set (``len`` and ``[place]``), whose items are read again when asked for.

        Every item is read once here, for its label and to find duplicates; payloads are not kept.

        Args:
            dataset: items are a payload or ``(payload, label)``; a payload is an array, a tensor, a PIL image, a
                text or a list of tokens. Items must be the same at each reading (no random augmentation).
            test: a data set to test on, or a share of the rows to hold out (``0.2``), or nothing.
            validation: a data set for early stopping and calibration.
            modality: if it cannot be seen from the items.
            classes: class names in the order of the outputs; an integer label then counts into them.
            name: what reports call the data; the name of the class if left out.
            seed: decides which rows a share holds out.

        Example:
            >>> pool = Pool.from_dataset([("good film", 1), ("bad film", 0)], classes=["no", "yes"])
            >>> pool[0], pool.truth([0])
            ('good film', ['yes'])
        """
        share = test if isinstance(test, float) else None
        given = {"train": dataset, "validation": validation, "test": None if share is not None else test}
        parts, modality = parts_of_datasets(given, modality, classes)
        called = name or type(dataset).__name__
        return cls(parts, modality=modality, name=called, classes=classes, test=share, seed=seed)

    def _append(self, part: Part) -> np.ndarray:
        """Give the rows of ``part`` the next ids."""
        self._check_shape(part)
        rows = self._index.append(part)
        split = [part.split] * len(rows) if isinstance(part.split, str) else part.split
        codes = np.fromiter((SPLITS.index(one) for one in split), np.int8, len(rows))
        self._split = np.concatenate([self._split, codes])
        self._truth.extend(part.labels)
        return rows

    def _check_shape(self, part: Part) -> None:
        """Table rows must all have as many features as the first."""
        if self.modality == "table" and len(self) and len(part.payloads):
            have, found = len(self[0]), len(part.payloads.take(np.zeros(1, np.int64))[0])
            if found != have:
                raise DataError(f"rows with {found} features cannot join a pool of rows with {have}")

    def _groups(self) -> np.ndarray:
        """The content group of each row."""
        return content_groups(self._index.digests())

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
        code = int(self._split[self._index.checked([row])[0]])
        return None if code == ASIDE else SPLITS[code]

    def __getitem__(self, row: int) -> Any:
        """The payload of ``row``."""
        return self.payloads([row])[0]

    def payloads(self, rows: Sequence[int] | np.ndarray) -> np.ndarray | list[Any]:
        """Payloads of ``rows [b]``: one array ``[b ...]`` where all are arrays of one shape, else a list.

        Raises:
            DataError: a payload is gone or cannot be read; names it.
        """
        return self._index.payloads(self._index.checked(rows))

    def known(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Which of ``rows`` have a true label, ``[b]`` of bool."""
        rows = self._index.checked(rows)
        return np.fromiter((self._truth[row] is not None for row in rows.tolist()), bool, len(rows))

    def truth(self, rows: Sequence[int] | np.ndarray) -> list[Label]:
        """The labels that came with the data.

        Raises:
            DataError: a row has none.
        """
        rows = self._index.checked(rows)
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

    def labelled_as(self, kind: str) -> Pool:
        """The same pool with its labels in the form that a task of ``kind`` wants: ``"3"`` as the amount 3, say.

        Raises:
            DataError: a label cannot be read so; names its row.

        Example:
            >>> Pool.from_arrays(np.eye(2), [3, 14]).labelled_as("regression").truth([0, 1])
            [3.0, 14.0]
        """
        if kind == "tokens" and self.modality != "tokens":
            raise UsageError(f"the rows of {self.name} are {self.modality}, no tokens that could be tagged")
        pool = copy.copy(self)
        pool.notes = list(self.notes)
        pool._truth = []
        for row, label in enumerate(self._truth):
            try:
                pool._truth.append(as_kind(label, kind))
            except DataError as error:
                hint = "name another column with --label, or another --task"
                raise DataError(f"{error.message}, first in row {row} ({self.key(row)})", hint=hint) from None
        if kind == "regression":
            pool._classes = None
        return pool

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
            self._index.checked([parent for parent in parents if parent is not None])
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
        return self._origins.get(int(self._index.checked([row])[0]), Origin())

    def key(self, row: int) -> str:
        """A name of ``row`` that stays when the data grow: its path, or its file and place."""
        return self._index.key(int(self._index.checked([row])[0]))

    def keys(self) -> list[str]:
        """The key of every row, in the order of ids; what :meth:`align` takes back."""
        return self._index.keys()

    def align(self, keys: Sequence[str], splits: Sequence[str | None] | None = None) -> Pool:
        """The same pool with the rows named by ``keys`` on the ids 0, 1, 2, ... and the unseen ones behind them.

        Files that were added since a journal was begun sort in anywhere; this keeps every id the journal knows. A
        known row that is gone keeps its id too: no split offers it, and reading it is an error that names it.

        Args:
            keys: what :meth:`keys` said then, in the order of ids.
            splits: what :meth:`split` said then of each, so that a share held out here does not move with the data;
                an unseen copy of a known row joins that row's split.

        Example:
            >>> pool = Pool.from_arrays(np.eye(3), ["a", "b", "c"])
            >>> pool.align(["train/2", "train/0"]).truth([0, 1, 2])
            ['c', 'a', 'b']
        """
        pool = copy.copy(self)
        pool._index, before = self._index.ordered_by(keys)
        gone = pool._index.is_gone()
        pool._split = self._split[before]
        pool._truth = [None if old == GONE else self._truth[old] for old in before.tolist()]
        now = {old: row for row, old in enumerate(before.tolist())}
        pool._origins = {
            now[row]: Origin(made.kind, None if made.parent is None else now[made.parent])
            for row, made in self._origins.items()
        }
        pool.notes = list(self.notes)
        if gone.any():
            pool.notes.append(f"{gone.sum()} rows of before are gone, the first is {pool.key(int(gone.argmax()))}")
        if splits is not None:
            before_codes = np.array([ASIDE if one is None else SPLITS.index(one) for one in splits], np.int8)
            pool._split = restored(pool._split, before_codes, pool._truth, pool._groups())
        pool._split[gone] = ASIDE
        return pool

    @property
    def fingerprint(self) -> str:
        """Changes with the payloads, their order, the labels and the splits; for caches and for resuming."""
        whole = blake2b(digest_size=16)
        for value in self._index.digests():
            whole.update(value)
        whole.update(self._split.tobytes())
        whole.update(repr(self._truth).encode("utf-8", "surrogatepass"))
        return whole.hexdigest()
