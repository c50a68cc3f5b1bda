"""The strategies for the first labels: they need none, speak of what they cover, and beat chance and margins there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from querist.core.errors import UsageError, ViewMissing
from querist.core.rng import generator
from querist.selectors import cover, herding
from querist.selectors.points import as_points, unit
from querist.selectors.purity import pure_radius
from querist.strategies import (  # type: ignore[attr-defined]
    Margin,
    MaxHerding,
    ProbCover,
    Random,
    TypiClust,
    UncertaintyHerding,
)
from querist.strategies.hybrid.uncertainty_herding import _least_distance
from querist.testing import toys
from querist.views import Snapshot

FIRST = [TypiClust, ProbCover, MaxHerding, UncertaintyHerding]


def mixture(seed: int, *, classes: int = 8, n: int = 600) -> tuple[torch.Tensor, torch.Tensor]:
    """Directions around one centre a class, classes of falling size, and the class of each row."""
    rng = generator(seed, "mixture")
    share = torch.linspace(2, 0.5, classes)
    own = torch.multinomial(share, n, replacement=True, generator=rng)
    centres = torch.nn.functional.normalize(torch.randn(classes, 16, generator=rng))
    length = 1 + 9 * torch.rand(n, 1, generator=rng)  # lengths say nothing
    return length * (centres[own] + 0.12 * torch.randn(n, 16, generator=rng)), own


@pytest.mark.parametrize("cls", FIRST)
def test_first_batch_needs_no_label_and_no_model(cls: Any) -> None:
    """One batch of as many rows as there are classes: it holds more of them than the luckiest of random batches."""
    found = chance = 0.0
    for seed in range(5):
        z, own = mixture(seed)
        found += len(own[cls()(Snapshot.from_arrays(embeddings=z), k=8, seed=seed)].unique()) / 5
        chance += (
            max(len(own[Random()(Snapshot.from_arrays(embeddings=z), k=8, seed=s)].unique()) for s in range(5)) / 5
        )
    assert found > chance
    assert found > 7.3


@pytest.mark.parametrize("cls", FIRST)
def test_few_labels_teach_more(cls: Any) -> None:
    """A nearest-neighbour classifier on eight rows, mean of five pools, against random and the margins of nobody."""

    def accuracy(picked: np.ndarray, z: torch.Tensor, own: torch.Tensor) -> float:
        directions = torch.nn.functional.normalize(z)
        nearest = (directions @ directions[torch.from_numpy(picked)].T).argmax(1)
        return float((own[torch.from_numpy(picked)][nearest] == own).double().mean())

    mine = chance = doubt = 0.0
    for seed in range(5):
        z, own = mixture(seed)
        probs = torch.rand(len(z), 8, generator=generator(seed, "untrained")).softmax(-1)
        snapshot = Snapshot.from_arrays(embeddings=z, probs=probs)
        mine += accuracy(cls()(snapshot, k=8, seed=seed), z, own) / 5
        chance += sum(accuracy(Random()(snapshot, k=8, seed=s), z, own) for s in range(10)) / 50
        doubt += accuracy(Margin()(snapshot, k=8, seed=seed), z, own) / 5
    assert mine > chance + 0.1
    assert mine > doubt + 0.1


def test_lengths_of_embeddings_say_nothing() -> None:
    z, _ = mixture(1)
    for cls in (MaxHerding, ProbCover):
        once = cls()(Snapshot.from_arrays(embeddings=torch.nn.functional.normalize(z)), k=6, seed=1)
        assert cls()(Snapshot.from_arrays(embeddings=z), k=6, seed=1).tolist() == once.tolist()


def test_reasons_speak() -> None:
    z = [[1.0, 0.0], [1.0, 0.1], [1.0, -0.1], [0.0, 1.0], [0.1, 1.0]]
    snapshot = Snapshot.from_arrays(embeddings=z, labelled=[3])
    first, second = ProbCover(radius=0.15).choose(snapshot, k=2).reasons
    assert first == "covers 3 rows that nothing labelled or asked is near (within 0.15)"
    assert second == "drawn at random: every row is within 0.15 of one that is labelled or asked"
    assert "covers 1 row that" in ProbCover(radius=0.0).choose(snapshot, k=1).reasons[0]
    assert MaxHerding().choose(snapshot, k=1).reasons[0].startswith("makes rows 0.6")
    (reason,) = TypiClust(most_clusters=1).choose(snapshot, k=1).reasons
    assert reason == "the most typical of a cluster of 5 rows, 1 of them labelled"
    known = Snapshot.from_arrays(embeddings=z, probs=[[0.5, 0.5]] * 5, labels=[-1, -1, -1, 1, -1])
    assert UncertaintyHerding().choose(known, k=1).reasons[0] == (
        "stands for unsure rows within 1 or so: it has uncertainty 1 (pool median 1)"
    )


def test_prob_cover_finds_the_radius_of_the_paper() -> None:
    z, _ = mixture(2)
    snapshot = Snapshot.from_arrays(embeddings=z)
    rng = generator(4, "pick")
    radius = pure_radius(unit(as_points(z)), clusters=8, purity=0.9, rng=rng)
    expected = cover(unit(as_points(z)), k=6, radius=radius, rng=rng)
    assert ProbCover(classes=8, purity=0.9)(snapshot, k=6, seed=4).tolist() == expected.tolist()


def test_prob_cover_counts_classes_among_labels() -> None:
    z, own = mixture(2)
    labels = torch.full((600,), -1)
    labels[:6] = own[:6]
    seen = len(own[:6].unique())
    assert 2 < seen < 8
    known = Snapshot.from_arrays(embeddings=z, labels=labels)
    by_hand = ProbCover(classes=seen)(known, k=6, seed=1).tolist()
    assert ProbCover()(known, k=6, seed=1).tolist() == by_hand
    bare = Snapshot.from_arrays(embeddings=z, labelled=range(6))
    assert ProbCover()(bare, k=6, seed=1).tolist() == ProbCover(classes=2)(bare, k=6, seed=1).tolist()
    with pytest.raises(ViewMissing, match="Embeddings"):
        ProbCover()(Snapshot.from_arrays(raw=z), k=1)


def test_large_pools_are_thinned() -> None:
    z, own = mixture(3, n=4000)
    snapshot = Snapshot.from_arrays(embeddings=z, labelled=[0, 1])
    for cls in (ProbCover, MaxHerding):
        rows = cls(sample=300)(snapshot, k=8)
        assert len(own[rows].unique()) >= 7
        assert len(set(cls(sample=1)(snapshot, k=30).tolist())) == 30
    assert "of 300 drawn ones" in ProbCover(sample=300).choose(snapshot, k=1).reasons[0]


def test_uncertainty_herding_goes_from_coverage_to_margins() -> None:
    z, _ = mixture(4)
    probs = torch.randn(600, 4, generator=generator(5)).softmax(-1)
    labels = torch.full((600,), -1)
    labels[:12] = torch.arange(12) % 4
    snapshot = Snapshot.from_arrays(embeddings=z, probs=probs, labels=labels)
    cold = UncertaintyHerding(sigma=1e-4, temperature=1.0)(snapshot, k=20)
    assert cold.tolist() == Margin()(snapshot, k=20).tolist()
    hot = UncertaintyHerding(sigma=1.0, temperature=1e6)(snapshot, k=20)
    assert hot.tolist() == MaxHerding()(snapshot, k=20).tolist()
    # In between it is neither, and its width is the smallest distance between labelled rows.
    apart = torch.pdist(torch.nn.functional.normalize(z)[:12].double())
    assert _least_distance(unit(as_points(z)), torch.arange(12)) == pytest.approx(float(apart.min()), rel=1e-4)
    assert UncertaintyHerding()(snapshot, k=20).tolist() not in (cold.tolist(), hot.tolist())


def test_uncertainty_herding_calibrates_on_labelled_rows() -> None:
    """Sure of everything and right half of the time: at its temperature it is unsure of everything, and covers."""
    z, _ = mixture(5)
    rng = generator(6)
    probs = (30 * torch.eye(2)[torch.randint(2, (600,), generator=rng)] + torch.randn(600, 2, generator=rng)).softmax(
        -1
    )
    labels = torch.full((600,), -1)
    labels[:40] = torch.randint(2, (40,), generator=rng)
    snapshot = Snapshot.from_arrays(embeddings=z, probs=probs, labels=labels)
    points = unit(as_points(z))
    sigma = _least_distance(points, torch.arange(40))
    plain = 1 - (probs[:, 0] - probs[:, 1]).abs()
    unsure = UncertaintyHerding()._uncertainty(probs, labels, snapshot.at)
    assert float(unsure.min()) > 0.2 > float(plain.max())
    expected = herding(points, k=10, labelled=torch.arange(40), sigma=sigma, weights=unsure)
    assert UncertaintyHerding()(snapshot, k=10).tolist() == expected.tolist()


def test_uncertainty_herding_without_labels_is_max_herding() -> None:
    z, _ = mixture(6)
    probs = torch.rand(600, 3, generator=generator(7)).softmax(-1)
    expected = MaxHerding()(Snapshot.from_arrays(embeddings=z), k=9, seed=2).tolist()
    for snapshot in (Snapshot.from_arrays(embeddings=z), Snapshot.from_arrays(embeddings=z, probs=probs)):
        assert UncertaintyHerding()(snapshot, k=9, seed=2).tolist() == expected
    with pytest.raises(ViewMissing, match="no Labels"):
        UncertaintyHerding()(Snapshot.from_arrays(embeddings=z, probs=probs, labelled=[3]), k=1)
    # One labelled row, or several at one place, give no width.
    same = torch.ones(20, 3)
    one = Snapshot.from_arrays(embeddings=same, probs=probs[:20], labels=[0] * 4 + [-1] * 16)
    assert len(set(UncertaintyHerding()(one, k=16).tolist())) == 16


def test_uncertainty_herding_serves_units() -> None:
    for task in ("multilabel", "tokens"):
        snapshot = toys.mixed(task, n=60).snapshot(labelled=range(6))
        assert len(set(UncertaintyHerding()(snapshot, k=9).tolist())) == 9
    with pytest.raises(UsageError, match="temperature"):
        UncertaintyHerding(temperature=0.0)
