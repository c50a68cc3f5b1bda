"""per_row against an obviously right loop, with rows that have no units."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from querist.core.errors import UsageError
from querist.tasks.aggregate import WAYS, per_row


def naive(rows: list[list[float]], how: str) -> list[float]:
    def one(values: list[float]) -> float:
        if not values:
            return 0.0
        if how == "any":
            return sum(-math.log(1 - min(value, 1 - 1e-7)) for value in values)
        return {"mean": sum(values) / len(values), "sum": sum(values), "max": max(values)}[how]

    return [one(row) for row in rows]


@pytest.mark.parametrize("how", WAYS)
@settings(deadline=None)
@given(rows=st.lists(st.lists(st.floats(0, 1, width=32), max_size=4), max_size=6))
def test_equals_the_loop(how: str, rows: list[list[float]]) -> None:
    values = torch.tensor([value for row in rows for value in row], dtype=torch.float64)
    offsets = torch.tensor([0, *torch.tensor([len(row) for row in rows], dtype=torch.long).cumsum(0).tolist()])
    assert per_row(values, offsets, how=how).tolist() == pytest.approx(naive(rows, how), rel=1e-9, abs=1e-12)


def test_negative_values_of_a_row_are_not_lost_to_the_start() -> None:
    offsets = torch.tensor([0, 2, 2])
    assert per_row(torch.tensor([-3.0, -1.0]), offsets, how="max").tolist() == [-1.0, 0.0]


def test_any_orders_by_the_chance_of_a_mistake() -> None:
    wrong = torch.tensor([0.5, 0.1, 0.1, 0.6])  # 1 - 0.5 * 0.9 * 0.9 = 0.595 < 0.6
    first, second = per_row(wrong, torch.tensor([0, 3, 4]), how="any").tolist()
    assert first == pytest.approx(-math.log(1 - 0.595), rel=1e-5)
    assert second > first


def test_one_certain_mistake_stays_finite() -> None:
    assert math.isfinite(per_row(torch.tensor([1.0, 0.0]), torch.tensor([0, 2]), how="any").item())


def test_unknown_way_is_refused() -> None:
    with pytest.raises(UsageError, match="by 'median'; choose one of mean, sum, max, any"):
        per_row(torch.zeros(1), torch.tensor([0, 1]), how="median")
