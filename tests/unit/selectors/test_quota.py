"""Quotas: the naive loop, any selector, balance, and limits that cannot be kept."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import pytest
import torch

from querist.core.errors import DataError, NonFinite, PoolExhausted, UsageError
from querist.core.rng import generator
from querist.core.types import Tensor
from querist.selectors import (
    facility,
    joint_mi,
    k_center,
    k_dpp,
    kmeans,
    kmeans_pp,
    lcmd,
    max_det,
    quota,
    sample,
    top_k,
)
from querist.selectors.memory import memory_limit
from querist.testing.naive.selectors.quota import quota_picks

LIMITS: dict[str, dict[str, Any]] = {
    "at most": {"at_most": 2},
    "at least": {"at_least": 1},
    "both": {"at_most": 2, "at_least": 1},
    "budget": {"budget": 1.6},
    "tight budget": {"budget": 1.02},
    "groups and budget": {"at_most": 3, "at_least": 1, "budget": 1.3},
    "groups and tight budget": {"at_most": 2, "at_least": 1, "budget": 1.02},
}
"""A budget is in units of the cheapest batch."""


@pytest.mark.parametrize("name", list(LIMITS))
@pytest.mark.parametrize("seed", range(6))
def test_equals_the_naive_loop(name: str, seed: int) -> None:
    rng = generator(seed)
    points = torch.randn(14, 3, generator=rng, dtype=torch.float64)
    where: dict[str, Any] = {"k": 5, "labelled": [1, 4], "candidates": [pos for pos in range(14) if pos != 11]}
    limits = dict(LIMITS[name])
    groups = torch.multinomial(torch.tensor([0.6, 0.3, 0.1]), 14, replacement=True, generator=rng)
    groups[5:10] = torch.tensor([2, 2, 1, 1, 0])
    if "at_most" in limits or "at_least" in limits:
        limits["groups"] = groups.tolist()
    if "budget" in limits:
        costs = 0.1 + 2 * torch.rand(14, generator=rng)
        batches = itertools.combinations([pos for pos in where["candidates"] if pos not in where["labelled"]], 5)
        counts = [(batch, np.bincount(groups[list(batch)], minlength=3)) for batch in batches]
        fit = [
            float(costs[list(batch)].sum())
            for batch, count in counts
            if limits.get("at_least", 0) <= count.min() and count.max() <= limits.get("at_most", 5)
        ]
        limits |= {"costs": costs.tolist(), "budget": limits["budget"] * min(fit)}
        with pytest.raises(UsageError, match="cheapest"):
            quota(points, **where, **limits | {"budget": min(fit) - 1e-3})
    picked = quota(points, **where, **limits)
    assert picked.tolist() == quota_picks(points.tolist(), rng=rng, **where, **limits)


@pytest.mark.parametrize("seed", range(4))
def test_order_is_the_selectors_own_with_full_groups_skipped(seed: int) -> None:
    """Scores are picked one after another without a look at the others, so skipping is filtering."""
    rng = generator(seed)
    scores, groups = torch.rand(500, generator=rng), torch.randint(20, (500,), generator=rng)
    picked = quota(scores, k=60, selector=top_k, groups=groups, at_most=4).tolist()
    room = dict.fromkeys(range(20), 4)
    expected = []
    for pos in scores.argsort(descending=True).tolist():
        if room[int(groups[pos])]:
            room[int(groups[pos])] -= 1
            expected.append(pos)
    assert picked == expected[:60]


@pytest.mark.parametrize(
    "selector", [k_center, kmeans_pp, kmeans, lcmd, max_det, facility, k_dpp, sample, top_k, joint_mi]
)
def test_any_selector_keeps_within_the_limits(selector: Any) -> None:
    rng = generator(0)
    groups = torch.arange(80) % 4 * (torch.arange(80) > 50)  # most are of group 0
    points: Tensor = torch.randn(80, 16, generator=rng)
    points[groups == 0] *= 3
    if selector in (sample, top_k):
        points = points.norm(dim=1)
    if selector is joint_mi:
        points = torch.randn(6, 80, 2, generator=rng).softmax(-1)
    costs = torch.rand(80, generator=rng)
    picked = quota(
        points,
        k=10,
        labelled=[0, 1],
        selector=selector,
        groups=groups,
        at_most=[4, 4, 4, 4],
        at_least=[0, 2, 2, 2],
        costs=costs,
        budget=4.0,
    )
    counts = np.bincount(groups[picked], minlength=4)
    assert len(set(picked.tolist())) == 10
    assert counts.max() <= 4
    assert counts[1:].min() >= 2
    assert float(costs[picked].sum()) <= 4.0


@pytest.mark.parametrize("selector", [k_center, kmeans_pp, kmeans, facility])
def test_without_limits_it_is_the_selector(selector: Any) -> None:
    points = torch.randn(90, 4, generator=generator(0))
    plain = selector(points, k=12, labelled=[3], rng=generator(1))
    assert quota(points, k=12, labelled=[3], selector=selector, rng=generator(1)).tolist() == plain.tolist()


def test_a_skewed_pool_gets_balanced() -> None:
    """Ninety in a hundred rows are of one class, and it lies widest: k-center would ask for little else."""
    rng = generator(0)
    classes = (torch.rand(1000, generator=rng) > 0.9).long() * torch.randint(1, 5, (1000,), generator=rng)
    points = torch.randn(1000, 6, generator=rng) * torch.where(classes == 0, 3.0, 0.5)[:, None]
    points[:, 0] += 4 * classes
    plain = np.bincount(classes[k_center(points, k=50, labelled=[0])], minlength=5)
    balanced = np.bincount(classes[quota(points, k=50, labelled=[0], groups=classes, at_most=10)], minlength=5)
    assert plain[0] > 35
    assert balanced.tolist() == [10, 10, 10, 10, 10]


def test_labelled_rows_count_if_they_are_asked_to() -> None:
    points, groups = torch.arange(12.0)[:, None], [0] * 6 + [1] * 6
    options: dict[str, Any] = {"labelled": [0, 1, 2], "groups": groups}
    assert any(pos < 6 for pos in quota(points, k=5, **options))
    assert min(quota(points, k=3, at_most=3, count_labelled=True, **options).tolist()) >= 6
    with pytest.raises(PoolExhausted, match="at_most allows 3"):
        quota(points, k=4, at_most=3, count_labelled=True, **options)
    assert sum(pos < 6 for pos in quota(points, k=4, at_most=3, **options)) >= 1
    # Two of each are there or asked for: of the first group they are there already.
    least = quota(points, k=2, selector=_first, at_least=2, count_labelled=True, **options).tolist()
    assert least == [6, 7]


def _first(points: Tensor, *, k: int, candidates: Tensor, **others: Any) -> Tensor:
    return candidates[:k]


def test_money_is_kept_for_the_rest() -> None:
    """The dearest row is the best one, but with it there is no third."""
    scores, costs = torch.tensor([9.0, 8.0, 7.0, 6.0, 5.0]), [7.0, 3.0, 3.0, 2.0, 1.0]
    for budget, expected in ((10.0, [0, 3, 4]), (9.0, [1, 2, 3]), (6.0, [1, 3, 4]), (7.5, [1, 2, 4])):
        assert quota(scores, k=3, selector=top_k, costs=costs, budget=budget).tolist() == expected
    with pytest.raises(UsageError, match="cheapest cost 6"):
        quota(scores, k=3, selector=top_k, costs=costs, budget=5.9)


def test_a_selector_gets_its_options_and_the_memory_limit() -> None:
    points = torch.randn(40, 3, generator=generator(0))
    seen: list[float | None] = []

    def spy(points: Any, *, k: int, memory_mb: float | None = None, **others: Any) -> Tensor:
        seen.append(memory_mb)
        return k_center(points, k=k, memory_mb=memory_mb, **others)

    quota(points, k=3, selector=spy)
    with memory_limit(2):
        quota(points, k=3, selector=spy)
    assert seen[0] is None
    assert seen[1] is not None
    assert 1.9 < seen[1] < 2
    function = functools.partial(facility, function="graph_cut")
    assert quota(points, k=3, selector=function).tolist() == function(points, k=3).tolist()


def test_what_cannot_be() -> None:
    points, groups = torch.randn(8, 2, generator=generator(0)), [0, 0, 0, 0, 0, 0, 0, 1]
    for options, situation, text in (
        ({"groups": groups, "at_most": 2}, PoolExhausted, "at_most allows 3"),
        ({"groups": groups, "at_least": 2}, PoolExhausted, "1 are open"),
        ({"groups": groups, "at_least": [5, 0]}, UsageError, "5 picks or more"),
        ({"groups": groups, "at_least": 2, "at_most": 1}, UsageError, "at least 2 and at most 1"),
        ({"groups": groups, "at_most": -1}, UsageError, "0 or more"),
        ({"groups": groups, "at_most": [1, 2, 3]}, DataError, "3 numbers for 2 groups"),
        ({"groups": groups[1:], "at_most": 9}, DataError, "7 rows of 8"),
        ({"groups": [-1, *groups[1:]], "at_most": 9}, DataError, "number the groups"),
        ({"groups": torch.rand(8), "at_most": 9}, DataError, "number the groups"),
        ({"at_most": 2}, UsageError, "there are none"),
        ({"budget": 2.0}, UsageError, "costs"),
        ({"costs": [1.0] * 7, "budget": 2.0}, DataError, "7 rows of 8"),
        ({"costs": [1.0] * 7 + [-1.0], "budget": 2.0}, DataError, "row 7 is negative"),
        ({"costs": [1.0] * 7 + [float("nan")], "budget": 2.0}, NonFinite, "row 7"),
    ):
        with pytest.raises(situation, match=text):
            quota(points, k=4, **options)  # type: ignore[arg-type]
