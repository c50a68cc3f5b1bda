"""What the Bayesian and look-ahead strategies mean."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from querist.core.errors import ColdStart, DataError, UnknownName, UsageError, ViewMissing
from querist.core.rng import generator
from querist.scores.bald import bald
from querist.scores.predictive_gain import predictive_gain, predictive_gains
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
from querist.strategies.bayesian.dropout_gp import deviations
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


# -- sources ---------------------------------------------------------------------------------------------------------


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
        cls(source="dropouts").needs()


@pytest.mark.parametrize("cls", [PowerBald, PowerSampling, Epig, DropoutGp, Bemps])
def test_half_precision_is_read_and_not_computed_in(cls: type) -> None:
    table = toys.mixed("classification", n=60)
    half = {view: answer.half() for view, answer in table.answers.items()}
    picks = [
        cls()(replace(table, answers=answers).snapshot(labelled=range(5)), k=5).tolist()
        for answers in (half, {view: answer.float() for view, answer in half.items()})
    ]
    assert picks[0] == picks[1]


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


# -- power -----------------------------------------------------------------------------------------------------------


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


# -- epig ------------------------------------------------------------------------------------------------------------


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
        with pytest.raises(DataError, match="target_samples have the shape"):
            Snapshot.from_arrays(prob_samples=samples, target_samples=target)
    with pytest.raises(DataError, match="do not sum to one"):
        Snapshot.from_arrays(prob_samples=samples, target_samples=2 * samples)
    with pytest.raises(UsageError, match="choose pool or target"):
        Epig(aim="test")
    with pytest.raises(UsageError, match="choose log or mse"):
        predictive_gain(samples, samples, rule="brier")


# -- dropout gp ------------------------------------------------------------------------------------------------------


def posterior_variance(samples: np.ndarray, seen: list[int], noise: float) -> np.ndarray:
    """Of the Gaussian process whose covariance is that of the drawn predictions, written out."""
    kernel = np.cov(samples.T, bias=True)
    jitter = noise * kernel.diagonal().mean()
    known = kernel[np.ix_(seen, seen)] + jitter * np.eye(len(seen))
    return kernel.diagonal() - np.einsum("ns,sn->n", kernel[:, seen], np.linalg.solve(known, kernel[seen]))


@pytest.mark.parametrize("noise", [1e-6, 0.1])
def test_its_variances_are_those_of_an_explicit_process(noise: float) -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(40, 30)) @ np.diag(rng.uniform(0.5, 2, 30))
    snapshot = Snapshot.from_arrays(prediction_samples=samples, labelled=[0, 1, 2])
    picks = DropoutGp(noise=noise).choose(snapshot, k=8)
    seen = [0, 1, 2]
    for row, reason in zip(picks.rows.tolist(), picks.reasons, strict=True):
        variance = posterior_variance(samples, seen, noise)
        assert row == max(set(range(30)) - set(seen), key=lambda pos: variance[pos])
        assert f"spread by {math.sqrt(variance[row]):.3g} here" in reason
        seen.append(row)


def test_a_pick_is_known_without_retraining() -> None:
    """Of ten functions copied ten times each, ten picks are ten different ones; BALD's are copies of one or two."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        functions = rng.normal(size=(40, 10)) * np.linspace(1, 2, 10)
        samples = np.repeat(functions, 10, axis=1) + 1e-3 * rng.normal(size=(40, 100))
        snapshot = Snapshot.from_arrays(prediction_samples=samples)
        group = np.repeat(np.arange(10), 10)
        assert len(set(group[DropoutGp(noise=1e-3)(snapshot, k=10)])) == 10
        assert len(set(group[Bald()(snapshot, k=10)])) <= 3


def test_covariances_of_classes_are_summed() -> None:
    samples = networks(5, 4, 3)
    moved = samples - samples.mean(0)
    wanted = torch.einsum("snc,smc->nm", moved, moved) / 5
    z = deviations(samples)
    torch.testing.assert_close(z @ z.T, wanted)


# -- bemps -----------------------------------------------------------------------------------------------------------


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
