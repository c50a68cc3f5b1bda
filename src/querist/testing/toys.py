"""Toys: small made-up pools with a known answer, for every task, with every view that a model could give.

A toy is made of rows of three kinds. A *sure* row is one that every network drawn from the posterior answers alike;
a *torn* row is one that each of them answers with confidence and differently; a *noisy* row is one that all of them
find equally hard, so that a label would teach nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.views import (
    Answers,
    Embeddings,
    Head,
    Labels,
    Logits,
    Perturbation,
    Positions,
    Predictions,
    PredictionSamples,
    Probs,
    ProbSamples,
    Raw,
    Snapshot,
    View,
)

SURE, TORN, NOISY = 0, 1, 2
CLASSES = 4
SAMPLES = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Answers to all views for some rows, from which snapshots are cut.

    Args:
        answers: by view; rows or units on the view's row axis.
        counts: units of each row, ``[n]``; ``None`` where a row is its one unit.
        task: kind of the task.
        classes: class position of each row, ``[n]``: what the ``Labels`` view tells of labelled rows.
    """

    answers: dict[View, Tensor]
    counts: Int[Tensor, "n"] | None
    task: str
    classes: Int[Tensor, "n"]

    def __len__(self) -> int:
        return len(self.classes)

    def take(self, pos: Sequence[int] | Tensor) -> Table:
        """The rows at ``pos``, in that order; a position may come more than once."""
        pos = torch.as_tensor(pos, dtype=torch.long)
        units = pos
        if self.counts is not None:
            ends = self.counts.cumsum(0)
            units = torch.cat([torch.arange(int(ends[p] - self.counts[p]), int(ends[p])) for p in pos])
        answers = {
            view: answer.index_select(view.row_axis, units if view.scope == "unit" else pos)
            if view.scope != "model"
            else answer
            for view, answer in self.answers.items()
        }
        counts = None if self.counts is None else self.counts[pos]
        return Table(answers=answers, counts=counts, task=self.task, classes=self.classes[pos])

    def with_head(self) -> Table:
        """The same table, as a network with a linear last layer would answer: embeddings also hold what it reads.

        The log probabilities become the last columns of the embeddings, and the head copies them out.

        Raises:
            UsageError: not the task classification.
        """
        if self.task != "classification":
            raise UsageError(f"a toy of the task {self.task} has no head", hint="teach querist.testing.toys about it")
        logits = self.answers[Logits()]
        logits = logits - logits.mean(-1, keepdim=True)
        points = self.answers[Embeddings()]
        weights = [torch.zeros(logits.shape[1], points.shape[1]), torch.eye(logits.shape[1])]
        head = torch.cat([*weights, torch.zeros(logits.shape[1], 1)], 1)
        answers = {**self.answers, Embeddings(): torch.cat([points, logits], 1), Head(): head}
        return replace(self, answers=answers)

    def snapshot(self, *, labelled: Sequence[int] | Tensor = (), rows: Any = None, candidates: Any = None) -> Snapshot:
        """A snapshot of the table; every row that is not labelled is a candidate unless said otherwise."""
        n = len(self)
        known = torch.as_tensor(labelled, dtype=torch.long)
        free = torch.ones(n, dtype=torch.bool)
        free[known] = False
        labels = torch.full((n,), -1).scatter(0, known, self.classes[known])
        at = Positions(
            n=n,
            candidates=torch.nonzero(free).flatten() if candidates is None else torch.as_tensor(candidates),
            labelled=known,
            offsets=None
            if self.counts is None
            else torch.cat([torch.zeros(1, dtype=torch.long), self.counts.cumsum(0)]),
            task=self.task,
        )
        answers = {view: answer.clone() for view, answer in self.answers.items()}
        answers |= {Labels(): labels, Answers(): _three_annotators(known, self.classes)}
        return Snapshot(at=at, answers=answers, rows=None if rows is None else np.asarray(rows))


