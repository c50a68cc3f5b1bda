"""Multi-criteria: each criterion alone, and all four by the stage."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from querist.core.errors import UsageError
from querist.strategies import Entropy, ExplorationP, MultiCriteria  # type: ignore[attr-defined]
from querist.views import Density, Probs


def snapshot_of(digits, *, seed: int = 0, each: int = 3, strength: float = 0.01):
    pool, _ = digits.split(seed, pool=500)
    labelled = pool.first(each)
    return pool, pool.snapshot(labelled, pool.model(labelled, strength=strength))


def test_each_criterion_alone_is_itself(digits) -> None:
    _, snapshot = snapshot_of(digits)
    free = snapshot.at.candidates
    typical = free[snapshot[Density()][free].topk(9).indices]
    assert MultiCriteria(weights=(1, 0, 0, 0))(snapshot, k=9).tolist() == typical.tolist()
    new = ExplorationP(upper=0)(snapshot, k=9)
    assert MultiCriteria(weights=(0, 1, 0, 0))(snapshot, k=9).tolist() == new.tolist()
    assert MultiCriteria(weights=(0, 0, 1, 0))(snapshot, k=9).tolist() == Entropy()(snapshot, k=9).tolist()


def test_scarcity_asks_for_classes_with_few_labels(digits) -> None:
    """Eight labels of each class but two of the last three: the batch is meant for those, and spreads over them."""
    pool, _ = digits.split(0, pool=900)
    labelled = np.concatenate([pool.first(8)[: 7 * 8], pool.first(2)[7 * 2 :]])
    snapshot = pool.snapshot(labelled, pool.model(labelled))
    picked = MultiCriteria(weights=(0, 0, 0, 1))(snapshot, k=18)
    guessed = snapshot[Probs()].argmax(1)[picked].tolist()
    assert sorted(guessed) == [7] * 6 + [8] * 6 + [9] * 6


def test_weights_move_from_geometry_to_doubt_and_follow_the_imbalance() -> None:
    strategy, even = MultiCriteria(), torch.tensor([5.0, 5.0, 5.0])
    early = strategy.weights_for(torch.full((9,), math.log(3)), even)
    late = strategy.weights_for(torch.zeros(3), even)
    assert early == pytest.approx((0.5, 0.5, 0.0, 0.0), abs=1e-6)
    assert late == pytest.approx((0.0, 0.0, 1.0, 0.0), abs=1e-6)
    assert strategy.weights_for(torch.zeros(3), torch.tensor([9.0, 0.0, 0.0]))[3] == pytest.approx(1.0)
    assert strategy.weights_for(torch.zeros(3), torch.zeros(3))[3] == 0.0


def test_a_rare_class_gets_more_of_the_batch_than_chance(digits) -> None:
    """A pool with one 9 in 30 rows, two of them labelled: 5 splits, against the share of random rows."""
    shares = []
    for seed in range(5):
        pool, _ = digits.split(seed, pool=1500)
        nines = np.flatnonzero(pool.y == 9)
        pool = pool.take(np.sort(np.concatenate([np.flatnonzero(pool.y != 9), nines[:45]])))
        labelled = np.concatenate([pool.first(8)[: 9 * 8], pool.first(2)[9 * 2 :]])
        picked = MultiCriteria()(pool.snapshot(labelled, pool.model(labelled)), k=30)
        shares.append((pool.y[picked] == 9).mean() / 0.033)
    assert np.mean(shares) - 2 * np.std(shares, ddof=1) / np.sqrt(5) > 1.5


def test_impossible_weights_are_refused() -> None:
    for weights in ((1, 1, 1), (0, 0, 0, 0), (1, -1, 0, 0)):
        with pytest.raises(UsageError, match="give four"):
            MultiCriteria(weights=weights)
