"""Cluster-Margin beyond the contract: exact for few rows, close to it by cells, the turn, and what the paper claims."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import fcluster, linkage

from querist.core.errors import DataError, UsageError
from querist.core.rng import generator
from querist.core.types import Tensor
from querist.selectors import FactoredPoints, cluster_margin, top_k
from querist.selectors.cluster_margin import cluster_margin_shares
from querist.testing.naive.selectors.cluster_margin import cluster_margin_picks


def _clumps(seed: int, sizes: list[int], *, spread: float = 0.3, d: int = 6) -> tuple[Tensor, Tensor]:
    """Points around well-parted centres, and the clump of each."""
    rng = generator(seed, "clumps")
    own = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    centres = 6 * torch.randn(len(sizes), d, generator=rng)
    order = torch.randperm(len(own), generator=rng)
    return (centres[own] + spread * torch.randn(len(own), d, generator=rng))[order], own[order]


@pytest.mark.parametrize("shortlist", [None, 3])
@pytest.mark.parametrize("seed", range(5))
def test_equals_its_twin_with_scores_and_options(seed: int, shortlist: float | None) -> None:
    rng = generator(seed)
    points, scores = torch.randn(40, 3, generator=rng), torch.rand(40, generator=rng)
    options = {"k": 7, "labelled": [1, 5], "candidates": list(range(0, 40, 1))[:37]}
    more = {"scores": scores.tolist(), "shortlist": shortlist, "clusters": 5}
    picked = cluster_margin(points, rng=generator(seed), **options, **more)  # type: ignore[arg-type]
    expected = cluster_margin_picks(points.tolist(), rng=generator(seed), **options, **more)  # type: ignore[arg-type]
    assert picked.tolist() == expected


@pytest.mark.parametrize("seed", range(3))
def test_shares_are_those_of_scipys_clusters(seed: int) -> None:
    rng = generator(seed)
    points, scores = torch.randn(300, 4, generator=rng, dtype=torch.float64), torch.rand(300, generator=rng)
    picked, shares = cluster_margin_shares(points, k=20, scores=scores, shortlist=4)
    own = fcluster(linkage(points.numpy(), method="average"), 30, criterion="maxclust")  # ten rows each
    short = top_k(scores, k=80)
    assert set(picked.tolist()) <= set(short.tolist())
    counts = np.bincount(own[short])
    assert shares.tolist() == counts[own[picked]].tolist()
    # The smallest first, and no cluster a second time before all have had their turn.
    turns = np.array([int((own[picked[:place]] == own[picked[place]]).sum()) for place in range(20)])
    assert (np.diff(turns) >= 0).all()
    first = shares[torch.from_numpy(turns == 0)]
    assert bool((first.diff() >= 0).all())


def test_cells_find_the_clumps_that_rows_find() -> None:
    points, own = _clumps(0, [300, 200, 100, 50, 50, 20])
    for cells in (10_000, 64):
        picked = cluster_margin(points, k=12, clusters=6, cells=cells)
        assert [len(set(own[part].tolist())) for part in picked.split(6)] == [6, 6]


def test_batch_is_of_more_sorts_than_top_margins_and_surer_than_random_ones() -> None:
    """A large clump holds most of the smallest margins; several small ones hold some."""
    spread, unsure = [], []
    for seed in range(8):
        points, own = _clumps(seed, [400] + [40] * 15)
        rng = generator(seed, "scores")
        scores = torch.rand(len(own), generator=rng) + 0.15 * (own == 0)
        picked = cluster_margin(points, k=30, scores=scores, rng=generator(seed))
        plain = top_k(scores, k=30)
        drawn = torch.randperm(len(own), generator=rng)[:30]
        spread.append((len(set(own[picked].tolist())), len(set(own[plain].tolist()))))
        unsure.append((float(scores[picked].mean()), float(scores[drawn].mean())))
    assert all(mine > 2 * theirs for mine, theirs in spread)
    assert all(mine > theirs + 0.05 for mine, theirs in unsure)


def test_rare_sorts_come_first() -> None:
    points, own = _clumps(2, [90, 8, 2])
    picked, shares = cluster_margin_shares(points, k=5, clusters=3)
    assert own[picked].tolist() == [2, 1, 0, 2, 1]
    assert shares.tolist() == [2, 8, 90, 2, 8]


def test_takes_gradient_embeddings_while_they_are_few() -> None:
    rng = generator(4)
    factored = FactoredPoints(left=torch.randn(60, 3, generator=rng), right=torch.randn(60, 5, generator=rng))
    assert cluster_margin(factored, k=9).tolist() == cluster_margin(factored.dense(), k=9).tolist()
    with pytest.raises(DataError, match="more than 20 cells"):
        cluster_margin(factored, k=9, cells=20)


def test_the_shortlist_is_that_of_the_paper() -> None:
    """Ten batches, an eighth of the pool, or a little more than the batch: seen by asking for all of it."""
    points = torch.randn(8000, 2, generator=generator(0))
    for k, held in ((10, 100), (200, 1000), (2000, 2500)):
        scores = torch.rand(8000, generator=generator(k))
        picked, shares = cluster_margin_shares(points, k=k, scores=scores, clusters=1, cells=8)
        assert set(shares.tolist()) == {held}
        assert set(picked.tolist()) <= set(top_k(scores, k=held).tolist())


def test_what_cannot_be() -> None:
    points = torch.zeros(9, 2)
    with pytest.raises(UsageError, match="shortlist"):
        cluster_margin(points, k=2, shortlist=0.5)
    with pytest.raises(UsageError, match="clusters"):
        cluster_margin(points, k=2, clusters=0)
    with pytest.raises(DataError, match="8 scores for 9"):
        cluster_margin(points, k=2, scores=torch.zeros(8))