def _three_annotators(labelled: Int[Tensor, "m"], classes: Int[Tensor, "n"]) -> Int[Tensor, "v 3"]:
    """Answers to the labelled rows: one who is right, one who errs in half of the classes, one who answers in half."""
    found = []
    for pos in labelled.sort().values.tolist():
        true = int(classes[pos])
        found.append((pos, 0, true))
        found.append((pos, 1, true if true % 2 == 0 else true - 1))
        found += [(pos, 2, true)] if true < CLASSES // 2 else []
    return torch.tensor(found, dtype=torch.long).reshape(-1, 3)


def table(
    task: str,
    kinds: Int[Tensor, "n"],
    points: Float[Tensor, "n d"],
    *,
    seed: int = 0,
    classes: Int[Tensor, "n"] | None = None,
    groups: Int[Tensor, "n"] | None = None,
) -> Table:
    """Answers of made-up networks about rows of these kinds, standing at these points.

    Args:
        task: kind of the task.
        kinds: sure, torn or noisy, of each row.
        points: where the rows stand.
        seed: of all draws.
        classes: class positions; drawn if left out.
        groups: torn rows of one group get the same votes: a label of one tells the others'. Each by itself if left out.

    Raises:
        UsageError: no toy networks answer this task.
    """
    rng = generator(seed, "toy", task)
    n = len(kinds)
    drawn = torch.randint(CLASSES, (n,), generator=rng)
    classes = drawn if classes is None else classes
    answers: dict[View, Tensor] = {Embeddings(): points, Raw(): points * 2}
    if task == "regression":
        centre = points.mean(-1)
        spread = torch.where(kinds == TORN, 1.0, 0.05)
        values = centre + spread * torch.randn(SAMPLES, n, generator=rng)
        return Table(
            answers={**answers, PredictionSamples(): values, Predictions(): values.mean(0)},
            counts=None,
            task=task,
            classes=classes,
        )
    if task not in ("classification", "multilabel", "tokens"):
        raise UsageError(f"there is no toy for the task {task!r}", hint="teach querist.testing.toys.table about it")
    counts = {
        "classification": torch.ones(n, dtype=torch.long),
        "multilabel": torch.full((n,), CLASSES),
        "tokens": torch.randint(3, 7, (n,), generator=rng),
    }[task]
    c = 2 if task == "multilabel" else CLASSES
    alike = None if groups is None else groups.repeat_interleave(counts)
    samples = _prob_samples(kinds.repeat_interleave(counts), classes.repeat_interleave(counts), alike, c, rng)
    logits = samples.mean(0).log()
    if task == "classification":  # the embeddings of a linear last layer, moved the shortest way
        best = logits.topk(2, dim=-1).values
        answers[Perturbation()] = (best[:, 0] - best[:, 1]) / 2**0.5
    return Table(
        answers={**answers, ProbSamples(): samples, Probs(): samples.mean(0), Logits(): logits},
        counts=None if task == "classification" else counts,
        task=task,
        classes=classes,
    )


def _prob_samples(
    kinds: Int[Tensor, "u"], classes: Int[Tensor, "u"], groups: Int[Tensor, "u"] | None, c: int, rng: Generator
) -> Float[Tensor, "s u c"]:
    """What each drawn network says of units of these kinds."""
    units = len(kinds)
    votes = torch.randint(c, (SAMPLES, units), generator=rng)
    if groups is not None:
        votes = votes[:, groups]
    votes = torch.where(kinds == TORN, votes, classes % c)
    # Torn and sure networks are sure of their vote; of noise all say that it is a little likelier than the rest.
    height = torch.where(kinds == NOISY, 0.6, 4.0) + 0.5 * torch.randn(units, generator=rng) * (kinds != NOISY)
    wobble = torch.where(kinds == NOISY, 0.02, 0.2)
    logits = height[:, None] * torch.nn.functional.one_hot(votes, c)
    logits = logits + wobble[:, None] * torch.randn(SAMPLES, units, c, generator=rng)
    return logits.softmax(-1)


def mixed(task: str, *, n: int = 24, d: int = 5, seed: int = 0) -> Table:
    """Rows of all kinds at random points: no two alike, nothing planted."""
    rng = generator(seed, "mixed")
    return table(task, torch.randint(3, (n,), generator=rng), torch.randn(n, d, generator=rng), seed=seed)


