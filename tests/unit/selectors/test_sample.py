"""Draws without replacement follow their law."""

from __future__ import annotations

import math

import pytest
import torch

from querist.core.errors import DataError, NonFinite, UsageError
from querist.core.rng import generator
from querist.selectors import sample, top_k
from querist.testing.checks.law import obeys_law
from querist.testing.naive.selectors.sample import sample_law

SCORES = torch.tensor([0.3, 1.5, 0.7, 0.0, 2.0, 9.0])
OPEN = [0, 1, 2, 4]


@pytest.mark.parametrize("beta", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("law", ["softmax", "power", "rank"])
def test_pairs_follow_the_law(law: str, beta: float) -> None:
    obeys_law(
        lambda seed: sample(
            SCORES, k=2, labelled=[5], candidates=OPEN, law=law, beta=beta, rng=generator(seed)
        ).tolist(),
        lambda picked: sample_law(SCORES.tolist(), picked=picked, labelled=[5], candidates=OPEN, law=law, beta=beta),
        draws=1000,
    )


def test_endless_greed_sorts() -> None:
    for law in ("softmax", "power", "rank"):
        assert sample(SCORES, k=6, law=law, beta=math.inf).tolist() == top_k(SCORES, k=6).tolist()


def test_zeros_come_last_under_a_power() -> None:
    scores = torch.tensor([0.0, 0.0, 1e-30, 0.0, 4.0])
    for seed in range(10):
        assert set(sample(scores, k=5, law="power", rng=generator(seed)).tolist()[:2]) == {2, 4}
    assert len({tuple(sample(scores, k=5, law="power", rng=generator(seed)).tolist()[2:]) for seed in range(60)}) == 6


def test_large_scores_do_not_overflow() -> None:
    assert sample(torch.tensor([1e4, 2e4, 3e4]), k=3).tolist() == [2, 1, 0]


def test_refuses_what_is_no_weight() -> None:
    with pytest.raises(DataError, match="softmax"):
        sample(torch.tensor([1.0, -1.0]), k=1, law="power")
    with pytest.raises(UsageError, match="softmax, power, rank"):
        sample(SCORES, k=1, law="gauss")
    with pytest.raises(UsageError, match="beta"):
        sample(SCORES, k=1, beta=-1)
    with pytest.raises(NonFinite, match="row 1"):
        sample(torch.tensor([1.0, math.nan]), k=1)
