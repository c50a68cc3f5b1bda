"""Snapshot: one table of rows of one round, with the answers to the declared views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError, NonFinite, ViewMissing
from querist.core.types import Tensor
from querist.selectors.points import FactoredPoints, as_table
from querist.views.answers import Answers
from querist.views.base import Positions, View
from querist.views.blocks import first_no_distribution, first_not_finite
from querist.views.embeddings import Embeddings
from querist.views.head import Head
from querist.views.labels import Labels
from querist.views.logits import Logits
from querist.views.perturbation import Perturbation
from querist.views.prediction_samples import PredictionSamples
from querist.views.predictions import Predictions
from querist.views.prob_samples import ProbSamples
from querist.views.probs import Probs
from querist.views.raw import Raw

_SHAPES: dict[View, str] = {
    Probs(): "n c",
    Logits(): "n c",
    ProbSamples(): "s n c",
    Embeddings(): "n d",
    Predictions(): "n",
    PredictionSamples(): "s n",
    Embeddings(of="target"): "q d",
    Head(): "c d+1",
    Perturbation(): "n",
    ProbSamples(of="target"): "s q c",
}
"""What the arrays of a caller look like, in the axis alphabet."""


class Snapshot:
    """Rows, two sets of positions in them, and answers to views.

    Args:
        at: candidates, labelled positions and unit offsets of the table.
        answers: what was computed, by view. Derived views are computed from these when first asked for, and kept.
        rows: pool id of each position, ``[n]``; the positions themselves if left out.

    Example:
        >>> snapshot = Snapshot.from_arrays(probs=[[0.9, 0.1], [0.5, 0.5]], labelled=[0])
        >>> snapshot[Probs()].shape, snapshot.at.candidates.tolist()
        (torch.Size([2, 2]), [1])
    """

    def __init__(
        self, *, at: Positions, answers: Mapping[View, Any], rows: np.ndarray | Sequence[int] | None = None
    ) -> None:
        self.at = at
        self.rows = np.arange(at.n) if rows is None else np.asarray(rows, dtype=np.int64)
        self._answers: dict[View, Any] = dict(answers)
        self._finite: list[Tensor] = []
        """Tables that were read from end to end and hold no NaN: once is enough for a large file."""

    @classmethod
    def from_arrays(
        cls,
        *,
        probs: Any = None,
        logits: Any = None,
        prob_samples: Any = None,
        embeddings: Any = None,
        predictions: Any = None,
        prediction_samples: Any = None,
        raw: Any = None,
        head: Any = None,
        perturbations: Any = None,
        labels: Any = None,
        answers: Any = None,
        labelled: Any = None,
        candidates: Any = None,
        rows: Any = None,
        offsets: Any = None,
        target: Any = None,
        target_samples: Any = None,
        task: str | None = None,
    ) -> Snapshot:
        """A snapshot of arrays that you computed with your own code.

        Arrays are viewed and never copied, so they may be mapped from files larger than memory
        (:func:`querist.open_array`), and may be in half precision. Numbers of 64 bits that are whole are the
        exception: they are made float32.

        Args:
            probs: class probabilities ``[n c]`` (``[u c]`` with ``offsets``).
            logits: scores before the softmax, in the place of ``probs``.
            prob_samples: posterior samples first, ``[s n c]``.
            embeddings: ``[n d]``.
            predictions: regression values ``[n]``.
            prediction_samples: ``[s n]``.
            raw: inputs as vectors ``[n d]``.
            head: weights of the last layer on ``embeddings``, the bias as its last column, ``[c d+1]``.
            perturbations: length of the smallest change that flips each row's guess ``[n]``.
            labels: class positions ``[n]``, -1 where unknown.
            answers: class positions ``[n a]``, what each annotator said of each row, -1 where nothing.
            labelled: positions whose labels are known. Known labels and answers imply them.
            candidates: positions that may be picked; all unlabelled ones if left out.
            rows: your own id for each position.
            offsets: ``[n + 1]``, where each row's units start.
            target: embeddings ``[q d]`` of the rows that matter most, for targeted strategies.
            target_samples: what the networks of ``prob_samples`` say of those rows, ``[s q c]``.
            task: kind of the task; ``classification`` (``tokens`` with offsets, ``regression`` with predictions).

        Raises:
            DataError: arrays of another shape or whose lengths differ, probabilities that do not sum to one, positions
                out of range.
            NonFinite: NaN or infinity; names the row.
        """
        regression = predictions is not None or prediction_samples is not None
        given = {
            Probs(): probs,
            Logits(): logits,
            ProbSamples(): prob_samples,
            Embeddings(): embeddings,
            Predictions(): predictions,
            PredictionSamples(): prediction_samples,
            Raw(): raw,
            Head(): head,
            Perturbation(): perturbations,
        }
        held: dict[View, Any] = {view: _tensor(x, view) for view, x in given.items() if x is not None}
        if not held and labels is None and answers is None:
            raise DataError("a snapshot needs at least one array", hint="give probs= or embeddings=")
        units = None if offsets is None else torch.as_tensor(np.asarray(offsets), dtype=torch.long)
        n = _common_length(held, units, labels, said=answers)
        if labels is not None:
            held[Labels()] = torch.as_tensor(np.asarray(labels), dtype=torch.long)
            if labelled is None:
                labelled = torch.nonzero(held[Labels()] >= 0).flatten()
        if answers is not None:
            held[Answers()] = _who_said_what(answers)
            if labelled is None:
                labelled = held[Answers()][:, 0].unique()
        known = _positions("labelled", labelled, n)
        if candidates is None:
            free = torch.ones(n, dtype=torch.bool)
            free[known] = False
            open_to_ask = torch.nonzero(free).flatten()
        else:
            open_to_ask = _positions("candidates", candidates, n)
        kind = task or ("regression" if regression else "classification" if units is None else "tokens")
        at = Positions(n=n, candidates=open_to_ask, labelled=known, offsets=units, task=kind)
        if target is not None:
            held[Embeddings(of="target")] = _tensor(target, Embeddings(of="target"))
            _refuse_other_width(held)
        if target_samples is not None:
            held[ProbSamples(of="target")] = _tensor(target_samples, ProbSamples(of="target"))
            _refuse_other_networks(held)
        snapshot = cls(at=at, answers=held, rows=rows)
        if len(snapshot.rows) != n:
            raise DataError(f"{len(snapshot.rows)} row ids were given for {n} rows")
        for view in held:
            if view in (Probs(), ProbSamples(), ProbSamples(of="target")):
                snapshot.refuse_no_distribution(view)
            else:
                snapshot.refuse_non_finite(view)
        _refuse_other_head(held)
        return snapshot

    def __getitem__(self, view: View) -> Any:
        """The answer to ``view``, computed from its parts where it is derived.

        Raises:
            ViewMissing: it was neither given nor can it be derived.
        """
        if view not in self._answers:
            same = next((key for key in self._answers if _answers_as(key, view)), None)
            if same is not None:
                return self._answers[same]
            if not view.parts():
                whose = "" if view.of == "table" else f" of the {view.of} rows"
                raise ViewMissing(
                    f"this snapshot has no {type(view).__name__}{whose}",
                    hint=f"it has {', '.join(sorted(type(key).__name__ for key in self._answers)) or 'nothing'}",
                )
            for part in view.parts():
                self.refuse_non_finite(part)  # here, where the row at fault can still be told from the others
            parts = tuple(self[part] for part in view.parts())
            state = view.fit(*parts, at=self.at)
            self._answers[view] = view.map(*parts, state=state, at=self.at)
        return self._answers[view]

    def answers(self, view: View) -> bool:
        """Whether it was given the answer to this view itself (not to those that it could be derived from)."""
        return view in self._answers or any(_answers_as(key, view) for key in self._answers)

    def refuse_non_finite(self, view: View) -> None:
        """Raise :class:`NonFinite`, naming the first row, if an answer holds NaN or infinity."""
        answer = self[view]
        for table in (answer.left, answer.right) if isinstance(answer, FactoredPoints) else (answer,):
            if any(table is known for known in self._finite):
                continue
            first = first_not_finite(table, axis=view.row_axis)
            if first is not None:
                raise NonFinite(type(view).__name__, self._row(view, first))
            self._finite.append(table)

    def refuse_no_distribution(self, view: View) -> None:
        """Raise :class:`DataError`, naming the first row, if an answer holds something else than distributions."""
        table = self[view]
        first = first_no_distribution(table)
        if first is not None:
            self.refuse_non_finite(view)  # the better word, where it is the reason
            row = self._row(view, first)
            raise DataError(
                f"{type(view).__name__} of row {row} do not sum to one", hint="scores before the softmax are logits"
            )
        self._finite.append(table)  # what sums to one is finite

    def _row(self, view: View, place: int) -> int | str:
        """The id of the row that owns a place of an answer."""
        if view.scope == "model":
            return f"{place} of the last layer"
        pos = self.at.row_of_unit(place) if view.scope == "unit" else place
        return int(self.rows[pos]) if view.of == "table" else pos


def _answers_as(key: View, view: View) -> bool:
    """Whether ``key`` is the same question but for how many samples were drawn: arrays have what they have."""
    return type(key) is type(view) and key.of == view.of


def _tensor(array: Any, view: View) -> Tensor:
    table = as_table(array if isinstance(array, Tensor) else np.asarray(array), axes=None)
    axes = _SHAPES.get(view)
    if axes is not None and table.ndim != len(axes.split()):
        name = type(view).__name__
        raise DataError(f"{name} have the shape {list(table.shape)}", hint=f"give [{axes}]")
    return table.float() if table.dtype in (torch.int64, torch.bool) else table


def _refuse_other_width(answers: Mapping[View, Any]) -> None:
    """The target rows must lie where the others do."""
    own, target = answers.get(Embeddings()), answers[Embeddings(of="target")]
    if own is not None and own.shape[1] != target.shape[1]:
        raise DataError(f"embeddings have {own.shape[1]} numbers a row, those of the target {target.shape[1]}")


def _refuse_other_networks(answers: Mapping[View, Any]) -> None:
    """Joint statements about two sets of rows are of the same networks."""
    own, target = answers.get(ProbSamples()), answers[ProbSamples(of="target")]
    if own is None or (own.shape[0], own.shape[2]) != (target.shape[0], target.shape[2]):
        found = "none" if own is None else list(own.shape)
        raise DataError(
            f"target_samples have the shape {list(target.shape)} and prob_samples {found}",
            hint="give both, [s q c] and [s n c], of the same networks and classes",
        )


def _who_said_what(table: Any) -> Tensor:
    """A table of answers as triplets: row, annotator, class."""
    said = torch.as_tensor(np.asarray(table), dtype=torch.long)
    if said.ndim != 2:
        raise DataError(f"the answers have the shape {list(said.shape)}", hint="give [n a], -1 for no answer")
    places = torch.nonzero(said >= 0)
    return torch.cat([places, said[places[:, 0], places[:, 1], None]], 1)


def _common_length(answers: Mapping[View, Any], offsets: Tensor | None, labels: Any, *, said: Any = None) -> int:
    """Rows of the table; an error if two arrays disagree."""
    lengths = {}
    for view, answer in answers.items():
        if view.scope == "model":
            continue
        length = answer.shape[view.row_axis]
        if view.scope == "unit" and offsets is not None:
            if length != int(offsets[-1]):
                raise DataError(f"{type(view).__name__} has {length} units, offsets end at {int(offsets[-1])}")
            length = len(offsets) - 1
        lengths[type(view).__name__] = length
    if labels is not None:
        lengths["labels"] = len(labels)
    if said is not None:
        lengths["answers"] = len(said)
    if not lengths:
        raise DataError("a snapshot needs rows", hint="give probs= or embeddings=")
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise DataError(f"the arrays have different numbers of rows: {text}")
    return next(iter(lengths.values()))


def _positions(name: str, values: Any, n: int) -> Tensor:
    pos = torch.as_tensor(np.asarray([] if values is None else values), dtype=torch.long)
    if len(pos) and (int(pos.min()) < 0 or int(pos.max()) >= n):
        bad = pos[(pos < 0) | (pos >= n)][0]
        raise DataError(f"{name} holds position {int(bad)}, the table has rows 0 to {n - 1}")
    if len(pos.unique()) != len(pos):
        raise DataError(f"{name} holds a position twice")
    return pos


def _refuse_other_head(answers: Mapping[View, Any]) -> None:
    """A head that does not belong to the other arrays."""
    head = answers.get(Head())
    if head is None:
        return
    embeddings, scores = answers.get(Embeddings()), answers.get(Logits(), answers.get(Probs()))
    if embeddings is not None and head.shape[1] != embeddings.shape[1] + 1:
        raise DataError(
            f"the head has {head.shape[1]} columns for embeddings of {embeddings.shape[1]} numbers",
            hint="give one weight a number and then the bias, 0 where there is none",
        )
    if scores is not None and len(head) != scores.shape[-1]:
        raise DataError(f"the head has {len(head)} rows for {scores.shape[-1]} classes")
