"""The radius at which balls stay pure: the largest, on all data and on a sample."""

from __future__ import annotations

import pytest
import torch

from querist.core.errors import DataError, UsageError
from querist.core.rng import generator
from querist.selectors import FactoredPoints
from querist.selectors.kmeans import best_clusters as clustered
from querist.selectors.points import as_points
from querist.selectors.purity import pure_radius
from querist.testing.naive.selectors.kmeans import best_clusters
from querist.testing.naive.selectors.purity import largest_pure_radius


@pytest.mark.parametrize("purity", [0.5, 0.8, 0.95, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_is_what_trying_every_radius_gives(seed: int, purity: float) -> None:
    points = torch.randn(40, 2, generator=generator(seed), dtype=torch.float64)
    free = [pos for pos in range(40) if pos % 4]
    found = best_clusters(points.tolist(), free, k=4, rng=generator(seed), starts=10)
    mine = pure_radius(points, clusters=4, candidates=free, rng=generator(seed), purity=purity)
    assert mine == pytest.approx(largest_pure_radius(points.tolist(), found, purity=purity), rel=1e-7)


def test_it_is_the_largest() -> None:
    """Just above it fewer than 95 % of the balls are pure; and a sample of balls comes near."""
    points = torch.randn(2000, 5, generator=generator(3), dtype=torch.float64)
    own = clustered(as_points(points), torch.arange(2000), k=6, rng=generator(4), starts=10).own  # type: ignore[arg-type]
    apart = torch.cdist(points, points).masked_fill(own[:, None] == own, torch.inf).amin(1)
    radius = pure_radius(points, clusters=6, rng=generator(4))
    assert float((apart > radius).double().mean()) >= 0.95
    assert float((apart > radius * (1 + 2e-6)).double().mean()) < 0.95
    drawn = pure_radius(points, clusters=6, rng=generator(4), balls=500)
    assert 0.92 < float((apart > drawn).double().mean()) < 0.98


def test_one_cluster_is_pure_at_any_radius() -> None:
    points = torch.rand(30, 3, generator=generator(5))
    radius = pure_radius(points, clusters=1)
    assert float(torch.cdist(points, points).max()) <= radius < 10
    assert pure_radius(torch.ones(9, 3), clusters=1) == 0
    assert pure_radius(points, clusters=99) < float(torch.pdist(points).quantile(0.5))


def test_refuses_bad_input() -> None:
    with pytest.raises(UsageError, match=r"purity of 1\.5"):
        pure_radius(torch.eye(3), clusters=2, purity=1.5)
    with pytest.raises(UsageError, match="0 starts"):
        pure_radius(torch.eye(3), clusters=1, starts=0)
    with pytest.raises(DataError, match="written out"):
        pure_radius(FactoredPoints(left=torch.ones(3, 1), right=torch.ones(3, 1)), clusters=1)
