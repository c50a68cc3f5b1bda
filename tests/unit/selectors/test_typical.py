"""Typical points: the densest spot of each cluster, labels first, nothing left over."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from querist.core.errors import DataError, UsageError
from querist.core.rng import generator
from querist.selectors import FactoredPoints, typical
from querist.selectors.typical import typical_clusters
from querist.testing.naive.selectors.typical import typical_picks


def clumps(sizes: list[int], *, seed: int, d: int = 4, apart: float = 20.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Clusters of these sizes, far from each other, and the cluster of each point."""
    rng = generator(seed, "clumps")
    centres = apart * torch.randn(len(sizes), d, generator=rng)
    points = [c + torch.randn(n, d, generator=rng) for c, n in zip(centres, sizes, strict=True)]
    return torch.cat(points).double(), torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_is_its_twin_on_clusters_of_all_sizes(seed: int, squared: bool) -> None:
    points, _ = clumps([30, 14, 9, 6, 5, 3, 1], seed=seed)
    labelled, candidates = [0, 31, 2], [pos for pos in range(len(points)) if pos % 6]
    options: dict[str, Any] = {"labelled": labelled, "candidates": candidates, "neighbours": 4, "squared": squared}
    for most in (4, 500):
        mine = typical(points, k=25, rng=generator(seed), most_clusters=most, **options).tolist()
        twin = typical_picks(points.tolist(), k=25, rng=generator(seed), most_clusters=most, **options)
        assert mine == twin


def test_labels_first_then_size_and_small_clusters_last() -> None:
    points, own = clumps([50, 40, 30, 20, 4], seed=1)
    known = [int(torch.nonzero(own == 0)[0])]
    picked, sizes, labels = typical_clusters(points, k=4, labelled=known)
    assert own[picked].tolist() == [1, 2, 3, 0]  # nothing labelled, largest first; then the labelled one, not the small
    assert sizes.tolist() == [40, 30, 20, 50]
    assert labels.tolist() == [0, 0, 0, 1]
    assert sorted(typical(points, k=144).tolist()) == list(range(144))


def test_the_densest_spot_is_typical() -> None:
    """Half of a cluster sits in a corner of it: that is where its pick comes from, not from its mean."""
    rng = generator(2)
    wide = torch.rand(200, 3, generator=rng) * 10
    corner = torch.rand(200, 3, generator=rng) * 0.5 + 1
    picked = typical(torch.cat([wide, corner]), k=1)
    assert int(picked) >= 200


def test_a_pick_leaves_its_cluster() -> None:
    """One cluster only: the second pick is the most typical of the rest."""
    points = torch.randn(40, 2, generator=generator(3), dtype=torch.float64)
    first, second = typical(points, k=2, most_clusters=1).tolist()
    rest = [pos for pos in range(40) if pos != first]
    assert rest[int(typical(points[rest], k=1, most_clusters=1))] == second


def test_squares_weigh_the_far_neighbours_more() -> None:
    """Neighbours at 0.1 and 1.8, or at 1 and 1.005: the means of distances and those of squares rank them apart."""
    flat = torch.tensor([[0.0], [0.1], [1.9], [50.0], [51.0], [52.005]])
    options: dict[str, Any] = {"k": 1, "most_clusters": 1, "neighbours": 2, "least_size": 0}
    remote = {pos: (flat - flat[pos]).abs().flatten().sort().values[1:3] for pos in range(6)}
    plain = min(remote, key=lambda pos: float(remote[pos].sum()))
    squares = min(remote, key=lambda pos: float(remote[pos].square().sum()))
    assert plain != squares
    assert typical(flat, **options).tolist() == [plain]
    assert typical(flat, squared=True, **options).tolist() == [squares]


def test_a_giant_cluster_gives_a_row_that_is_nearly_the_most_typical(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    module = sys.modules["querist.selectors.typical"]
    monkeypatch.setattr(module, "_MANY", 300)
    monkeypatch.setattr(module, "_BEST", 40)
    points = torch.randn(3000, 3, generator=generator(4), dtype=torch.float64)
    remote = torch.cdist(points, points).fill_diagonal_(torch.inf).topk(20, largest=False).values.mean(1)
    ranks = remote.argsort().argsort()
    found = [int(ranks[typical(points, k=1, most_clusters=1, rng=generator(seed))]) for seed in range(5)]
    assert max(found) < 60  # of 3,000; the sample alone holds one in ten


def test_many_blocks_give_what_one_gives() -> None:
    points, _ = clumps([400, 300], seed=5)
    assert typical(points, k=6, memory_mb=1.0).tolist() == typical(points, k=6).tolist()


def test_more_clusters_than_random_draws() -> None:
    found, chance = 0, 0
    for seed in range(5):
        points, own = clumps([80, 60, 40, 30, 20, 20, 10, 10], seed=seed)
        found += len(own[typical(points, k=8, rng=generator(seed))].unique())
        chance += max(len(own[torch.randperm(270, generator=generator(s))[:8]].unique()) for s in range(10))
    assert found >= 38
    assert found > chance


def test_ties_fall_to_the_seed() -> None:
    square = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert {typical(square, k=1, rng=generator(seed)).item() for seed in range(40)} == {0, 1, 2, 3}


def test_refuses_bad_input() -> None:
    with pytest.raises(UsageError, match="0 neighbours"):
        typical(torch.eye(3), k=1, neighbours=0)
    with pytest.raises(DataError, match="written out"):
        typical(FactoredPoints(left=torch.ones(3, 1), right=torch.ones(3, 1)), k=1)
