"""Cover and herding beyond the contract: exact in every order of bookkeeping, ties by the seed, and what they mean."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch

from querist.core.errors import DataError, NonFinite, PoolExhausted, UsageError
from querist.core.rng import generator
from querist.selectors import FactoredPoints, cover, coverage, herding
from querist.selectors.cover import cover_counts
from querist.selectors.coverage import Coverage
from querist.selectors.greedy import maximise
from querist.selectors.herding import herding_gains
from querist.selectors.likeness import Ball, Gaussian
from querist.selectors.points import Distances, as_points, unit
from querist.testing.naive.selectors.cover import cover_value
from querist.testing.naive.selectors.herding import herding_value


@pytest.mark.parametrize("known", [[], [4, 9]])
@pytest.mark.parametrize("radius", [0.0, 0.6, 1.3, 9.0])
def test_every_ball_holds_most_of_what_is_left(radius: float, known: list[int]) -> None:
    """Counts are differences of the number that loops count, and no other position has a larger one."""
    points = torch.randn(40, 3, generator=generator(1), dtype=torch.float64)
    points[20:25] = points[11]
    free = [pos for pos in range(40) if pos % 3 or pos < 3]
    where: dict[str, Any] = {"labelled": known, "candidates": free}
    picked, counts = cover_counts(points, k=9, radius=radius, **where)
    held: list[int] = []
    for pos, count in zip(picked.tolist(), counts.tolist(), strict=True):
        before = cover_value(points.tolist(), held, radius=radius, **where)
        gains = {
            y: cover_value(points.tolist(), [*held, y], radius=radius, **where) - before
            for y in free
            if y not in held and y not in known
        }
        assert count == gains[pos] == max(gains.values())
        held.append(pos)


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("sigma", [0.05, 0.7, 4.0])
def test_every_pick_gains_most_likeness(sigma: float, weighed: bool) -> None:
    points = torch.randn(30, 3, generator=generator(2), dtype=torch.float64)
    points[20:23] = points[11]
    free = [pos for pos in range(30) if pos % 4]
    options: dict[str, Any] = {"labelled": [5], "candidates": free, "sigma": sigma}
    weights = torch.rand(30, generator=generator(3), dtype=torch.float64) if weighed else None
    picked, gains = herding_gains(points, k=8, weights=weights, **options)
    options["weights"] = None if weights is None else weights.tolist()
    held: list[int] = []
    before = herding_value(points.tolist(), held, **options)
    for pos, gain in zip(picked.tolist(), gains.tolist(), strict=True):
        after = {y: herding_value(points.tolist(), [*held, y], **options) for y in free if y not in [*held, 5]}
        assert gain == pytest.approx(after[pos] - before, abs=1e-12)
        assert after[pos] == pytest.approx(max(after.values()), abs=1e-12)
        held.append(pos)
        before = after[pos]


@pytest.mark.parametrize("dear", [0, 2, 1e9], ids=["told one by one", "as it pays", "all told each time"])
@pytest.mark.parametrize("known", [[], list(range(0, 700, 20))], ids=["none known", "some known"])
@pytest.mark.parametrize("kernel", [Ball(1.2), Ball(2.0), Gaussian(1.0), Gaussian(0.3)], ids=str)
def test_bookkeeping_changes_nothing(
    kernel: Any, known: list[int], dear: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However gains learn of what changed, and in blocks however small, picks gain what the whole kernel says."""
    monkeypatch.setattr(coverage, "_DEAR", dear)
    points = torch.randn(700, 4, generator=generator(4), dtype=torch.float64)
    points[600:] = points[:100]  # duplicates, some of them of known points
    free = torch.tensor([pos for pos in range(700) if pos % 7 and pos not in known])
    squared = torch.cdist(points, points).square()
    like = (squared <= kernel.radius**2).double() if kernel.whole else torch.exp(-squared / kernel.sigma**2)
    apart, taken = Distances(as_points(points)), torch.tensor(known, dtype=torch.long)
    value = Coverage(apart, kernel, free, known=taken, tile=5000)
    picked, gains = maximise(value, free, k=80, rng=generator(0), rounding=0.0 if kernel.whole else 1e-5)
    covered = like[:, known].amax(1) if known else torch.zeros(700, dtype=torch.float64)
    for pos, gain in zip(picked.tolist(), gains.tolist(), strict=True):
        best = (like[free] - covered[free, None]).clamp_min(0).sum(0)[free].max()
        assert gain == pytest.approx(float((like[free, pos] - covered[free]).clamp_min(0).sum()), abs=1e-9)
        assert gain >= float(best) * (1 - 2e-5)
        covered = torch.maximum(covered, like[:, pos])


