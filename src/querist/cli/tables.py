"""The files that ``querist select`` and ``querist plan`` read: opened, found to fit each other, made a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from querist.cli.rows_file import read_positions, read_whole_numbers, split_name
from querist.core.errors import DataError, PoolExhausted, UsageError, ViewMissing

if TYPE_CHECKING:
    import numpy as np

    from querist.strategies.base import Strategy
    from querist.views import Snapshot, View

ARRAYS = {
    "embeddings": "Embeddings",
    "probs": "Probs",
    "logits": "Logits",
    "prob_samples": "ProbSamples",
    "predictions": "Predictions",
    "prediction_samples": "PredictionSamples",
    "perturbations": "Perturbation",
}
"""Options that name an array with a row for each row of the table, and the views that they answer."""
SAMPLES_FIRST = ("prob_samples", "prediction_samples")


def option(name: str) -> str:
    """How an option is written on the command line.

    Example:
        >>> option("prob_samples")
        '--prob-samples'
    """
    return f"--{name.replace('_', '-')}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Tables:
    """What was given, opened; where candidates were named, the table of those and the labelled rows alone.

    Args:
        n: rows of the table.
        total: rows of the files.
        arrays: by name of their option.
        head: weights of the last layer, ``[c d+1]``.
        target: embeddings of the rows that matter most, ``[q d]``.
        labelled: positions, ascending; ``None`` if no option says.
        labels: class positions ``[n]``, -1 where unknown; ``None`` if no option says.
        answers: what each annotator said of each row ``[n a]``, -1 where nothing; ``None`` if no option says.
        again: labelled positions that a strategy may ask about once more, if it chooses between new and old.
        rows: which row of the files each position is, ascending; ``None`` if it is the same.
    """

    n: int
    total: int
    arrays: Mapping[str, np.ndarray]
    head: np.ndarray | None = None
    target: np.ndarray | None = None
    labelled: np.ndarray | None = None
    labels: np.ndarray | None = None
    answers: np.ndarray | None = None
    again: np.ndarray | None = None
    rows: np.ndarray | None = None

    def kind(self, strategy: Strategy) -> str:
        """The task that the arrays speak of, as far as the strategy cares."""
        values = {"predictions", "prediction_samples"} & set(self.arrays)
        classes = {"probs", "logits", "prob_samples"} & set(self.arrays)
        if "regression" in strategy.tasks and ((values and not classes) or "classification" not in strategy.tasks):
            return "regression"
        return "classification"

    def read(self, strategy: Strategy) -> dict[str, np.ndarray]:
        """The arrays that the strategy looks at; the others are left alone."""
        names = {type(view).__name__ for view in _with_parts(strategy.needs_for(self.kind(strategy)))}
        return {name: array for name, array in self.arrays.items() if ARRAYS[name] in names}

    def snapshot(self, strategy: Strategy) -> Snapshot:
        """The table as the strategy wants to see it.

        Raises:
            DataError, NonFinite: what :meth:`~querist.views.snapshot.Snapshot.from_arrays` refuses.
        """
        import numpy as np

        from querist.views import Snapshot

        views = _with_parts(strategy.needs_for(self.kind(strategy)))
        names = {type(view).__name__ for view in views}
        given: dict[str, Any] = dict(self.read(strategy))
        if "Labels" in names and self.labels is not None:
            given["labels"] = self.labels
        if "Answers" in names and self.answers is not None:
            given["answers"] = self.answers
            if self.again is not None and len(self.again):
                given["candidates"] = np.sort(np.concatenate([self._free(), self.again]))
        if "Head" in names and self.head is not None:
            given["head"] = self.head
        if self.target is not None and any(view.of == "target" for view in views):
            given["target"] = self.target
        if not set(given) - {"target", "head"}:
            given["raw"] = np.empty((self.n, 0), np.float32)  # it looks at nothing, and must know how many there are
        return Snapshot.from_arrays(**given, labelled=self.labelled, rows=self.rows, task=self.kind(strategy))

    @property
    def left(self) -> int:
        """Rows that may be picked for the first time."""
        return self.n if self.labelled is None else self.n - len(self.labelled)

    def _free(self) -> np.ndarray:
        import numpy as np

        return np.setdiff1d(np.arange(self.n), [] if self.labelled is None else self.labelled)

    def refuse_impossible(self, strategy: Strategy, k: int) -> None:
        """Raise unless ``k`` rows can be picked.

        Raises:
            UsageError, PoolExhausted: ``k`` below 1, or over what is left.
        """
        if k < 1:
            raise UsageError(f"--budget is {k}", hint="ask for 1 row or more")
        left = self.left + (len(self.again) if strategy.relabels and self.again is not None else 0)
        if k > left:
            raise PoolExhausted(
                f"{type(strategy).__name__} was asked for {k} rows, {left} are left", hint=f"ask for at most {left}"
            )

    def lacking(self, strategy: Strategy) -> ViewMissing | None:
        """What to say where the strategy asks for more than was given; nothing if it does not."""
        missing = dict.fromkeys(
            text for view in strategy.needs_for(self.kind(strategy)) for text in self._missing(view)
        )
        if not missing:
            return None
        given = ", ".join(map(option, self.arrays))
        return ViewMissing(f"{type(strategy).__name__} also needs {' and '.join(missing)}", hint=f"{given} was given")

    def _missing(self, view: View) -> list[str]:
        """Options that would answer a view."""
        own = [name for name, answers in ARRAYS.items() if answers == type(view).__name__]
        if view.of == "target":
            return [] if self.target is not None else ["--target"]
        if type(view).__name__ == "Head":
            return [] if self.head is not None else ["--head"]
        if type(view).__name__ == "Labels":
            return [] if self.labels is not None else ["--labels"]
        if type(view).__name__ == "Answers":
            return [] if self.answers is not None else ["--answers"]
        if any(name in self.arrays for name in own):
            return []
        below = [text for part in view.parts() for text in self._missing(part)]
        if view.parts() and not below:
            return []
        return [" or ".join(dict.fromkeys([*map(option, own), *below]))] if own else below or [f"a view {view}"]


def open_tables(
    given: Mapping[str, str | None],
    *,
    head: str | None = None,
    target: str | None = None,
    labelled: str | None = None,
    labels: str | None = None,
    answers: str | None = None,
    overlap: int = 1,
    candidates: str | None = None,
    seed: int = 0,
) -> Tables:
    """Open every file, and see that they speak of the same rows.

    Args:
        given: ``FILE`` or ``FILE:NAME`` by name of the option, as in :data:`ARRAYS`.
        head: ``FILE`` or ``FILE:NAME``, for ``--head``.
        target: the same, for ``--target``.
        labelled: file of rows.
        labels: file of class positions, one for each labelled row, or one a row.
        answers: ``FILE`` or ``FILE:NAME`` of class positions, an annotator a column; rows with answers are labelled.
        overlap: rows with fewer answers may be asked about once more.
        candidates: file of rows, or how many to draw.
        seed: draws those.

    Raises:
        UsageError: no file is given.
        DataError: a file that is missing or damaged, or does not fit the others.
    """
    import numpy as np

    arrays = {name: _opened(option(name), text) for name, text in given.items() if text is not None}
    if not arrays:
        raise UsageError("no table is given", hint=f"give {', '.join(map(option, list(ARRAYS)[:4]))} or another")
    lengths = {name: _length(name, array, given[name]) for name, array in arrays.items()}
    n = next(iter(lengths.values()))
    if set(lengths.values()) != {n}:
        text = ", ".join(f"{option(name)} {given[name]} has {length}" for name, length in lengths.items())
        raise DataError(f"the files have different numbers of rows: {text}")
    known = None if labelled is None else read_positions(labelled, rows=n, what="labelled")
    classes = None if labels is None else _classes(labels, known, n)
    if known is None and classes is not None:
        known = (classes >= 0).nonzero()[0]
    said = None if answers is None else _opened("--answers", answers)
    if said is not None and (said.ndim != 2 or len(said) != n):
        raise DataError(f"--answers {answers} has the shape {list(said.shape)}", hint=f"give {n} rows")
    if known is None and said is not None:
        known = np.flatnonzero((said >= 0).any(1))
    again = None
    if said is not None and known is not None:
        again = np.intersect1d(known, np.flatnonzero((said >= 0).sum(1) < overlap))
    whole = Tables(
        n=n,
        total=n,
        arrays=arrays,
        head=None if head is None else _opened("--head", head),
        target=None if target is None else _opened("--target", target),
        labelled=None if known is None else np.sort(known),
        labels=classes,
        answers=None if said is None else said.astype(np.int64),
        again=again,
    )
    return whole if candidates is None else cut(whole, _candidates(candidates, known, n, seed))


def cut(tables: Tables, candidates: np.ndarray) -> Tables:
    """The table of some candidates (ascending, not labelled) and the labelled rows: nothing else is looked at."""
    import numpy as np

    from querist.storage.arrays import rows_of

    known = np.empty(0, np.int64) if tables.labelled is None else tables.labelled
    rows = np.sort(np.concatenate([candidates, known]))
    if len(rows) == tables.n:
        return tables
    arrays = {name: rows_of(array, rows, axis=int(name in SAMPLES_FIRST)) for name, array in tables.arrays.items()}
    return replace(
        tables,
        n=len(rows),
        arrays=arrays,
        labelled=np.searchsorted(rows, known),
        labels=None if tables.labels is None else tables.labels[rows],
        answers=None if tables.answers is None else tables.answers[rows],
        again=None if tables.again is None else np.searchsorted(rows, tables.again),
        rows=rows,
    )


def _opened(name: str, text: str) -> np.ndarray:
    from querist.storage.arrays import open_array

    path, member = split_name(text)
    array = open_array(path, name=member)
    if array.dtype.kind not in "fiu":
        raise DataError(f"{name} {text} holds {array.dtype}", hint="give numbers")
    return array


def _length(name: str, array: np.ndarray, text: str | None) -> int:
    """Rows of the table, from one array."""
    axis = int(name in SAMPLES_FIRST)
    if array.ndim <= axis:
        raise DataError(f"{option(name)} {text} has the shape {list(array.shape)}", hint="samples come first")
    return int(array.shape[axis])


def _classes(text: str, known: np.ndarray | None, n: int) -> np.ndarray:
    """Class positions of all rows, from those of the labelled rows or of all."""
    import numpy as np

    values = read_whole_numbers(text, column="label")
    if known is not None and len(values) == len(known):
        classes = np.full(n, -1, dtype=np.int64)
        classes[known] = values
        return classes
    if len(values) != n:
        others = "" if known is None else f"{len(known)} rows are labelled and "
        raise DataError(f"--labels {text} has {len(values)} labels, {others}the table has {n} rows")
    if known is not None and not np.array_equal(np.flatnonzero(values >= 0), np.sort(known)):
        raise DataError(f"--labels {text} and --labelled do not name the same rows", hint="-1 stands for no label")
    return values


def _candidates(text: str, known: np.ndarray | None, n: int, seed: int) -> np.ndarray:
    """Rows that may be picked, ascending and without the labelled ones."""
    import numpy as np

    from querist.core.rng import numpy_generator

    free = np.ones(n, dtype=bool)
    if not text.isdecimal():
        free[:] = False
        free[read_positions(text, rows=n, what="a candidate")] = True
    if known is not None:
        free[known] = False
    rows = np.flatnonzero(free)
    if text.isdecimal() and int(text) < len(rows):
        rows = np.sort(numpy_generator(seed, "candidates").choice(rows, int(text), replace=False))
    return rows


def _with_parts(views: tuple[View, ...]) -> list[View]:
    """Views and all that they may be computed from."""
    return [each for view in views for each in (view, *_with_parts(view.parts()))]
