"""SIMILAR finds a rare class from a few of its labels, and keeps away from what is private."""

from __future__ import annotations

import pytest
import torch

from querist.core.errors import ColdStart, UsageError
from querist.core.rng import generator
from querist.strategies import Random, Similar
from querist.views import Snapshot


def rare(seed: int, *, share: float = 0.05) -> tuple[Snapshot, torch.Tensor]:
    """600 rows in four classes, the last of which is rare; two of each are labelled."""
    rng = generator(seed, "rare")
    classes = torch.where(torch.rand(600, generator=rng) < share, 3, torch.randint(3, (600,), generator=rng))
    centres = torch.randn(4, 16, generator=rng)
    points = centres[classes] + 0.7 * torch.randn(600, 16, generator=rng)
    labelled = torch.cat([torch.nonzero(classes == c).flatten()[:2] for c in range(4)])
    labels = torch.full((600,), -1)
    labels[labelled] = classes[labelled]
    return Snapshot.from_arrays(embeddings=points, labels=labels), classes


@pytest.mark.parametrize("function", ["query_location", "facility_location", "graph_cut", "log_determinant"])
def test_finds_the_rare_class(function: str) -> None:
    """At least three times as many rows of it as a random batch, over five pools."""
    found = chance = 0.0
    for seed in range(5):
        snapshot, classes = rare(seed)
        rows = Similar(function=function, query=(3,))(snapshot, k=10, seed=seed)
        found += float((classes[rows] == 3).float().mean())
        chance += float((classes[Random()(snapshot, k=100, seed=seed)] == 3).float().mean())
    assert found >= 3 * chance
    assert found >= 2.5  # of 5


@pytest.mark.parametrize(("function", "weight"), [("facility_location", 2), ("graph_cut", 1), ("log_determinant", 1)])
def test_keeps_away_from_private_classes(function: str, weight: float) -> None:
    """Over five pools, at most six tenths of the rows of that class that chance would bring."""
    found = share = 0.0
    for seed in range(5):
        snapshot, classes = rare(seed, share=0.25)
        rows = Similar(function=function, private=(0,), private_weight=weight)(snapshot, k=20, seed=seed)
        found += float((classes[rows] == 0).float().mean())
        share += float((classes == 0).float().mean())
    assert found <= 0.6 * share


def test_by_itself_it_looks_for_the_class_with_fewest_labels() -> None:
    z = torch.eye(3).repeat(4, 1)
    labels = [0, 1, 2, 0, 1, *[-1] * 7]
    snapshot = Snapshot.from_arrays(embeddings=z, labels=labels)
    assert set(Similar()(snapshot, k=3).tolist()) == {5, 8, 11}
    picks = Similar().choose(snapshot, k=1)
    assert "cosine 1 to the nearest" in picks.reasons[0]


def test_a_target_may_be_given_as_embeddings() -> None:
    snapshot = Snapshot.from_arrays(
        embeddings=torch.eye(4).repeat(3, 1), labelled=[0], target=torch.tensor([[0.0, 0.1, 0.0, 2.0]])
    )
    assert set(Similar(aim="target")(snapshot, k=3).tolist()) == {3, 7, 11}


def test_says_what_is_missing() -> None:
    snapshot, _ = rare(0)
    with pytest.raises(ColdStart, match="like class 7 and none is labelled"):
        Similar(query=(7,))(snapshot, k=1)
    with pytest.raises(UsageError, match="choose labels or target"):
        Similar(aim="classes")
    with pytest.raises(UsageError, match="query_location takes a query"):
        Similar(private=(1,))(snapshot, k=1)
