"""What all tasks promise: found by discovery, so a new task file is held to it too."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from querist import tasks
from querist.core.errors import DataError, UnknownName, UsageError
from querist.tasks.base import Task

NAMES = ("a", "b-1", "ü", "3", "O")


def labels_of(task: Task) -> st.SearchStrategy[Any]:
    """Labels that a person may give."""
    name = st.sampled_from(task.classes) if task.classes else st.nothing()
    return {
        "classification": name,
        # Sets have no order: a person's list comes back in the order of the classes.
        "multilabel": st.sets(name).map(lambda given: [c for c in task.classes if c in given]),
        "regression": st.floats(allow_nan=False, allow_infinity=False),
        "tokens": st.lists(name),
    }[task.kind]


def make(kind: str) -> Task:
    return tasks.make_task(kind, () if kind == "regression" else NAMES)


def test_registry_finds_the_four_tasks() -> None:
    assert list(tasks.registry) == ["classification", "multilabel", "regression", "tokens"]


@pytest.mark.parametrize("kind", tasks.registry)
def test_names_agree(kind: str) -> None:
    task = make(kind)
    assert task.kind == kind
    assert type(task) is getattr(tasks, type(task).__name__)
    assert set(task.lower_is_better) <= set(task.metrics)
    assert task.outputs == max(1, len(task.classes))


@pytest.mark.parametrize("kind", tasks.registry)
@settings(deadline=None)
@given(data=st.data())
def test_labels_round_trip(kind: str, data: st.DataObject) -> None:
    task = make(kind)
    label = data.draw(labels_of(task))
    assert task.decode(task.encode(label)) == label


@pytest.mark.parametrize("kind", tasks.registry)
def test_state_round_trips_through_json(kind: str) -> None:
    task = make(kind)
    assert tasks.from_state(json.loads(json.dumps(task.to_state()))) == task


@pytest.mark.parametrize("kind", tasks.registry)
@settings(deadline=None)
@given(data=st.data())
def test_true_answers_are_decided_back(kind: str, data: st.DataObject) -> None:
    """Labels -> targets -> one-hot network outputs -> units -> decide gives the labels again, at a perfect score."""
    task = make(kind)
    labels = data.draw(st.lists(labels_of(task), min_size=1, max_size=5))
    if kind == "regression":
        labels = [float(torch.tensor(label, dtype=torch.float32).clamp(-1e6, 1e6)) for label in labels]
    targets = task.collate([task.encode(label) for label in labels])
    payloads = [["word"] * len(label) if kind == "tokens" else "payload" for label in labels]
    for payload, label in zip(payloads, labels, strict=True):
        task.check(payload, label)
    counts = task.unit_counts(payloads)
    if kind == "regression":
        answers = task.units(targets[:, None], counts)
    elif kind == "multilabel":
        answers = task.units(targets * 20 - 10, counts).softmax(-1)
    else:
        answers = task.units(torch.nn.functional.one_hot(targets.clamp(min=0), task.outputs).float(), counts)
    offsets = None if counts is None else torch.nn.functional.pad(counts.cumsum(0), (1, 0))
    assert task.decide(answers, offsets) == labels
    scores = task.evaluate(answers, offsets, labels)
    assert tuple(scores) == task.metrics
    best = 0.0 if task.metrics[0] in task.lower_is_better else 1.0
    # seqeval calls F1 zero where there is no entity to find.
    assert scores[task.metrics[0]] == pytest.approx(best) or task.metrics[0] == "entity_f1"


@pytest.mark.parametrize("kind", tasks.registry)
def test_units_let_samples_pass_through(kind: str) -> None:
    task = make(kind)
    counts = torch.tensor([2, 0, 3]) if kind == "tokens" else task.unit_counts(["x"] * 3)
    shape = (4, 3, 3, task.outputs) if kind == "tokens" else (4, 3, task.outputs)
    samples = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    whole = task.units(samples, counts)
    assert torch.equal(whole, torch.stack([task.units(sample, counts) for sample in samples]))


@pytest.mark.parametrize("kind", tasks.registry)
def test_one_loss_a_row_that_falls_towards_the_truth(kind: str) -> None:
    task = make(kind)
    labels = {
        "classification": ["a", "3"],
        "multilabel": [["a", "3"], []],
        "regression": [1.0, -2.0],
        "tokens": [["a", "3"], ["O"]],
    }[kind]
    targets = task.collate([task.encode(label) for label in labels])
    shape = (2, 2, task.outputs) if kind == "tokens" else (2, task.outputs)
    outputs = torch.zeros(shape, requires_grad=True)
    before = task.losses(outputs, targets)
    assert before.shape == (2,)
    before.sum().backward()
    after = task.losses(outputs.detach() - 0.1 * outputs.grad, targets)
    assert bool((after < before.detach()).all())


@pytest.mark.parametrize("kind", tasks.registry)
def test_nothing_to_measure_is_refused(kind: str) -> None:
    task = make(kind)
    empty = torch.zeros(0) if kind == "regression" else torch.zeros(0, 2 if kind == "multilabel" else task.outputs)
    with pytest.raises(DataError, match="cannot measure 0 answers against 0 true labels"):
        task.evaluate(empty, torch.tensor([0]), [])
    with pytest.raises(DataError, match="cannot measure 0 answers against 1 true labels"):
        task.evaluate(empty, torch.tensor([0]), [task.decode({"multilabel": [0] * 5, "tokens": []}.get(kind, 0))])


@pytest.mark.parametrize("kind", ["classification", "multilabel", "tokens"])
class TestClasses:
    def test_unknown_label_names_the_nearest(self, kind: str) -> None:
        task = tasks.make_task(kind, ["cat", "dog"])
        label = "dgo" if kind == "classification" else ["cat", "dgo"]
        with pytest.raises(DataError, match=r"label 'dgo' is no class .* did you mean 'dog'\? known: cat, dog"):
            task.encode(label)

    def test_many_classes_are_not_all_listed(self, kind: str) -> None:
        task = tasks.make_task(kind, [f"class{i}" for i in range(100)])
        with pytest.raises(DataError, match="class9 and 90 more"):
            task.encode("???" if kind == "classification" else ["???"])

    def test_whole_numbers_name_their_class(self, kind: str) -> None:
        task = tasks.make_task(kind, ["0", "7"])
        assert task.encode(7 if kind == "classification" else [7]) == {
            "classification": 1,
            "multilabel": [0, 1],
            "tokens": [1],
        }.get(kind)
        with pytest.raises(DataError, match="True"):
            task.encode(True if kind == "classification" else [True])

    def test_new_classes_stand_at_the_end(self, kind: str) -> None:
        task = tasks.make_task(kind, ["cat", "dog"])
        assert task.with_classes(["cow", "cat", "ant"]).classes == ("cat", "dog", "cow", "ant")
        assert task.with_classes(["dog"]) == task
        assert task.classes == ("cat", "dog")

    @pytest.mark.parametrize(
        ("classes", "message"),
        [((), "no classes"), (("a", "a"), "'a' was given twice"), ((1, 2), "1 is no class name")],
    )
    def test_bad_class_lists_are_refused(self, kind: str, classes: tuple[Any, ...], message: str) -> None:
        with pytest.raises(UsageError, match=message):
            tasks.make_task(kind, classes)


@pytest.mark.parametrize("kind", ["multilabel", "tokens"])
@pytest.mark.parametrize("label", ["cat", 3, None])
def test_lists_are_asked_for_where_one_name_is_given(kind: str, label: Any) -> None:
    with pytest.raises(DataError, match="is no list"):
        tasks.make_task(kind, ["cat"]).encode(label)


def test_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'classification'"):
        tasks.make_task("clasification", ["a"])
