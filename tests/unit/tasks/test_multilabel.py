"""Multilabel: units are (row, class) pairs with two classes; hand-worked metrics."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from querist.tasks.multilabel import Multilabel

TASK = Multilabel(["red", "round"])


def test_units_are_pairs_whose_softmax_is_the_logistic() -> None:
    logits = torch.tensor([[2.0, -1.0], [0.0, 3.0]])
    units = TASK.units(logits, TASK.unit_counts(["a", "b"]))
    assert units.tolist() == [[0, 2], [0, -1], [0, 0], [0, 3]]
    assert torch.allclose(units.softmax(-1)[:, 1], logits.sigmoid().flatten())
    assert TASK.unit_counts(["a", "b", "c"]).tolist() == [2, 2, 2]


def test_metrics_by_hand() -> None:
    present = torch.tensor([0.9, 0.2, 0.6, 0.7, 0.1, 0.3])  # guesses: {red}, {red, round}, {}
    answers = torch.stack([1 - present, present], -1)
    offsets = torch.tensor([0, 2, 4, 6])
    assert TASK.decide(answers, offsets) == [["red"], ["red", "round"], []]
    scores = TASK.evaluate(answers, offsets, [["red"], ["round"], ["round"]])
    # red: 1 hit, 1 true, 2 guessed. round: 1 hit, 2 true, 1 guessed.
    assert scores["micro_f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert scores["subset_accuracy"] == pytest.approx(1 / 3)


def test_an_even_chance_is_no_yes() -> None:
    assert TASK.decide(torch.tensor([[0.5, 0.5], [0.5, 0.5]]), torch.tensor([0, 2])) == [[]]


def test_nothing_true_and_nothing_guessed_is_right() -> None:
    scores = TASK.evaluate(torch.tensor([[0.9, 0.1], [0.9, 0.1]]), torch.tensor([0, 2]), [[]])
    assert scores == {"micro_f1": 1.0, "macro_f1": 1.0, "subset_accuracy": 1.0}


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.booleans()] * 4), min_size=1, max_size=20))
def test_metrics_equal_those_of_scikit_learn(rows: list[tuple[bool, ...]]) -> None:
    # The last row makes every class occur: scikit-learn counts absent classes as 0, here they are left out.
    bits = torch.tensor([*rows, (True, True, True, False)])
    true, guess = bits[:, :2], bits[:, 2:]
    answers = torch.stack([(~guess).float(), guess.float()], -1).flatten(0, 1)
    labels = [TASK.decode(row) for row in true.tolist()]
    scores = TASK.evaluate(answers, torch.arange(0, 2 * len(bits) + 1, 2), labels)
    for name in ("micro", "macro"):
        theirs = metrics.f1_score(true.numpy(), guess.numpy(), average=name, zero_division=0)
        assert scores[f"{name}_f1"] == pytest.approx(theirs)
    assert scores["subset_accuracy"] == pytest.approx(metrics.accuracy_score(true.numpy(), guess.numpy()))


def test_losses_are_the_mean_over_classes() -> None:
    losses = TASK.losses(torch.tensor([[0.0, math.log(3)]]), TASK.collate([TASK.encode(["red"])]))
    assert losses.tolist() == pytest.approx([(math.log(2) + math.log(4)) / 2])
