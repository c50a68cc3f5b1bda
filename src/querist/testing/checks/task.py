"""What every task promises. Each check takes the class and tries it on the toys of its kind."""

from __future__ import annotations

import json
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from querist.core.errors import DataError
from querist.core.events import LabelGiven, Query
from querist.core.types import Tensor
from querist.pool.labels import LabelState
from querist.storage.formats import registry as formats
from querist.storage.journal import Journal
from querist.storage.labels_file import export_labels, import_labels, label_events, label_records
from querist.tasks import from_state, make_task
from querist.tasks.base import Task
from querist.testing.checks.base import global_generators_untouched, raises, require
from querist.testing.toy_pools import ToyPool, kinds_of, toy_pool

_N = 12


def _toy(cls: type[Task]) -> ToyPool:
    modality = next((modality for modality in ("table", "tokens") if cls.kind in kinds_of(modality)), "table")
    return toy_pool(modality, cls.kind, n=_N)


def _targets(toy: ToyPool) -> Tensor:
    return toy.task.collate([toy.task.encode(label) for label in toy.labels])


def _best_outputs(task: Task, targets: Tensor) -> Tensor:
    """Outputs that the task's own losses like best, found as a network would find them: downhill.

    A whole-number target chooses one of the outputs at its place; other targets stand for outputs themselves.
    """
    shape = (*targets.shape, task.outputs) if not targets.is_floating_point() else (len(targets), task.outputs)
    outputs = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([outputs], lr=1.0, max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        total = task.losses(outputs, targets).sum()
        total.backward()
        return total

    optimiser.step(loss)
    return outputs.detach()


def _answers(toy: ToyPool, outputs: Tensor) -> tuple[Tensor, Tensor | None]:
    """Outputs of all rows as what an adapter predicts, and offsets."""
    counts = toy.task.unit_counts([toy.pool[row] for row in toy.pool.rows()])
    units = toy.task.units(outputs, counts)
    offsets = None if counts is None else torch.nn.functional.pad(counts.cumsum(0), (1, 0))
    return units if units.ndim == 1 else units.softmax(-1), offsets


def check_declares_itself(cls: type[Task]) -> None:
    """It is registered under its kind, and its metrics have names and a direction."""
    task = _toy(cls).task
    require(type(task) is cls and type(make_task(cls.kind, task.classes)) is cls, f"{cls.kind} is another task")
    require(len(set(task.metrics)) == len(task.metrics) >= 1, f"its metrics are {task.metrics}")
    require(set(cls.lower_is_better) <= set(task.metrics), f"{cls.lower_is_better} are none of its metrics")
    require(task.outputs >= 1, "it has no outputs")


def check_state_round_trips(cls: type[Task]) -> None:
    """It comes back from JSON as an equal value."""
    task = _toy(cls).task
    again = from_state(json.loads(json.dumps(task.to_state())))
    require(again == task and hash(again) == hash(task) and again.classes == task.classes, f"{task} became {again}")


def check_labels_round_trip(cls: type[Task]) -> None:
    """A label is decoded from its target, and a target is encoded from its label."""
    toy = _toy(cls)
    for label in toy.labels:
        target = toy.task.encode(label)
        require(toy.task.decode(target) == label, f"{label!r} became {toy.task.decode(target)!r}")
        require(toy.task.encode(toy.task.decode(target)) == target, f"the target {target} is not kept")


def check_new_classes_keep_old_outputs(cls: type[Task]) -> None:
    """A class that turns up later stands behind those that are there."""
    toy = _toy(cls)
    if not toy.task.classes:
        return
    grown = toy.task.with_classes([toy.task.classes[-1], "B-new"])
    require(grown.classes == (*toy.task.classes, "B-new"), f"the classes became {grown.classes}")
    require(toy.task.classes == _toy(cls).task.classes, "the task itself was changed")


def check_refuses_foreign_labels(cls: type[Task]) -> None:
    """What is no label of the task is refused in words."""
    toy = _toy(cls)
    for strange in (None, object(), "no such class", ["no such class"], {"label": 1}, float("nan"), True):
        for act in (toy.task.encode, lambda label: toy.task.check(toy.pool[0], label)):
            raises(DataError, lambda act=act, label=strange: act(label), f"{strange!r} must be refused")  # type: ignore[misc]


def check_perfect_answers_score_perfectly(cls: type[Task]) -> None:
    """Losses, units, decisions and metrics agree on what a right answer is."""
    toy = _toy(cls)
    answers, offsets = _answers(toy, _best_outputs(toy.task, _targets(toy)))
    decided = toy.task.decide(answers, offsets)
    if toy.task.classes:
        require(decided == toy.labels, f"the outputs with the least loss are decided as {decided}")
    else:
        require(torch.allclose(torch.tensor(decided), torch.tensor(toy.labels), atol=1e-3), f"decided as {decided}")
    scores = toy.task.evaluate(answers, offsets, toy.labels)
    require(tuple(scores) == toy.task.metrics, f"it measures {tuple(scores)}, its metrics are {toy.task.metrics}")
    for name, value in scores.items():
        best = 0.0 if name in cls.lower_is_better else 1.0
        require(isinstance(value, float) and abs(value - best) < 1e-2, f"{name} of perfect answers is {value}")


def check_worse_answers_score_worse(cls: type[Task]) -> None:
    """Answers to other rows lose in every metric and in the loss."""
    toy = _toy(cls)
    targets = _targets(toy)
    best = _best_outputs(toy.task, targets)
    wrong = best.flip(-1) if toy.task.outputs > 1 else best.flip(0)
    require(
        bool((toy.task.losses(wrong, targets) >= toy.task.losses(best, targets) - 1e-6).all()),
        "some loss falls where the answer gets worse",
    )
    good, bad = (toy.task.evaluate(*_answers(toy, outputs), toy.labels) for outputs in (best, wrong))
    for name in toy.task.metrics:
        sign = -1 if name in cls.lower_is_better else 1
        require(sign * good[name] > sign * bad[name], f"{name}: {good[name]} is right, {bad[name]} is wrong")


def check_metrics_do_not_depend_on_order(cls: type[Task]) -> None:
    """The rows of a test set may come in any order."""
    toy = _toy(cls)
    outputs = _best_outputs(toy.task, _targets(toy))
    mixed = outputs + 0.7 * outputs.roll(1, 0)
    forward = toy.task.evaluate(*_answers(toy, mixed), toy.labels)
    pos = list(range(_N))[::-1]
    counts = toy.task.unit_counts([toy.pool[row] for row in pos])
    offsets = None if counts is None else torch.nn.functional.pad(counts.cumsum(0), (1, 0))
    units = toy.task.units(mixed[pos], counts)
    backward = toy.task.evaluate(units if units.ndim == 1 else units.softmax(-1), offsets, toy.told(pos))
    for name, value in forward.items():
        require(abs(value - backward[name]) < 1e-9, f"{name}: {value} forwards, {backward[name]} backwards")


def check_losses_are_one_a_row(cls: type[Task]) -> None:
    """The loss of a row does not depend on its neighbours in a batch, nor on how far they are padded."""
    toy = _toy(cls)
    targets = _targets(toy)
    outputs = _best_outputs(toy.task, targets).roll(1, 0)
    with global_generators_untouched():
        losses = toy.task.losses(outputs, targets)
    require(losses.shape == (_N,) and bool(torch.isfinite(losses).all()), f"losses are {losses}")
    for row, label in enumerate(toy.labels):
        target = toy.task.collate([toy.task.encode(label)])
        alone = outputs[row : row + 1]
        if alone.ndim == 3:
            alone = alone[:, : target.shape[1]]
        require(torch.allclose(toy.task.losses(alone, target), losses[row]), f"the loss of row {row} differs alone")


def check_units_are_counted(cls: type[Task]) -> None:
    """``units`` gives as many as ``unit_counts`` says, samples pass through, and rows are decided one by one."""
    toy = _toy(cls)
    payloads = [toy.pool[row] for row in toy.pool.rows()]
    counts, outputs = toy.task.unit_counts(payloads), _best_outputs(toy.task, _targets(toy))
    units = toy.task.units(outputs, counts)
    total = _N if counts is None else int(counts.sum())
    require(len(units) == total, f"{len(units)} units where {total} are counted")
    require(counts is None or len(counts) == _N, "units are not counted a row")
    samples = toy.task.units(torch.stack([outputs, -outputs]), counts)
    require(torch.equal(samples[0], units) and samples.shape == (2, *units.shape), "samples do not pass through")
    answers, offsets = _answers(toy, outputs)
    whole = toy.task.decide(answers, offsets)
    bounds = list(range(_N + 1)) if offsets is None else offsets.tolist()
    for row, (start, stop) in enumerate(pairwise(bounds)):
        own = None if offsets is None else torch.tensor([0, stop - start])
        require(
            toy.task.decide(answers[start:stop], own) == whole[row : row + 1], f"row {row} is decided otherwise alone"
        )
    for label in whole:
        toy.task.encode(label)  # a decision can be told as a label


def check_refuses_what_cannot_be_measured(cls: type[Task]) -> None:
    """No rows, and another number of answers than labels."""
    toy = _toy(cls)
    answers, offsets = _answers(toy, _best_outputs(toy.task, _targets(toy)))
    raises(DataError, lambda: toy.task.evaluate(answers, offsets, toy.labels[:-1]), "a missing label must be refused")
    none = None if offsets is None else offsets[:1]
    raises(DataError, lambda: toy.task.evaluate(answers[:0], none, []), "no rows cannot be measured")


def check_labels_survive_export_and_import(cls: type[Task]) -> None:
    """Told, exported in every format that can hold it, and imported into another run, a label is the same label."""
    toy = _toy(cls)
    holding = [name for name in formats if cls.kind in formats[name].holds]
    require(bool(holding), "no format holds its labels")
    keys = [f"row {row}: ä,\"' \n" for row in range(_N)]
    with tempfile.TemporaryDirectory() as folder:
        first = _told(Path(folder) / "first.db", [(row, label, "ann") for row, label in enumerate(toy.labels)])
        require([first.label(row) for row in range(_N)] == toy.labels, "the journal gives back other labels")
        given = [(row, first.label(row), tuple(first.answers(row))) for row in first.rows.tolist()]
        for name in holding:
            file = Path(folder) / f"labels.{name}"
            with Journal.open(Path(folder) / "first.db", create=False) as journal:
                records = label_records(
                    journal,
                    "main",
                    given,
                    key=keys.__getitem__,
                    split=lambda _: "train",
                    payload=lambda row: toy.pool[row] if cls.kind in formats[name].carries else None,  # noqa: B023
                )
                export_labels(records, file, format=name, kind=cls.kind)
            read = import_labels(file, format=name, kind=cls.kind)
            # The rows of the other run stand in another order: keys find them.
            events = label_events(
                read,
                campaign="main",
                row_of={key: _N - 1 - row for row, key in enumerate(keys)},
                rows=set(range(_N)),
                check=toy.task.encode,
            )
            told = [(event.query.row, event.payload, event.annotator) for event in events]
            second = _told(Path(folder) / f"{name}.db", told)
            back = [second.label(_N - 1 - row) for row in range(_N)]
            require(back == toy.labels and second.count == _N, f"{name} brings back {back}")


def _told(path: Path, labels: list[tuple[int, Any, str]]) -> LabelState:
    """The label state of a journal that was told these, closed, and opened again."""
    with Journal.open(path, create=True) as journal:
        journal.append(
            [
                LabelGiven(query=Query(row=row), payload=label, annotator=who, campaign="main")
                for row, label, who in labels
            ]
        )
    with Journal.open(path, create=False) as journal:
        return LabelState(journal.events(campaign="main"))
