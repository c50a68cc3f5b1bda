"""Robust k-center beyond the contract: the best of all sets, outliers, the coreset's error, the clock."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from querist.core.errors import Unproven, UsageError
from querist.core.rng import generator
from querist.core.types import Tensor
from querist.selectors import FactoredPoints, k_center, robust_k_center
from querist.selectors.robust_k_center import robust_k_center_cover


def _radius(points: Tensor, labelled: list[int], picked: list[int], left_out: int = 0) -> float:
    nearest = torch.cdist(points, points[[*labelled, *picked]]).amin(1)
    nearest[labelled] = 0
    return float(nearest.sort(descending=True).values[left_out])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("left_out", [0, 1, 2])
@pytest.mark.parametrize("labelled", [[], [3]])
def test_no_set_is_better(seed: int, left_out: int, labelled: list[int]) -> None:
    points = torch.randn(10, 2, generator=generator(seed), dtype=torch.float64)
    free = [pos for pos in range(10) if pos not in labelled]
    for k in (1, 3, 4):
        cover = robust_k_center_cover(points, k=k, labelled=labelled, outliers=left_out / len(free) + 1e-9)
        every = itertools.combinations(free, k)
        best = min(_radius(points, labelled, list(centres), left_out) for centres in every)
        assert cover.proven
        assert cover.left_out == left_out
        assert cover.radius == pytest.approx(best, abs=1e-6)
        assert _radius(points, labelled, cover.picked.tolist(), left_out) == pytest.approx(best, abs=1e-6)


def test_an_outlier_that_greedy_picks_first_is_left_out() -> None:
    rng = generator(1)
    clumps = 10 * torch.eye(4)[torch.arange(200) % 4] + 0.3 * torch.randn(200, 4, generator=rng)
    points = torch.cat([clumps, torch.full((1, 4), 90.0)])
    assert k_center(points, k=4, labelled=[0]).tolist()[0] == 200
    picked = robust_k_center(points, k=4, labelled=[0], outliers=0.01).tolist()
    assert 200 not in picked
    assert {1, 2, 3} <= {pos % 4 for pos in picked}
    with_it = robust_k_center(points, k=4, labelled=[0], outliers=0.0).tolist()
    assert 200 in with_it


@pytest.mark.parametrize("outliers", [0.0, 0.02])
@pytest.mark.parametrize("seed", range(4))
def test_a_coreset_costs_no_more_than_its_radius(seed: int, outliers: float) -> None:
    rng = generator(seed)
    points = torch.randn(6, 3, generator=rng)[torch.randint(6, (400,), generator=rng)] * 3
    points += 0.4 * torch.randn(400, 3, generator=rng)
    labelled = [] if seed % 2 else [7, 8]
    cover = robust_k_center_cover(points, k=6, labelled=labelled, outliers=outliers, coreset=60)
    left_out = math.floor(outliers * (400 - len(labelled)))
    assert cover.left_out == left_out
    assert 0 < cover.bound <= cover.programme_radius + 1e-5
    assert cover.radius <= cover.programme_radius + cover.coreset_radius + 1e-5
    assert cover.radius == pytest.approx(_radius(points, labelled, cover.picked.tolist(), left_out), rel=1e-4)
    greedy = k_center(points, k=6, labelled=labelled).tolist()
    assert cover.radius <= cover.greedy
    assert cover.greedy == pytest.approx(_radius(points, labelled, greedy, left_out), rel=1e-4)
    if outliers == 0:  # moving the centres of the best cover into the coreset costs its radius
        whole = robust_k_center_cover(points, k=6, labelled=labelled, outliers=outliers)
        assert whole.coreset_radius == 0
        assert cover.bound <= whole.programme_radius + cover.coreset_radius + 1e-5


def test_it_beats_greedy_by_far_where_greedy_starts_badly() -> None:
    """On a line, greedy k-center takes the ends; the best centres stand inside."""
    points = torch.linspace(0, 1, 121)[:, None]
    cover = robust_k_center_cover(points, k=6)
    assert cover.proven
    assert cover.radius == pytest.approx(10 / 120, abs=1e-5)
    assert cover.greedy > 1.2 * cover.radius


def test_order_is_farthest_first() -> None:
    points = torch.rand(80, 2, generator=generator(0), dtype=torch.float64)
    picked = robust_k_center(points, k=7, labelled=[4])
    taken = [4]
    left = picked.tolist()
    for pos in picked.tolist():
        far = torch.cdist(points[left], points[taken]).amin(1)
        assert float(far[left.index(pos)]) == pytest.approx(float(far.max()))
        taken.append(pos)
        left.remove(pos)


def test_time_that_runs_out_is_said_and_greedy_is_kept() -> None:
    points = torch.randn(300, 5, generator=generator(0))
    with pytest.warns(Unproven, match="more time"):
        picked = robust_k_center(points, k=20, timeout_s=0.0)
    greedy = k_center(points, k=20)
    assert sorted(picked.tolist()) == sorted(greedy.tolist())
    cover = robust_k_center_cover(points, k=20, timeout_s=0.0)
    assert not cover.proven
    assert cover.bound < cover.programme_radius


def test_equals_fall_to_the_seed() -> None:
    points = torch.tensor([[0.0], [0.0], [0.0], [5.0], [5.0], [5.0]])
    sets = {tuple(sorted(robust_k_center(points, k=2, rng=generator(seed)).tolist())) for seed in range(20)}
    assert len(sets) > 4
    assert all(one < 3 <= other for one, other in sets)


def test_takes_gradient_embeddings() -> None:
    rng = generator(4)
    factored = FactoredPoints(left=torch.randn(40, 3, generator=rng), right=torch.randn(40, 5, generator=rng))
    whole = robust_k_center_cover(factored.dense(), k=5, labelled=[0])
    assert robust_k_center_cover(factored, k=5, labelled=[0]).radius == pytest.approx(whole.radius, rel=1e-4)


def test_what_cannot_be() -> None:
    points = torch.rand(50, 2, generator=generator(0))
    with pytest.raises(UsageError, match="coreset of 10 points"):
        robust_k_center(points, k=10, coreset=10)
    with pytest.raises(UsageError, match="share"):
        robust_k_center(points, k=3, outliers=1.0)
    assert sorted(robust_k_center(points, k=50, coreset=50).tolist()) == list(range(50))
