"""Tables that stand for what is not there (yet): a part of those that are, and made-up ones for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from querist.cli.tables import ARRAYS, SAMPLES_FIRST, Tables
from querist.core.errors import ViewMissing
from querist.core.rng import numpy_generator

if TYPE_CHECKING:
    from querist.planning.trials import Job
    from querist.strategies.base import Strategy
    from querist.views import View

_CLUSTERS = 100
_TARGET = 100
_ANNOTATORS = 3
_TOLD = ("target", "labels", "answers", "head")
"""What is read beside the tables that have a row a line and a number a column."""
_RUN_BYTES = 1 << 16
"""Rows of a file are taken in runs of so many bytes: a disk reads no less."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How wide the tables are that have to be made up.

    Args:
        d: numbers of an embedding.
        c: classes.
        s: drawn networks.
    """

    d: int = 128
    c: int = 10
    s: int = 20


class StandIn:
    """Tables of any size that are like those given, with made-up ones in the place of what was not.

    Args:
        tables: what was given, if anything was.
        strategy: who will look at them.
        shape: of what is made up.
        seed: draws.

    Raises:
        ViewMissing: the strategy looks at something that no file could answer.
    """

    def __init__(self, tables: Tables | None, strategy: Strategy, *, shape: Shape, seed: int) -> None:
        self._tables, self._strategy, self._seed = tables, strategy, seed
        self.shape = shape
        if tables is not None and "embeddings" in tables.arrays:
            self.shape = replace(shape, d=int(tables.arrays["embeddings"].shape[1]))
        given = {} if tables is None else tables.read(strategy)
        kind = "classification" if tables is None else tables.kind(strategy)
        kind = kind if kind in strategy.tasks else strategy.tasks[0]
        wanted: list[str] = []
        for view in strategy.needs_for(kind):
            names = _read(view, given)
            if not names:
                raise ViewMissing(f"no file answers {type(view).__name__}", hint="choose another strategy")
            wanted += names
        self.given = given
        self.made_up = tuple(dict.fromkeys(name for name in wanted if name not in (*given, *_TOLD)))
        self._target, self._labels, self._answers, self._head = (name in wanted for name in _TOLD)

    @property
    def most_rows(self) -> int | None:
        """Rows that there are; ``None`` where all are made up."""
        return None if self._tables is None else self._tables.n

    def row_bytes(self) -> int:
        """Bytes of one row of all the tables that the strategy reads."""
        wide = {"embeddings": self.shape.d, "probs": self.shape.c, "logits": self.shape.c}
        wide |= {"prob_samples": self.shape.s * self.shape.c, "predictions": 1, "prediction_samples": self.shape.s}
        wide |= {"perturbations": 1}
        there = sum(array.nbytes // max(1, self._tables.n) for array in self.given.values()) if self._tables else 0
        return there + sum(4 * wide[name] for name in self.made_up)

    def sample(self, job: Job) -> Tables:
        """Tables of ``job.n`` rows, ``job.m`` of them labelled."""
        rng = numpy_generator(self._seed, "sample", job.n)
        if self._tables is None:
            known = np.sort(rng.choice(job.n, job.m, replace=False))
            tables = Tables(n=job.n, total=job.n, arrays={}, labelled=known)
        else:
            tables = _part(self._tables, self.given, job, rng)
        arrays = dict(tables.arrays)
        for name in self.made_up:
            arrays[name] = self._make(name, job.n, arrays.get("embeddings"), rng)
        target = tables.target
        if self._target and target is None:
            target = self._mixture(_TARGET, rng)
        labels = tables.labels
        if self._labels and labels is None:
            labels = np.full(job.n, -1)
            labels[tables.labelled] = rng.integers(self.shape.c, size=job.m)
        answers = tables.answers
        if self._answers and answers is None:
            known = np.empty(0, np.int64) if tables.labelled is None else tables.labelled
            answers = np.full((job.n, _ANNOTATORS), -1)
            answers[known] = rng.integers(self.shape.c, size=(len(known), _ANNOTATORS))
        head = tables.head
        if self._head and head is None:
            head = rng.normal(size=(self.shape.c, self.shape.d + 1)).astype(np.float32)
        return replace(tables, arrays=arrays, head=head, target=target, labels=labels, answers=answers)

    def _make(self, name: str, n: int, embeddings: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        if name == "embeddings":
            return self._mixture(n, rng)
        if name == "predictions":
            return rng.normal(size=n).astype(np.float32)
        if name == "perturbations":
            return rng.exponential(size=n).astype(np.float32)
        if name == "prediction_samples":
            return (rng.normal(size=n) + 0.3 * rng.normal(size=(self.shape.s, n))).astype(np.float32)
        # A head that knows little: sure of some rows and torn about others.
        own = rng.normal(size=(n, 16)) if embeddings is None else np.asarray(embeddings, dtype=np.float32)
        head = numpy_generator(self._seed, "head").normal(size=(own.shape[1], self.shape.c))
        logits = own @ (head * 3 / max(1e-9, float(np.abs(own).mean()) * own.shape[1] ** 0.5)).astype(own.dtype)
        if name == "prob_samples":
            logits = logits + 0.5 * rng.normal(size=(self.shape.s, *logits.shape))
        return (logits if name == "logits" else _softmax(logits)).astype(np.float32)

    def _mixture(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Clusters whose axes fall in size, as those of deep embeddings do."""
        scale = (1 + np.arange(self.shape.d, dtype=np.float32)) ** -0.5
        centres = numpy_generator(self._seed, "centres").normal(size=(_CLUSTERS, self.shape.d)).astype(np.float32)
        points = rng.standard_normal((n, self.shape.d), dtype=np.float32)
        points *= 0.7
        points += centres[rng.integers(_CLUSTERS, size=n)]
        points *= scale
        return points