def test_rounding_does_not_pile_up() -> None:
    """In single precision, after gains have fallen a hundredfold, the pick is still one of the best."""
    points = torch.randn(900, 3, generator=generator(5))
    picked, gains = herding_gains(points, k=400)
    like = torch.exp(-torch.cdist(points.double(), points.double()).square())
    covered = torch.zeros(900, dtype=torch.float64)
    assert float(gains[0]) > 100 * float(gains[-1])
    for pos in picked.tolist():
        exact = (like - covered[:, None]).clamp_min(0).sum(0)
        assert float(exact[pos]) >= float(exact.max()) * (1 - 1e-4)
        covered = torch.maximum(covered, like[:, pos])


@pytest.mark.parametrize("select", [cover, herding])
def test_greedy_reaches_its_bound(select: Any) -> None:
    """At least ``1 - 1/e`` of the best set, found by trying all."""
    points = torch.randn(12, 2, generator=generator(6), dtype=torch.float64)
    value = cover_value if select is cover else herding_value
    where: dict[str, Any] = {"labelled": [], "candidates": list(range(12))}
    mine = value(points.tolist(), select(points, k=3).tolist(), **where)
    best = max(value(points.tolist(), list(each), **where) for each in itertools.combinations(range(12), 3))
    assert (1 - 1 / math.e) * best <= mine <= best + 1e-9


