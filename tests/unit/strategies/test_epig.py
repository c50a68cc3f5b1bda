"""EPIG: what a label tells about the labels of the rows that matter."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from querist.core.errors import DataError, UsageError, ViewMissing
from querist.core.rng import generator
from querist.scores.bald import bald
from querist.scores.predictive_gain import predictive_gain, predictive_gains
from querist.strategies import (  # type: ignore[attr-defined]
    Bald,
    Epig,
)
from querist.views import Snapshot


def networks(s: int, n: int, c: int, *, seed: int = 0, scale: float = 2.0) -> Tensor:
    return (scale * torch.randn(s, n, c, generator=generator(seed, "networks"), dtype=torch.float64)).softmax(-1)


def test_epig_is_bald_where_target_labels_tell_the_networks_apart() -> None:
    """A target row on which network ``i`` says class ``i`` for sure: its label is the network."""
    samples = networks(4, 30, 4)
    telling = torch.eye(4, dtype=torch.float64)[:, None]
    torch.testing.assert_close(predictive_gain(samples, telling), bald(samples), atol=1e-12, rtol=0)
    snapshot = Snapshot.from_arrays(prob_samples=samples, target_samples=telling)
    assert Epig(aim="target")(snapshot, k=8).tolist() == Bald()(snapshot, k=8).tolist()


def test_epig_of_sure_networks_towards_the_row_itself_is_bald() -> None:
    """Networks that are all sure leave the label as the only thing that a second look at the row could tell."""
    votes = torch.randint(3, (9, 20), generator=generator(0, "votes"))
    samples = torch.nn.functional.one_hot(votes, 3).double()
    for row in range(20):
        gain = predictive_gain(samples[:, row : row + 1], samples[:, row : row + 1])
        torch.testing.assert_close(gain, bald(samples[:, row : row + 1]), atol=1e-12, rtol=0)


@pytest.mark.parametrize("seed", range(3))
def test_epig_is_never_more_than_bald_nor_less_than_nothing(seed: int) -> None:
    samples, target = networks(6, 50, 3, seed=seed), networks(6, 40, 3, seed=seed + 10)
    gains = predictive_gains(samples, target)
    assert float(gains.min()) >= 0
    assert bool((gains <= bald(samples)[:, None] + 1e-12).all())
    assert bool((gains <= bald(target) + 1e-12).all())
    torch.testing.assert_close(gains.mean(1), predictive_gain(samples, target))


def test_epig_leaves_what_does_not_matter() -> None:
    """Outliers are torn about one half of a network, everything else about the other half, and less so.

    BALD asks for outliers only; EPIG towards the pool, which holds few of them, for hardly any, over five pools.
    """
    asked = {"bald": 0, "epig": 0, "target": 0}
    for seed in range(5):
        rng = generator(seed, "outliers")
        one, other = torch.randn(2, 64, 1, generator=rng)
        logits = torch.cat([one * (1 + torch.rand(180, generator=rng)), 8 * other * torch.ones(20)], 1)
        samples = torch.stack([logits, -logits], -1).softmax(-1)
        snapshot = Snapshot.from_arrays(prob_samples=samples, target_samples=samples[:, :50])
        for name, strategy in (("bald", Bald()), ("epig", Epig()), ("target", Epig(aim="target"))):
            asked[name] += int((strategy(snapshot, k=10, seed=seed) >= 180).sum())
    assert asked["bald"] >= 45
    assert asked["epig"] <= 5
    assert asked["target"] == 0


def test_epig_says_what_is_missing() -> None:
    samples = networks(4, 6, 3)
    with pytest.raises(ViewMissing, match="no LogitSamples of the target rows"):
        Epig(aim="target")(Snapshot.from_arrays(prob_samples=samples), k=1)
    for target in (networks(3, 6, 3), networks(4, 6, 2), networks(4, 6, 3)[0]):
        with pytest.raises(DataError, match=r"(target_samples|ProbSamples) have the shape"):
            Snapshot.from_arrays(prob_samples=samples, target_samples=target)
    with pytest.raises(DataError, match="do not sum to one"):
        Snapshot.from_arrays(prob_samples=samples, target_samples=2 * samples)
    with pytest.raises(UsageError, match="choose pool or target"):
        Epig(aim="test")
    with pytest.raises(UsageError, match="choose log or mse"):
        predictive_gain(samples, samples, rule="brier")
