"""Hand-worked metrics of classification, and the same by scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from querist.tasks.classification import Classification

TASK = Classification(["cat", "dog", "cow"])


def test_metrics_by_hand() -> None:
    probs = torch.tensor([[0.5, 0.25, 0.25], [0.6, 0.4, 0.0], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1]])
    scores = TASK.evaluate(probs, None, ["cat", "cat", "cat", "dog"])
    # Guesses: cat cat dog dog. Recall: cat 2/3, dog 1. F1: cat 2*2/(3+2), dog 2*1/(1+2); cow occurs nowhere.
    assert scores["accuracy"] == pytest.approx(3 / 4)
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert scores["macro_f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert scores["log_loss"] == pytest.approx(-math.log(0.5 * 0.6 * 0.2 * 0.8) / 4, rel=1e-6)


def test_a_certain_mistake_stays_finite() -> None:
    assert TASK.evaluate(torch.tensor([[1.0, 0.0, 0.0]]), None, ["dog"])["log_loss"] == pytest.approx(15.94, abs=0.01)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_metrics_equal_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    true, guess = (np.array(side) for side in zip(*pairs, strict=True))
    probs = torch.full((len(pairs), 3), 0.1)
    probs[torch.arange(len(pairs)), torch.from_numpy(guess)] = 0.8
    scores = TASK.evaluate(probs, None, [TASK.classes[pos] for pos in true])
    recalls = [float((guess[true == c] == c).mean()) for c in np.unique(true)]
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(true, guess))
    assert scores["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert scores["macro_f1"] == pytest.approx(metrics.f1_score(true, guess, average="macro", zero_division=0))
    assert scores["log_loss"] == pytest.approx(metrics.log_loss(true, probs.double().numpy(), labels=[0, 1, 2]))


def test_losses_by_hand() -> None:
    losses = TASK.losses(torch.tensor([[0.0, 0.0, 0.0], [math.log(2), 0.0, 0.0]]), torch.tensor([1, 0]))
    assert losses.tolist() == pytest.approx([math.log(3), math.log(2)])
