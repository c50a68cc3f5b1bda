"""The greedy loop: bounds save work and change nothing."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch

from querist.core.rng import generator
from querist.core.types import Tensor
from querist.selectors.greedy import maximise


class Sets:
    """How many of some things the chosen sets hold together; counts how often it is asked."""

    def __init__(self, holds: Tensor, *, lazy: bool) -> None:
        self.holds, self.left, self.asked = holds, torch.ones(holds.shape[1], dtype=torch.bool), 0
        type(self).lazy = lazy

    lazy: ClassVar[bool] = True

    def gains(self, pos: Tensor) -> Tensor:
        self.asked += len(pos)
        return self.holds[pos][:, self.left].sum(1).double()

    def add(self, pos: int) -> None:
        self.left &= ~self.holds[pos]


@pytest.mark.parametrize("rounding", [0.0, 1e-5])
@pytest.mark.parametrize("seed", range(5))
def test_lazy_is_plain(seed: int, rounding: float) -> None:
    """Small whole numbers, so nearly all steps are ties: the same picks, and not only the same gains."""
    holds = torch.rand(120, 60, generator=generator(seed)) < 0.1
    every = torch.arange(120)
    plain = maximise(Sets(holds, lazy=False), every, k=40, rng=generator(seed), rounding=rounding)
    for block in (1, 16):
        lazy = maximise(Sets(holds, lazy=True), every, k=40, rng=generator(seed), rounding=rounding, block=block)
        assert lazy[1].tolist() == plain[1].tolist()
        assert lazy[0].tolist() == plain[0].tolist()


def test_of_many_equals_few_are_asked() -> None:
    sets = Sets(torch.eye(5000, dtype=torch.bool), lazy=True)
    picked, gains = maximise(sets, torch.arange(5000), k=30, rng=generator(0))
    assert gains.tolist() == [1.0] * 30
    assert len(picked.unique()) == 30
    assert sets.asked < 5000 + 30 * 100
