"""Votes: who said what of which row, as three columns of numbers. Memory grows with the votes alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError
from querist.core.types import Float, Int, Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Votes:
    """One entry a vote; a row may have none, one or many of them, one at most an annotator.

    Args:
        rows: position of the row, ``[v]``.
        annotators: position of the annotator, ``[v]``.
        classes: position of the class, ``[v]``.
        n: rows of the table.
        c: classes.
        names: annotators by position.

    Raises:
        DataError: a position out of range, or two votes of an annotator on a row.

    Example:
        >>> votes = Votes.from_table([[0, 1], [1, -1]])
        >>> votes.counts().tolist(), votes.names
        ([[1.0, 1.0], [0.0, 1.0]], ('0', '1'))
    """

    rows: Int[Tensor, "v"]
    annotators: Int[Tensor, "v"]
    classes: Int[Tensor, "v"]
    n: int
    c: int
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        for what, values, end in (
            ("row", self.rows, self.n),
            ("annotator", self.annotators, self.a),
            ("class", self.classes, self.c),
        ):
            if len(values) and (int(values.min()) < 0 or int(values.max()) >= end):
                bad = values[(values < 0) | (values >= end)][0]
                raise DataError(f"a vote names {what} {int(bad)}, there are {end}", hint="positions start at 0")
        pairs, counts = (self.rows * max(self.a, 1) + self.annotators).unique(return_counts=True)
        if len(pairs) < len(self.rows):
            row, who = divmod(int(pairs[counts > 1][0]), self.a)
            raise DataError(f"{self.names[who]} votes twice on row {row}", hint="keep the last answer of each")

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def a(self) -> int:
        """Annotators."""
        return len(self.names)

    @classmethod
    def from_table(cls, table: Any, *, c: int | None = None, names: Sequence[str] | None = None) -> Votes:
        """Votes that stand in a table, a row a line and an annotator a column.

        Args:
            table: class positions ``[n a]``; below 0 where an annotator did not answer.
            c: classes; one more than the highest position if ``None``.
            names: annotators; their columns' numbers if ``None``.
        """
        given = torch.as_tensor(np.asarray(table)).long()
        if given.ndim != 2:
            raise DataError(f"the votes have the shape {list(given.shape)}", hint="give [n a], -1 for no answer")
        rows, annotators = torch.nonzero(given >= 0, as_tuple=True)
        return cls(
            rows=rows,
            annotators=annotators,
            classes=given[rows, annotators],
            n=given.shape[0],
            c=max(int(given.max()) + 1 if given.numel() else 1, 1) if c is None else c,
            names=tuple(map(str, range(given.shape[1]))) if names is None else tuple(names),
        )

    @classmethod
    def from_answers(cls, answers: Sequence[Mapping[str, Any]], *, classes: Sequence[str]) -> Votes:
        """Votes as label events leave them: for each row, who said what.

        Args:
            answers: annotator -> class name, one mapping a row (:meth:`querist.pool.labels.LabelState.answers`).
            classes: names of the classes, in the order of their positions.

        Raises:
            DataError: an answer that is no class.

        Example:
            >>> votes = Votes.from_answers([{"ann": "cat", "bob": "dog"}, {"bob": "cat"}], classes=["cat", "dog"])
            >>> votes.rows.tolist(), votes.classes.tolist(), votes.names
            ([0, 0, 1], [0, 1, 0], ('ann', 'bob'))
        """
        places = {name: pos for pos, name in enumerate(classes)}
        names = sorted({name for said in answers for name in said})
        found = {name: pos for pos, name in enumerate(names)}
        entries = []
        for row, said in enumerate(answers):
            for name, label in said.items():
                if label not in places:
                    raise DataError(f"{name} says {label!r} of row {row}", hint=f"known: {', '.join(classes)}")
                entries.append((row, found[name], places[label]))
        columns = torch.tensor(entries, dtype=torch.long).reshape(-1, 3).T
        return cls(
            rows=columns[0],
            annotators=columns[1],
            classes=columns[2],
            n=len(answers),
            c=len(classes),
            names=tuple(names),
        )

    def counts(self) -> Float[Tensor, "n c"]:
        """How many votes each class of each row has."""
        ones = torch.ones(len(self), dtype=torch.float64, device=self.rows.device)
        return self._zeros(self.n * self.c).index_add_(0, self.rows * self.c + self.classes, ones).view(self.n, self.c)

    def per_row(self, values: Float[Tensor, "v *c"]) -> Float[Tensor, "n *c"]:
        """The sum over each row's votes."""
        return self._zeros(self.n, *values.shape[1:]).index_add_(0, self.rows, values)

    def per_annotator(self, values: Float[Tensor, "v *c"]) -> Float[Tensor, "a *c"]:
        """The sum over each annotator's votes."""
        return self._zeros(self.a, *values.shape[1:]).index_add_(0, self.annotators, values)

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.float64, device=self.rows.device)
