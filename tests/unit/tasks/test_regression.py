"""Hand-worked metrics of regression, and what is no number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from querist.core.errors import DataError, UsageError
from querist.tasks.regression import Regression

TASK = Regression()


def test_metrics_by_hand() -> None:
    scores = TASK.evaluate(torch.tensor([1.0, 2.0, 6.0]), None, [1, 4, 4])
    # Errors 0, -2, 2; mean truth 3, spread 4 + 1 + 1.
    assert scores["rmse"] == pytest.approx((8 / 3) ** 0.5)
    assert scores["mae"] == pytest.approx(4 / 3)
    assert scores["r2"] == pytest.approx(1 - 8 / 6)


@pytest.mark.parametrize(("guess", "r2"), [(5.0, 1.0), (6.0, 0.0)])
def test_a_constant_truth_has_an_r2(guess: float, r2: float) -> None:
    assert TASK.evaluate(torch.tensor([guess, 5.0]), None, [5, 5])["r2"] == r2


@pytest.mark.parametrize("label", ["three", "", "nan", None, True, float("nan"), float("inf"), [1.0]])
def test_what_is_no_number_is_refused(label: Any) -> None:
    with pytest.raises(DataError, match=r"is no number|is not finite"):
        TASK.encode(label)


@pytest.mark.parametrize("label", [3, 3.0, np.float32(3), np.int64(3), "3", " 3.0"])
def test_numbers_of_any_kind_are_taken(label: Any) -> None:
    assert TASK.encode(label) == 3.0
    assert type(TASK.encode(label)) is float


def test_classes_are_refused() -> None:
    with pytest.raises(UsageError, match="given the classes a"):
        Regression(("a",))


def test_losses_are_squares_of_the_error() -> None:
    assert TASK.losses(torch.tensor([[1.0], [4.0]]), torch.tensor([1.0, 2.0])).tolist() == [0.0, 4.0]