@dataclass(frozen=True, kw_only=True, eq=False)
class Planted:
    """A pool in which somebody who chooses well finds more than chance.

    Args:
        table: all rows.
        labelled: positions whose labels are known.
        k: size of the batch to ask for.
        gain: what the picked positions are worth, 0 to 1.
        about: what good choosing means here.
        again: answers to views of what annotators said, where rows may be asked for again; ``None`` elsewhere.
    """

    table: Table
    labelled: Int[Tensor, "m"]
    k: int
    gain: Callable[[Tensor], float]
    about: str
    again: dict[View, Tensor] | None = None

    @cached_property
    def snapshot(self) -> Snapshot:
        """The pool."""
        if self.again is None:
            return self.table.snapshot(labelled=self.labelled)
        plain = self.table.snapshot(labelled=self.labelled, candidates=range(len(self.table)))
        return Snapshot(at=plain.at, answers={**{view: plain[view] for view in self.table.answers}, **self.again})

    def with_head(self) -> Planted:
        """The same pool, seen by a network with a linear last layer (see :meth:`Table.with_head`)."""
        return replace(self, table=self.table.with_head())

    def chance(self, rng: Generator) -> float:
        """The gain of one random batch."""
        free = self.snapshot.at.candidates
        return self.gain(free[torch.randperm(len(free), generator=rng)[: self.k]])


def planted(signal: str, task: str, *, seed: int = 0) -> Planted:
    """What strategies of a family are made to find, or another signal that some of them name.

    Raises:
        UsageError: no signal is known for the family.
    """
    if signal not in _SIGNALS:
        raise UsageError(
            f"no signal is planted for the family {signal!r}",
            hint="add one to querist.testing.toys, or declare the gap 'meaning' with its reason",
        )
    return _SIGNALS[signal](task, seed)


def _unsure(task: str, seed: int) -> Planted:
    kinds, points, order = _ordinary(seed)
    kinds[order[:20]] = TORN
    return _share(task, seed, kinds, points, order, "finds what networks do not agree on")


def _posterior(task: str, seed: int) -> Planted:
    kinds, points, order = _ordinary(seed)
    kinds[order[:20]] = TORN
    kinds[order[20:60]] = NOISY
    return _share(task, seed, kinds, points, order, "finds doubt that a label can end, not noise")


def _uncovered(task: str, seed: int) -> Planted:
    kinds, points, order = _ordinary(seed)
    rng = generator(seed, "uncovered")
    kinds[order[:20]] = TORN
    points[order[:20]] = 6 + torch.randn(20, points.shape[1], generator=rng)
    return _share(task, seed, kinds, points, order, "finds the region without labels")


def _diverse(task: str, seed: int) -> Planted:
    kinds, points, order = _ordinary(seed)
    rng = generator(seed, "diverse")
    centres = 4 * torch.randn(5, points.shape[1], generator=rng)
    group = torch.zeros(len(kinds), dtype=torch.long)
    group[order[:40]] = torch.arange(40) % 5 + 1
    kinds[order[:40]] = TORN
    points[order[:40]] = centres[group[order[:40]] - 1] + 0.1 * torch.randn(40, points.shape[1], generator=rng)
    return Planted(
        table=table(task, kinds, points, seed=seed),
        labelled=order[-12:],
        k=5,
        gain=lambda pos: len(set(group[pos].tolist()) - {0}) / 5,
        about="finds rows of doubt of several sorts",
    )


def _every_clump(task: str, seed: int) -> Planted:
    rng = generator(seed, "clumps")
    sizes = torch.tensor([30, 28, 26, 24, 22, 20, 18, 16, 14, 12])
    own = torch.repeat_interleave(torch.arange(10), sizes)
    centres = 4 * torch.nn.functional.normalize(torch.randn(10, 8, generator=rng))
    points = centres[own] + 0.4 * torch.randn(len(own), 8, generator=rng)
    known = torch.nonzero(own < 2).flatten()[::15]
    return Planted(
        table=table(task, torch.full((len(own),), SURE), points, seed=seed),
        labelled=known,
        k=8,
        gain=lambda pos: len(set(own[pos].tolist()) - {0, 1}) / 8,
        about="finds every clump that has no label",
    )


