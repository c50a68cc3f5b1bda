"""Sources of drawn networks, and what is drawn by chance."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from querist.core.errors import ColdStart, DataError, UnknownName, UsageError
from querist.core.rng import generator
from querist.scores.bald import bald
from querist.strategies import (  # type: ignore[attr-defined]
    Bald,
    BatchBald,
    Bemps,
    Debal,
    DropoutGp,
    Ensemble,
    Entropy,
    Epig,
    MeanStd,
    PowerBald,
    PowerSampling,
    QueryByCommittee,
    Random,
    VariationRatio,
    describe,
    registry,
)
from querist.testing import toys
from querist.views import PredictionSamples, ProbSamples, Snapshot
from querist.views.logit_samples import Source


def networks(s: int, n: int, c: int, *, seed: int = 0, scale: float = 2.0) -> Tensor:
    return (scale * torch.randn(s, n, c, generator=generator(seed, "networks"), dtype=torch.float64)).softmax(-1)


def near_copies(seed: int, *, groups: int = 12, each: int = 15, s: int = 24) -> tuple[Tensor, Tensor]:
    """Groups of near copies, each group torn in a way of its own and a few of them more than the others."""
    rng = generator(seed, "copies")
    logits = 2 * torch.randn(s, groups, 2, generator=rng) * (1 + torch.arange(groups) / groups)[:, None]
    group = torch.arange(groups).repeat_interleave(each)
    return (logits[:, group] + 0.05 * torch.randn(s, len(group), 2, generator=rng)).softmax(-1), group


DRAWN = [cls for cls in map(registry.__getitem__, registry) if "source" in {field.name for field in fields(cls)}]


def test_strategies_that_draw_networks_are_found() -> None:
    assert {Bald, BatchBald, MeanStd, VariationRatio, QueryByCommittee, PowerBald, Epig, DropoutGp, Bemps} <= set(DRAWN)


@pytest.mark.parametrize("cls", DRAWN)
@pytest.mark.parametrize("source", get_args(Source))
def test_every_score_of_drawn_networks_takes_every_source(cls: type, source: Source) -> None:
    strategy = cls(samples=6, source=source)
    (view,) = strategy.needs_for("classification")
    assert view == ProbSamples(samples=6, source=source)
    if "regression" in strategy.tasks:
        assert strategy.needs_for("regression") == (PredictionSamples(samples=6, source=source),)
    with pytest.raises(UnknownName, match="no source of posterior samples is called"):
        cls(samples=6, source="dropouts").needs()


def test_rows_of_views_and_selectors_are_listed_as_such() -> None:
    kinds = {name: describe(name)["kind"] for name in ("debal", "ensemble", "power_sampling", "power_bald", "epig")}
    assert kinds == {
        "debal": "view",
        "ensemble": "view",
        "power_sampling": "selector",
        "power_bald": "strategy",
        "epig": "strategy",
    }


def test_debal_and_ensemble_name_their_networks() -> None:
    assert Debal().needs()[0].members == 3
    assert Debal(networks=5, samples=50).needs_for("regression")[0].members == 5
    assert Ensemble().needs()[0].members == 5
    with pytest.raises(UsageError, match="variation_ratio"):
        Debal(acquisition="votes")


@pytest.mark.parametrize(
    ("acquisition", "same"), [("bald", Bald()), ("variation_ratio", VariationRatio()), ("mean_std", MeanStd())]
)
def test_debal_scores_as_the_strategy_of_that_name(acquisition: str, same: Any) -> None:
    snapshot = toys.mixed("classification", n=60).snapshot(labelled=range(5))
    samples = snapshot[ProbSamples()]
    torch.testing.assert_close(Debal(acquisition=acquisition).score(samples), same.score(samples))
    torch.testing.assert_close(Ensemble(acquisition="entropy").score(samples), Entropy().score(samples.mean(0)))


@pytest.mark.parametrize("law", ["power", "softmax", "rank"])
def test_beta_leads_from_chance_to_the_highest_scores(law: str) -> None:
    snapshot = toys.mixed("classification", n=80).snapshot(labelled=range(5))
    highest = Bald()(snapshot, k=10).tolist()
    assert PowerSampling(law=law, beta=math.inf)(snapshot, k=10).tolist() == highest
    scores = Bald().score(snapshot[ProbSamples()])
    means = [
        np.mean(
            [float(scores[PowerSampling(law=law, beta=beta)(snapshot, k=10, seed=seed)].mean()) for seed in range(30)]
        )
        for beta in (0.0, 1.0, 8.0)
    ]
    assert means[0] < means[1] < means[2]
    every = float(scores[snapshot.at.candidates].mean())
    assert means[0] == pytest.approx(every, rel=0.15)


def test_power_bald_of_infinite_beta_is_bald() -> None:
    snapshot = toys.mixed("regression", n=80).snapshot(labelled=range(5))
    assert PowerBald(beta=math.inf)(snapshot, k=10).tolist() == Bald()(snapshot, k=10).tolist()


def test_power_bald_asks_for_fewer_copies() -> None:
    """Groups in a batch of 12 from 12 groups of 15: BALD fills it from two or three, PowerBALD from twice as many."""
    found = {"bald": 0, "power": 0, "random": 0}
    for seed in range(10):
        samples, group = near_copies(seed)
        snapshot = Snapshot.from_arrays(prob_samples=samples)
        for name, strategy in (("bald", Bald()), ("power", PowerBald()), ("random", Random())):
            found[name] += len(set(group[strategy(snapshot, k=12, seed=seed)].tolist()))
    assert found["power"] >= 2 * found["bald"]
    assert found["power"] > 0.8 * found["random"]


def test_power_bald_still_asks_what_is_torn() -> None:
    """The mean BALD score of its picks is over twice the pool's, where half the pool is sure."""
    for seed in range(5):
        samples, _ = near_copies(seed)
        sure = torch.tensor([1.0, 0.0]).expand(24, 180, 2)
        whole = torch.cat([samples, sure], 1)
        picked = PowerBald()(Snapshot.from_arrays(prob_samples=whole), k=12, seed=seed)
        assert float(bald(whole[:, picked]).mean()) > 1.8 * float(bald(whole).mean())


