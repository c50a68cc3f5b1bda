"""BEMPS: the expected rise of a proper score, by brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.scores.predictive_gain import predictive_gain, predictive_gains
from querist.strategies import (  # type: ignore[attr-defined]
    Bemps,
    Epig,
)
from querist.views import Snapshot


def networks(s: int, n: int, c: int, *, seed: int = 0, scale: float = 2.0) -> Tensor:
    return (scale * torch.randn(s, n, c, generator=generator(seed, "networks"), dtype=torch.float64)).softmax(-1)


def expected_rise(samples: np.ndarray, row: int, aim: int, rule: str) -> float:
    """Every label with its chance, the posterior over networks by Bayes, the expected score before and after."""
    s, _, c = samples.shape

    def score(predicted: np.ndarray, true: np.ndarray) -> float:
        """Expected proper score of a prediction if labels come from ``true``."""
        if rule == "log":
            return float((true * np.log(predicted)).sum())
        return float(-sum(true[label] * ((predicted - np.eye(c)[label]) ** 2).sum() for label in range(c)))

    prior = np.full(s, 1 / s)
    before = prior @ samples[:, aim]
    rise = 0.0
    for label in range(c):
        weights = prior * samples[:, row, label]
        chance = weights.sum()
        after = weights @ samples[:, aim] / chance
        rise += chance * (score(after, after) - score(before, after))
    return rise


@pytest.mark.parametrize("rule", ["mse", "log"])
def test_gains_are_expected_rises_of_a_proper_score(rule: str) -> None:
    samples = networks(3, 7, 3, seed=4).numpy()
    gains = predictive_gains(torch.from_numpy(samples), torch.from_numpy(samples), rule=rule)
    for row in range(7):
        for aim in range(7):
            assert float(gains[row, aim]) == pytest.approx(expected_rise(samples, row, aim, rule), abs=1e-12)


def test_core_log_is_epig() -> None:
    samples = networks(5, 60, 4)
    snapshot = Snapshot.from_arrays(prob_samples=samples)
    assert Bemps(rule="log")(snapshot, k=1).tolist() == Epig()(snapshot, k=1).tolist()


def test_the_authors_sum_ranks_as_core_mse() -> None:
    """Their code sums ``(p(y' | x', w) - p(y' | x', L, (x, y)))^2`` over members, which only adds a constant."""
    samples = networks(5, 20, 3, seed=2)
    after = torch.einsum("eny,emz->nymz", samples, samples) / samples.sum(0)[:, :, None, None]
    theirs = (samples[None, None] - after[:, :, None]).square().sum((2, 4))  # [n y m]
    summed = (samples.mean(0)[:, :, None] * theirs).sum((1, 2))
    ours = predictive_gain(samples, samples, rule="mse")
    assert summed.argsort().tolist() == ours.argsort().tolist()
    constant = summed - 5 * 20 * ours
    torch.testing.assert_close(constant, constant[:1].expand(20))


def test_a_batch_teaches_several_things() -> None:
    """Of four sorts of rows, each telling about its own, a batch of four holds more than the best four rows do."""
    found = {"bemps": 0, "best": 0}
    for seed in range(10):
        rng = generator(seed, "sorts")
        sort = torch.arange(4).repeat_interleave(20)
        logits = 2 * torch.randn(16, 4, generator=rng)[:, sort] + 0.1 * torch.randn(16, 80, generator=rng)
        samples = torch.stack([logits, -logits], -1).softmax(-1)
        snapshot = Snapshot.from_arrays(prob_samples=samples)
        found["bemps"] += len(set(sort[Bemps(top=1.0)(snapshot, k=4, seed=seed)].tolist()))
        best = predictive_gain(samples, samples, rule="mse").argsort(descending=True)[:4]
        found["best"] += len(set(sort[best].tolist()))
    assert found["bemps"] >= 35
    assert found["best"] <= 20


@pytest.mark.parametrize("options", [{"rule": "brier"}, {"estimation": 0}, {"top": 0.0}, {"top": 1.5}])
def test_bemps_refuses_what_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Bemps(**options)