def _contradicted(task: str, seed: int) -> Planted:
    kinds, points, order = _ordinary(seed)
    clumps = torch.cdist(points, _centres(generator(seed, "ordinary"))).argmin(1)
    odd = torch.zeros(len(kinds), dtype=torch.bool)
    odd[order[:15]] = True
    return Planted(
        table=table(task, kinds, points, seed=seed, classes=(clumps + odd) % CLASSES),
        labelled=order[-100:],
        k=8,
        gain=lambda pos: float(odd[pos].float().mean()),
        about="finds rows that are answered unlike the labelled rows around them",
    )


def _far_doubt(task: str, seed: int) -> Planted:
    kinds, points, order = _ordinary(seed)
    rng = generator(seed, "far doubt")
    points[order[:40]] = 6 + torch.randn(40, points.shape[1], generator=rng)
    kinds[order[:20]] = TORN
    kinds[order[40:60]] = TORN
    return _share(task, seed, kinds, points, order, "finds doubt far from all labels, not far rows or doubt alone")


def _telling(task: str, seed: int) -> Planted:
    kinds, points, order = _ordinary(seed)
    rng = generator(seed, "telling")
    kinds[order[:60]] = TORN
    groups = torch.arange(len(kinds))
    groups[order[:40]] = order[0]
    points[order[:40]] = -3 * torch.rand(8, generator=rng) + 0.3 * torch.randn(40, 8, generator=rng)
    points[order[40:60]] = 4 * torch.randn(20, 8, generator=rng)
    clumps = torch.cdist(points, _centres(generator(seed, "ordinary"))).argmin(1)
    crowd = torch.zeros(len(kinds), dtype=torch.bool)
    crowd[order[:40]] = True
    return Planted(
        table=table(task, kinds, points, seed=seed, classes=clumps, groups=groups),
        labelled=order[-12:],
        k=4,
        gain=lambda pos: float(crowd[pos].float().mean()),
        about="finds doubt that one label ends for many rows, not that of loners",
    )


def _disputed(task: str, seed: int) -> Planted:
    """Half of the rows are labelled, by two annotators each, who say different things of 20 of them."""
    kinds, points, order = _ordinary(seed)
    world = table(task, kinds, points, seed=seed)
    known = order[:100]
    first = torch.stack([known, torch.zeros_like(known), world.classes[known]], 1)
    second = first + torch.tensor([0, 1, 0])
    second[:20, 2] = (second[:20, 2] + 1) % CLASSES
    disputed = torch.zeros(len(kinds), dtype=torch.bool)
    disputed[known[:20]] = True
    return Planted(
        table=world,
        labelled=known,
        again={Answers(): torch.cat([first, second])},
        k=8,
        gain=lambda pos: float(disputed[pos].float().mean()),
        about="finds labels that annotators do not agree on",
    )


_SIGNALS: dict[str, Callable[[str, int], Planted]] = {
    "uncertainty": _unsure,
    "adversarial": _unsure,
    "bayesian": _posterior,
    "density": _uncovered,
    "hybrid": _diverse,
    "lookahead": _posterior,
    "telling": _telling,
    "every_clump": _every_clump,
    "contradicted": _contradicted,
    "far_doubt": _far_doubt,
    "annotators": _disputed,
}


def _centres(rng: Generator) -> Tensor:
    """Where the clumps of ordinary rows stand."""
    return 3 * torch.rand(CLASSES, 8, generator=rng)


def _ordinary(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """200 sure rows in four clumps on one side of the origin, and a random order of them to plant in."""
    rng = generator(seed, "ordinary")
    points = _centres(rng)[torch.randint(CLASSES, (200,), generator=rng)] + 0.3 * torch.randn(200, 8, generator=rng)
    return torch.full((200,), SURE), points, torch.randperm(200, generator=rng)


def _share(task: str, seed: int, kinds: Tensor, points: Tensor, order: Tensor, about: str) -> Planted:
    wanted = torch.zeros(len(kinds), dtype=torch.bool)
    wanted[order[:20]] = True
    return Planted(
        table=table(task, kinds, points, seed=seed),
        labelled=order[-12:],
        k=8,
        gain=lambda pos: float(wanted[pos].float().mean()),
        about=about,
    )
