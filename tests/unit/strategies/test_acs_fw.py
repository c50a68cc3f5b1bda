"""ACS-FW: its vectors by hand, what the task changes, and that one row stands for its near copies."""

from __future__ import annotations

import math

import pytest
import torch

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.core.types import Tensor
from querist.strategies import AcsFw, Bald, Entropy  # type: ignore[attr-defined]
from querist.testing import toys
from querist.views import Positions, PredictionSamples, ProbSamples, Snapshot


def at(n: int, task: str, offsets: Tensor | None = None) -> Positions:
    return Positions(n=n, candidates=torch.arange(n), offsets=offsets, task=task)


def near_copies(*, sorts: int = 8, copies: int = 25, networks: int = 40, seed: int = 0) -> Tensor:
    """``[s n c]``: rows of several sorts; drawn networks answer rows of a sort nearly alike."""
    rng = generator(seed, "copies")
    logits = 3 * torch.randn(networks, sorts, 3, generator=rng)
    logits *= torch.linspace(1, 0.3, sorts)[:, None]
    rows = logits.repeat_interleave(copies, 1)
    return (rows + 0.1 * torch.randn(rows.shape, generator=rng)).softmax(-1)


def test_draws_as_many_networks_as_the_paper() -> None:
    assert AcsFw().needs_for("classification") == (ProbSamples(samples=100),)
    assert AcsFw().needs_for("regression") == (PredictionSamples(samples=10),)
    assert AcsFw(samples=7, source="ensemble").needs_for("regression")[0].members == 7
    with pytest.raises(UsageError, match="more than 0"):
        AcsFw(noise=0)


def test_vectors_are_divergences_from_the_mean() -> None:
    samples = torch.tensor([[[0.9, 0.1], [0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]]], dtype=torch.float64)
    found = AcsFw().vectors(samples, at(2, "classification"))
    expected = [-(0.7 * math.log(0.7 / p) + 0.3 * math.log(0.3 / (1 - p))) / math.sqrt(2) for p in (0.9, 0.5)]
    assert found[0].tolist() == pytest.approx(expected)
    assert found[1].tolist() == pytest.approx([0, 0])
    program = AcsFw(entropy=0).vectors(samples, at(2, "classification"))
    assert program[0, 0].item() == pytest.approx((0.7 * math.log(0.9) + 0.3 * math.log(0.1)) / math.sqrt(2))
    assert program[1].tolist() == pytest.approx([math.log(0.5) / math.sqrt(2)] * 2)


def test_probabilities_of_nought_stay_finite() -> None:
    samples = torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]])
    assert bool(torch.isfinite(AcsFw().vectors(samples, at(1, "classification"))).all())


def test_a_row_of_several_units_has_the_sum_of_theirs() -> None:
    samples = torch.rand(5, 6, 3, generator=generator(1)).softmax(-1)
    units = AcsFw().vectors(samples, at(6, "classification"))
    rows = AcsFw().vectors(samples, at(3, "tokens", torch.tensor([0, 1, 4, 6])))
    assert torch.allclose(rows, torch.stack([units[:1].sum(0), units[1:4].sum(0), units[4:].sum(0)]))


def test_values_have_gaussian_noise() -> None:
    """Means 1 and 3 (variance 1, so is the noise), spreads 4 and 0."""
    samples = torch.tensor([[3.0, 3.0], [-1.0, 3.0]], dtype=torch.float64)
    found = AcsFw().vectors(samples, at(2, "regression")) * math.sqrt(2)
    # E log N(y | z, 1) - E log N(y | 1, 5), y having mean 1 and variance 5; both networks lie 2 from the mean.
    assert found[0].tolist() == pytest.approx([0.5 * math.log(5) - (4 + 5) / 2 + 0.5] * 2)
    assert found[1].tolist() == pytest.approx([0, 0])
    plain = AcsFw(entropy=0, noise=2.0).vectors(samples, at(2, "regression")) * math.sqrt(2)
    assert plain[0, 0].item() == pytest.approx(-0.5 * math.log(4 * math.pi) - (4 + 4 + 2) / 4)


def test_the_unit_of_a_value_does_not_matter() -> None:
    table = toys.mixed("regression", n=60)
    samples = table.answers[PredictionSamples()].double()
    picks = [
        AcsFw()(Snapshot.from_arrays(prediction_samples=scale * samples + shift, labelled=[3]), k=8).tolist()
        for scale, shift in ((1, 0), (1000, 0), (0.01, 7))
    ]
    assert picks[0] == picks[1] == picks[2]
    constant = Snapshot.from_arrays(prediction_samples=torch.ones(10, 20))
    assert len(set(AcsFw()(constant, k=5).tolist())) == 5


def test_picks_of_every_sort_where_others_pick_copies() -> None:
    """The paper's claim: no near copies in a batch, where the highest entropy or information is that of one sort."""
    sorts_seen = {AcsFw: 0, Bald: 0, Entropy: 0}
    for seed in range(3):
        samples = near_copies(seed=seed)
        snapshot = Snapshot.from_arrays(prob_samples=samples, probs=samples.mean(0))
        for cls in sorts_seen:
            sorts_seen[cls] += len({row // 25 for row in cls()(snapshot, k=8).tolist()})
    assert sorts_seen[AcsFw] > 2 * max(sorts_seen[Bald], sorts_seen[Entropy])


def test_its_batch_stands_for_the_pool() -> None:
    """``|L - L(w)|`` with one common weight: below 200 random batches', and less the more are picked."""
    samples = near_copies(sorts=12, copies=20, seed=4)
    vectors = AcsFw().vectors(samples, at(240, "classification")).double()
    whole = vectors.sum(0)

    def off(batch: list[int]) -> float:
        part = vectors[batch].sum(0)
        return float((whole - part * (part @ whole) / part.square().sum()).norm())

    rng = generator(4, "chance")
    snapshot = Snapshot.from_arrays(prob_samples=samples)
    errors = []
    for k in (1, 4, 10):
        errors.append(off(AcsFw()(snapshot, k=k).tolist()))
        chance = sorted(off(torch.randperm(240, generator=rng)[:k].tolist()) for _ in range(200))
        assert errors[-1] < chance[20]  # among the best tenth: the weights that a step gives are left out here
    assert errors == sorted(errors, reverse=True)


def test_reasons_say_what_a_label_stands_for() -> None:
    snapshot = toys.mixed("classification", n=40).snapshot(labelled=range(4))
    reasons = AcsFw().choose(snapshot, k=3).reasons
    assert all(reason.endswith("part of what stands for the labels of 36 rows") for reason in reasons)
    same = Snapshot.from_arrays(prob_samples=torch.full((4, 6, 2), 0.5))
    assert "drawn at random from 6 rows" in AcsFw().choose(same, k=2).reasons[0]
