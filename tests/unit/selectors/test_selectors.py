"""Guarantees of the selectors beyond the contract: approximation, law, precision, exact blocks."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from querist.core.errors import DataError, NonFinite, UsageError
from querist.core.rng import generator
from querist.selectors import FactoredPoints, k_center, kmeans, kmeans_pp, top_k
from querist.selectors.k_center import k_center_radii
from querist.selectors.points import DensePoints, Distances, as_points


def _radius(points: torch.Tensor, centres: list[int]) -> float:
    return float(torch.cdist(points, points[centres]).amin(1).max())


@pytest.mark.parametrize("seed", range(6))
def test_k_center_is_within_twice_the_best_radius(seed: int) -> None:
    points = torch.randn(12, 2, generator=generator(seed), dtype=torch.float64)
    for k in (1, 2, 3, 4):
        picked = k_center(points, k=k, rng=generator(seed)).tolist()
        best = min(_radius(points, list(centres)) for centres in itertools.combinations(range(12), k))
        assert _radius(points, picked) <= 2 * best + 1e-9


def test_k_center_blocks_are_exact() -> None:
    """Thousands of points and hundreds of picks, so that many blocks end early; compared with one pick a look."""
    points = torch.randn(3000, 3, generator=generator(0), dtype=torch.float64)
    picked, radii = k_center_radii(points, k=400, labelled=[5])
    nearest = (points - points[5]).norm(dim=-1)
    for pos, radius in zip(picked.tolist(), radii.tolist(), strict=True):
        assert pos == int(nearest.argmax())
        assert radius == pytest.approx(float(nearest.max()), abs=1e-9)
        nearest = torch.minimum(nearest, (points - points[pos]).norm(dim=-1))
    assert bool((radii.diff() <= 1e-12).all())


def test_k_center_takes_gradient_embeddings() -> None:
    rng = generator(4)
    factored = FactoredPoints(left=torch.randn(60, 3, generator=rng), right=torch.randn(60, 5, generator=rng))
    assert k_center(factored, k=20, labelled=[0]).tolist() == k_center(factored.dense(), k=20, labelled=[0]).tolist()


@pytest.mark.parametrize("factored", [False, True])
def test_kmeans_pp_draws_by_the_law(factored: bool) -> None:
    """Frequencies of ordered triples against the exact law, chi-square at one in 10,000."""
    from scipy.stats import chi2

    rng = generator(7)
    pairs = FactoredPoints(
        left=torch.randn(5, 2, generator=rng),
        right=torch.randn(5, 3, generator=rng) * torch.tensor([[1], [2], [1], [3], [1]]),
    )
    points = pairs if factored else pairs.dense()
    squared = torch.cdist(pairs.dense().double(), pairs.dense().double()).square().tolist()
    expected: dict[tuple[int, ...], float] = {}
    for a, b, c in itertools.permutations(range(5), 3):
        second = squared[a][b] / sum(squared[a])
        weights = [min(squared[a][other], squared[b][other]) for other in range(5)]
        expected[a, b, c] = second / 5 * weights[c] / sum(weights)
    assert sum(expected.values()) == pytest.approx(1, abs=1e-9)
    draws = 2000
    seen = dict.fromkeys(expected, 0)
    rng = generator(11)
    for _ in range(draws):
        seen[tuple(kmeans_pp(points, k=3, rng=rng).tolist())] += 1
    frequent = [triple for triple, chance in expected.items() if chance * draws >= 5]
    assert len(frequent) > 30
    statistic = sum((seen[triple] - draws * expected[triple]) ** 2 / (draws * expected[triple]) for triple in frequent)
    assert statistic < chi2.ppf(1 - 1e-4, len(frequent))


def test_kmeans_pp_blocks_follow_the_law_in_the_large() -> None:
    """Far groups of equal size: after the first picks the groups must be hit about equally often."""
    rng = generator(3)
    centres = 100 * torch.eye(6)
    points = (centres[:, None] + torch.randn(6, 200, 6, generator=rng)).flatten(0, 1)
    hits = [set((kmeans_pp(points, k=6, rng=generator(seed)) // 200).tolist()) for seed in range(50)]
    assert all(len(groups) == 6 for groups in hits)


def test_kmeans_pp_first_pick() -> None:
    points = torch.tensor([[1.0], [5.0], [-9.0], [2.0]])
    assert kmeans_pp(points, k=1, first="longest").tolist() == [2]
    assert {kmeans_pp(points, k=1, rng=generator(seed)).item() for seed in range(40)} == {0, 1, 2, 3}
    with pytest.raises(UsageError, match="uniform or longest"):
        kmeans_pp(points, k=1, first="middle")


def test_kmeans_finds_the_middles_of_clear_clusters() -> None:
    rng = generator(5)
    centres = torch.tensor([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])
    points = (centres[:, None] + torch.randn(3, 40, 2, generator=rng)).flatten(0, 1)
    picked = kmeans(points, k=3)
    assert sorted((picked // 40).tolist()) == [0, 1, 2]
    for pos in picked.tolist():
        own = points[pos // 40 * 40 : pos // 40 * 40 + 40]
        distances = (own - own.mean(0)).norm(dim=-1)
        assert int(distances.argmin()) == pos % 40


def test_kmeans_weights_pull() -> None:
    points = torch.tensor([[0.0], [1.0], [2.0], [3.0], [10.0]])
    assert kmeans(points, k=1, weights=[0, 0, 0, 0, 1]).tolist() == [4]
    assert kmeans(points, k=1, weights=[1, 0, 0, 0, 0]).tolist() == [0]
    with pytest.raises(DataError, match="negative"):
        kmeans(points, k=1, weights=[1, -1, 0, 0, 0])


def test_top_k_orders_and_breaks_ties_by_seed() -> None:
    scores = torch.tensor([1.0, 3.0, 3.0, 2.0])
    assert {tuple(top_k(scores, k=3, rng=generator(seed)).tolist()) for seed in range(20)} == {(1, 2, 3), (2, 1, 3)}


def test_duplicates_are_exactly_no_distance_apart() -> None:
    points = torch.randn(50, 2048, generator=generator(0)) * 30
    apart = Distances(as_points(torch.cat([points, points])))
    squared = apart.between(torch.arange(50), torch.arange(50, 100))
    assert bool((squared.diagonal() == 0).all())
    assert float(squared.fill_diagonal_(1).min()) > 0


def test_distances_far_from_the_origin_keep_their_digits() -> None:
    near = torch.randn(40, 3, generator=generator(1))
    far = Distances(as_points(near + 3000))
    expected = torch.cdist((near + 3000).double(), (near + 3000).double()).square().float()
    torch.testing.assert_close(far.between(slice(0, 40), torch.arange(40)), expected, atol=1e-3, rtol=1e-3)


def test_points_are_viewed_and_not_copied(tmp_path) -> None:  # type: ignore[no-untyped-def]
    np.save(tmp_path / "z.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    mapped = np.load(tmp_path / "z.npy", mmap_mode="r")
    points = as_points(mapped)
    assert isinstance(points, DensePoints)
    assert points.table.data_ptr() == mapped.__array_interface__["data"][0]
    assert len(k_center(mapped, k=3)) == 3


def test_bad_points_are_named() -> None:
    with pytest.raises(NonFinite, match="row 2"):
        k_center(torch.tensor([[0.0], [1.0], [math.nan]]), k=1)
    with pytest.raises(DataError, match=r"\[n d\]"):
        k_center(torch.zeros(3), k=1)
    with pytest.raises(DataError, match="position 7"):
        k_center(torch.zeros(3, 1), k=1, labelled=[7])
    with pytest.raises(DataError, match="written out"):
        kmeans(FactoredPoints(left=torch.ones(3, 1), right=torch.ones(3, 1)), k=1)


def test_factored_points_are_their_dense_selves() -> None:
    rng = generator(6)
    points = FactoredPoints(left=torch.randn(9, 3, generator=rng), right=torch.randn(9, 4, generator=rng))
    dense = points.dense()
    pos = torch.tensor([1, 7])
    torch.testing.assert_close(points.squared_norms, dense.square().sum(-1))
    torch.testing.assert_close(points.products(pos), dense @ dense[pos].T)
    torch.testing.assert_close(points.products(pos, slice(2, 5)), dense[2:5] @ dense[pos].T)