def _part(tables: Tables, given: Mapping[str, np.ndarray], job: Job, rng: np.random.Generator) -> Tables:
    """Some rows of the tables, in runs, with as many labelled ones as the job has."""
    labelled = np.empty(0, np.int64) if tables.labelled is None else tables.labelled
    known = rng.choice(labelled, min(job.m, len(labelled)), replace=False)
    if job.n == tables.n:
        rows = np.arange(tables.n)
    else:
        free = np.ones(tables.n, dtype=bool)
        free[labelled] = False
        rows = np.sort(np.concatenate([known, _runs(np.flatnonzero(free), job.n - len(known), _run(tables), rng)]))
    arrays = {name: _rows(array, rows, int(name in SAMPLES_FIRST)) for name, array in given.items()}
    labels = None if tables.labels is None else tables.labels[rows]
    answers = None if tables.answers is None else tables.answers[rows]
    places = np.searchsorted(rows, np.sort(known))
    own = rows if tables.rows is None else tables.rows[rows]  # by which a row at fault is named
    return replace(
        tables, n=len(rows), arrays=arrays, labelled=places, labels=labels, answers=answers, again=None, rows=own
    )


def _run(tables: Tables) -> int:
    """Rows that a disk reads at once."""
    widest = max((array.nbytes // max(1, tables.n) for array in tables.arrays.values()), default=1)
    return max(1, _RUN_BYTES // max(1, widest))


def _runs(rows: np.ndarray, size: int, run: int, rng: np.random.Generator) -> np.ndarray:
    """``size`` of the rows, in runs that start anywhere."""
    if size >= len(rows):
        return rows
    run = max(1, min(run, size // 50))  # few runs would show few sorts of rows
    runs = -(-len(rows) // run)
    starts = rng.permutation(runs) * run
    places = (starts[: -(-size // run) + 1, None] + np.arange(run)).ravel()
    return rows[places[places < len(rows)][:size]]


def _rows(array: np.ndarray, rows: np.ndarray, axis: int) -> np.ndarray:
    return np.ascontiguousarray(array.take(rows, axis=axis))


def _softmax(logits: np.ndarray) -> np.ndarray:
    table = np.exp(logits - logits.max(-1, keepdims=True))
    return table / table.sum(-1, keepdims=True)


def _read(view: View, given: Mapping[str, np.ndarray]) -> list[str]:
    """Names of the options that answer a view: those given, or the first that would; none if none would."""
    if view.of == "target":
        return ["target"]
    if type(view).__name__ in ("Labels", "Answers", "Head"):
        return [type(view).__name__.lower()]
    own = [name for name, answers in ARRAYS.items() if answers == type(view).__name__]
    below = [_read(part, given) for part in view.parts()]
    known = [name for names in below for name in names] if all(below) else []
    if own and (own[0] in given or not set(known) & set(given)):
        return own
    return known