def test_equals_fall_to_the_seed() -> None:
    pairs = torch.tensor([[0.0], [1.0], [90.0], [91.0], [200.0], [201.0]]).double()
    assert {cover(pairs, k=1, radius=1.0, rng=generator(seed)).item() for seed in range(60)} == set(range(6))
    assert {herding(pairs, k=1, rng=generator(seed)).item() for seed in range(60)} == set(range(6))
    # Once everything is covered what is left is drawn.
    rest = [cover(pairs, k=6, radius=1.0, rng=generator(seed)).tolist() for seed in range(10)]
    assert all({pos // 2 for pos in each[:3]} == {0, 1, 2} for each in rest)
    assert len({tuple(each[3:]) for each in rest}) > 1


def test_a_ball_of_no_radius_holds_duplicates() -> None:
    points = torch.randn(50, 20, generator=generator(7)) * 30 + 200
    points[40:] = points[3]
    picked, counts = cover_counts(points, k=40, radius=0.0)
    assert int(picked[0]) in {3, *range(40, 50)}
    assert counts.tolist() == [11.0] + [1.0] * 39


def test_far_from_the_origin_digits_are_kept() -> None:
    points = torch.randint(0, 4, (200, 3), generator=generator(8)).double()
    near = cover_counts(points, k=10, radius=1.2)[1]
    assert cover_counts((points + 4096).float(), k=10, radius=1.2)[1].tolist() == near.tolist()


def test_few_candidates_of_many() -> None:
    """Where most rows take no part they are not read past but left out."""
    points = torch.randn(2000, 4, generator=generator(10), dtype=torch.float64)
    few = torch.arange(0, 2000, 25)
    assert herding(points, k=9, candidates=few).tolist() == (25 * herding(points[few], k=9)).tolist()


@pytest.mark.parametrize("select", [cover, herding])
def test_takes_gradient_embeddings(select: Any) -> None:
    rng = generator(11)
    factored = FactoredPoints(left=torch.randn(50, 3, generator=rng), right=torch.randn(50, 4, generator=rng))
    assert select(factored, k=8).tolist() == select(factored.dense(), k=8).tolist()


def test_points_may_be_made_before() -> None:
    table = torch.randn(60, 5, generator=generator(12), dtype=torch.float64) + 3
    table[7] = 0
    points = unit(as_points(table))
    assert points.table.data_ptr() == table.data_ptr()  # type: ignore[union-attr]
    written = torch.nn.functional.normalize(table)
    assert herding(points, k=9, labelled=[7]).tolist() == herding(written, k=9, labelled=[7]).tolist()


def test_zero_vectors_are_no_trap() -> None:
    for select in (cover, herding):
        answers = [select(torch.zeros(20, 3), k=9, rng=generator(seed)) for seed in range(3)]
        assert all(len(picked.unique()) == 9 for picked in answers)
        assert len({tuple(picked.tolist()) for picked in answers}) == 3


@pytest.mark.parametrize("seed", range(3))
def test_dense_regions_come_first(seed: int) -> None:
    """Eight clusters of falling size among outliers: one pick each, the largest first; random draws miss some."""
    rng = generator(seed, "mixture")
    sizes = [160, 120, 90, 70, 50, 40, 30, 20]
    centres = 10 * torch.randn(8, 6, generator=rng)
    points = torch.cat([c + 0.4 * torch.randn(n, 6, generator=rng) for c, n in zip(centres, sizes, strict=True)])
    own = torch.repeat_interleave(torch.arange(8), torch.tensor(sizes))
    points = torch.cat([points, 60 * torch.randn(60, 6, generator=rng)])
    own = torch.cat([own, torch.full((60,), -1)])
    for picked in (cover(points, k=8, radius=3.0), herding(points, k=8, sigma=2.0)):
        assert own[picked].tolist() == list(range(8))
    found = [len(set(own[torch.randperm(len(own), generator=rng)[:8]].tolist()) - {-1}) for _ in range(50)]
    assert max(found) < 8


def test_weights_rule_where_the_kernel_is_narrow() -> None:
    """Uncertainty herding goes over from coverage to the ranking by weight."""
    points = torch.randn(200, 4, generator=generator(13))
    weights = torch.rand(200, generator=generator(14))
    narrow = herding(points, k=12, sigma=1e-3, weights=weights)
    assert narrow.tolist() == weights.topk(12).indices.tolist()
    flat = torch.full((200,), 0.3)
    assert herding(points, k=12, weights=flat).tolist() == herding(points, k=12).tolist()
    assert herding(points, k=12, weights=torch.zeros(200)).tolist() == herding(points, k=12).tolist()


def test_a_kernel_as_narrow_as_rounding_knows_a_point_from_others() -> None:
    """Unit vectors, and a width at which single precision cannot tell a point from itself: weights decide alone."""
    points = torch.nn.functional.normalize(torch.randn(300, 64, generator=generator(15)))
    points[200:] = points[100:200]
    weights = torch.rand(300, generator=generator(16)) + 0.5
    weights[200:] = weights[100:200]
    picked, gains = herding_gains(points, k=200, sigma=5e-4, weights=weights)
    expected = torch.cat([weights[:100], 2 * weights[100:200]]).double().sort(descending=True).values
    torch.testing.assert_close(gains, expected, rtol=1e-5, atol=1e-5)
    assert len({pos - 100 if pos >= 200 else pos for pos in picked.tolist()}) == 200


def test_refuses_bad_input() -> None:
    points = torch.eye(4)
    for wrong in (-1.0, math.nan):
        with pytest.raises(UsageError, match="radius"):
            cover(points, k=1, radius=wrong)
    for wrong in (0.0, -1.0, math.inf):
        with pytest.raises(UsageError, match="sigma"):
            herding(points, k=1, sigma=wrong)
    with pytest.raises(DataError, match="negative"):
        herding(points, k=1, weights=[1, -1, 0, 0])
    with pytest.raises(PoolExhausted):
        cover(points, k=5)
    with pytest.raises(NonFinite, match="row 1"):
        herding(torch.tensor([[1.0], [math.nan]]), k=1)
