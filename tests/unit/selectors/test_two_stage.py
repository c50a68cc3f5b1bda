"""Two stages: the naive loop, the bounds, any selector, and rows that keep their names."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import pytest
import torch

from querist.core.errors import DataError, NonFinite, UsageError
from querist.core.rng import generator
from querist.core.types import Tensor
from querist.selectors import (
    FactoredPoints,
    facility,
    joint_mi,
    k_center,
    kmeans,
    kmeans_pp,
    sample,
    top_k,
    two_stage,
)
from querist.selectors.facility import facility_gains
from querist.testing.naive.selectors.facility import facility_value
from querist.testing.naive.selectors.two_stage import two_stage_picks


def _radius(points: Tensor, centres: list[int]) -> float:
    return float(torch.cdist(points, points[centres]).amin(1).max())


@pytest.mark.parametrize("parts", [None, 1, 2, 5, 17])
@pytest.mark.parametrize("seed", range(3))
def test_equals_the_naive_loop(parts: int | None, seed: int) -> None:
    points = torch.randn(60, 3, generator=generator(seed), dtype=torch.float64)
    where = {"k": 3, "labelled": [7, 2], "candidates": [pos for pos in range(60) if pos % 9], "parts": parts}
    picked = two_stage(points, rng=generator(seed), **where)  # type: ignore[arg-type]
    assert picked.tolist() == two_stage_picks(points.tolist(), rng=generator(seed), **where)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(8))
def test_k_center_is_within_four_times_the_best_radius(seed: int) -> None:
    points = torch.randn(14, 2, generator=generator(seed), dtype=torch.float64)
    for k, parts in itertools.product((2, 3), (2, 4)):
        picked = two_stage(points, k=k, parts=parts, rng=generator(seed)).tolist()
        best = min(_radius(points, list(centres)) for centres in itertools.combinations(range(14), k))
        assert _radius(points, picked) <= 4 * best + 1e-9


def test_k_center_loses_little() -> None:
    """Far less than the factor of two that the bound allows, on rows in clumps."""
    for seed in range(4):
        rng = generator(seed)
        points = 5 * torch.randn(30, 8, generator=rng)[torch.randint(30, (2000,), generator=rng)]
        points += torch.randn(2000, 8, generator=rng)
        plain = _radius(points, k_center(points, k=40, rng=generator(seed)).tolist())
        parted = _radius(points, two_stage(points, k=40, rng=generator(seed)).tolist())
        drawn = _radius(points, torch.randperm(2000, generator=rng)[:40].tolist())
        assert parted <= 1.25 * plain
        assert parted < drawn


def test_facility_location_loses_little() -> None:
    rng = generator(0)
    points = 3 * torch.randn(20, 6, generator=rng)[torch.randint(20, (1200,), generator=rng)]
    points += torch.randn(1200, 6, generator=rng)
    value = functools.partial(_facility_location, points)
    whole = facility_gains(points, k=12)[1].sum()
    assert float(value(facility(points, k=12))) == pytest.approx(float(whole), rel=1e-4)
    parted = value(two_stage(points, k=12, selector=facility, parts=6, value=value))
    assert parted >= (1 - 1 / 2.718) / 2 * float(whole)
    assert parted >= 0.97 * float(whole)
    assert parted > value(torch.randperm(1200, generator=rng)[:12]) * 1.02


def _facility_location(points: Tensor, picked: Tensor) -> float:
    unit = torch.nn.functional.normalize(points, dim=1)
    return float((unit @ unit[picked].T).clamp_min(0).amax(1).sum())


def test_facility_value_is_the_twins() -> None:
    points = torch.randn(15, 3, generator=generator(0), dtype=torch.float64)
    expected = facility_value(points.tolist(), [2, 9], labelled=[], candidates=list(range(15)))
    assert _facility_location(points, torch.tensor([2, 9])) == pytest.approx(expected)


def test_the_better_of_answer_and_winners_is_taken() -> None:
    points = torch.randn(40, 2, generator=generator(0))
    seen: list[tuple[int, ...]] = []

    def value(picked: Tensor) -> float:
        seen.append(tuple(picked.tolist()))
        return float(len(seen) == 3)

    best = two_stage(points, k=4, parts=5, value=value)
    assert len(seen) == 6
    assert tuple(best.tolist()) == seen[2]


@pytest.mark.parametrize("selector", [kmeans_pp, kmeans, facility, sample, top_k, joint_mi])
def test_any_selector(selector: Any) -> None:
    points = torch.randn(200, 8, generator=generator(0))
    if selector in (sample, top_k):
        points = points.norm(dim=1)
    if selector is joint_mi:
        points = torch.randn(4, 200, 2, generator=generator(0)).softmax(-1)
    candidates = list(range(0, 200, 2))
    picked = two_stage(points, k=6, labelled=[0, 8], candidates=candidates, selector=selector, parts=4).tolist()
    assert len(set(picked)) == 6
    assert set(picked) <= set(candidates) - {0, 8}
    if selector is top_k:
        assert picked == top_k(points, k=6, labelled=[0, 8], candidates=candidates).tolist()
    plain = selector(points, k=6, labelled=[3], rng=generator(2)).tolist()
    assert two_stage(points, k=6, labelled=[3], selector=selector, parts=1, rng=generator(2)).tolist() == plain


def test_options_with_an_entry_a_row_are_parted_with_the_rows() -> None:
    points = torch.zeros(100, 1)
    points[::2] = 50
    weights = torch.zeros(100)
    weights[[10, 20, 31, 41]] = 1
    points[[10, 20], 0] = torch.tensor([49.0, 48.0])
    points[[31, 41], 0] = torch.tensor([1.0, 2.0])
    picked = two_stage(points, k=2, selector=kmeans, parts=2, per_row={"weights": weights})
    assert sorted(pos % 2 for pos in picked.tolist()) == [0, 1]
    assert set(picked.tolist()) <= {10, 20, 31, 41}
    with pytest.raises(DataError, match="weights has 99 entries for 100 rows"):
        two_stage(points, k=2, selector=kmeans, parts=2, per_row={"weights": weights[1:]})


def test_parts_take_less_than_all() -> None:
    """No call sees a table of all rows, and the winners are no more than a part."""
    points = torch.randn(10_000, 8, generator=generator(0))
    sizes: list[int] = []

    def spy(points: Tensor, **options: Any) -> Tensor:
        sizes.append(len(points))
        return k_center(points, **options)

    two_stage(points, k=25, labelled=[1], selector=spy)
    assert len(sizes) == 20
    assert max(sizes) <= 528


def test_takes_gradient_embeddings() -> None:
    rng = generator(4)
    factored = FactoredPoints(left=torch.randn(60, 3, generator=rng), right=torch.randn(60, 5, generator=rng))
    dense = two_stage(factored.dense(), k=4, labelled=[0], parts=3)
    assert two_stage(factored, k=4, labelled=[0], parts=3).tolist() == dense.tolist()


def test_bad_rows_keep_their_names() -> None:
    points = torch.randn(60, 3, generator=generator(4))
    points[43, 1] = torch.nan
    with pytest.raises(NonFinite, match="row 43"):
        two_stage(points, k=3, parts=4)


@pytest.mark.parametrize("parts", [0, 61])
def test_what_cannot_be(parts: int) -> None:
    with pytest.raises(UsageError, match="parts"):
        two_stage(torch.randn(60, 2, generator=generator(0)), k=3, parts=parts)