def test_sampling_goes_around_any_score() -> None:
    snapshot = Snapshot.from_arrays(probs=[[0.5, 0.5], [0.999, 0.001], [0.51, 0.49]])
    # The one that is sure is drawn last by softmax of margins, though margins are negative.
    assert PowerSampling(around="margin", law="softmax", beta=50)(snapshot, k=2).tolist() in ([0, 2], [2, 0])
    with pytest.raises(DataError, match="choose softmax"):
        PowerSampling(around="margin")(snapshot, k=1)
    given = PowerSampling(around=Bald(samples=7, source="laplace"))
    assert given.needs() == (ProbSamples(samples=7, source="laplace"),)
    assert "drawn by chance: " in PowerSampling(around="entropy").choose(snapshot, k=1).reasons[0]
    with pytest.raises(UsageError, match="gives rows no score"):
        PowerSampling(around="core_set")
    with pytest.raises(UnknownName, match="bald"):
        PowerSampling(around="balb")
    with pytest.raises(UsageError, match="no meaning for the task regression"):
        PowerSampling(around="entropy")(Snapshot.from_arrays(predictions=[1.0, 2.0]), k=1)
    with pytest.raises(UsageError, match="no law"):
        PowerSampling(law="gauss")


def test_sampling_needs_what_its_score_needs() -> None:
    class Needy(Bald):
        needs_labels = True

    with pytest.raises(ColdStart, match="Needy"):
        PowerSampling(around=Needy())(Snapshot.from_arrays(prob_samples=networks(3, 4, 2)), k=1)
