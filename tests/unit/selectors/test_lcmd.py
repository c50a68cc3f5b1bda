"""LCMD beyond the contract: pruning changes nothing, equals fall to the seed."""

from __future__ import annotations

import pytest
import torch

from querist.core.rng import generator
from querist.selectors import FactoredPoints, lcmd
from querist.selectors.lcmd import lcmd_clusters
from querist.testing.naive.selectors.lcmd import lcmd_picks


@pytest.mark.parametrize("spread", [0.05, 3.0])
def test_pruned_clusters_are_those_of_a_full_pass(spread: float) -> None:
    """Tight clusters are pruned nearly always, wide ones never."""
    rng = generator(0)
    centres = 5 * torch.randn(12, 4, generator=rng)
    points = (centres[:, None] + spread * torch.randn(12, 100, 4, generator=rng)).flatten(0, 1).double()
    picked = lcmd(points, k=60, labelled=[0, 700]).tolist()
    taken = [0, 700]
    for pos in picked:
        squared, own = torch.cdist(points, points[taken]).square().min(1)
        squared[taken] = 0
        costs = torch.zeros(len(taken), dtype=torch.float64).index_add_(0, own, squared)
        assert pos == int(squared.masked_fill(own != costs.argmax(), -1).argmax())
        taken.append(pos)


@pytest.mark.parametrize("seed", range(3))
def test_starts_with_the_longest(seed: int) -> None:
    points = torch.randn(20, 3, generator=generator(seed), dtype=torch.float64)
    twin = lcmd_picks(points.tolist(), k=20, labelled=[], candidates=list(range(20)), rng=generator(0))
    picked, distances, sizes = lcmd_clusters(points, k=20)
    assert picked.tolist()[:19] == twin[:19]
    assert sizes[0] == 20
    assert sizes[-1] == 1
    assert bool((distances[1:] > 0).all())


def test_takes_gradient_embeddings() -> None:
    rng = generator(4)
    factored = FactoredPoints(left=torch.randn(60, 3, generator=rng), right=torch.randn(60, 5, generator=rng))
    assert lcmd(factored, k=20, labelled=[0]).tolist() == lcmd(factored.dense(), k=20, labelled=[0]).tolist()


def test_equal_clusters_fall_to_the_seed() -> None:
    points = torch.tensor([[0.0], [10.0], [1.0], [11.0], [2.0], [12.0]])
    assert {lcmd(points, k=1, labelled=[0, 1], rng=generator(seed)).item() for seed in range(12)} == {4, 5}
