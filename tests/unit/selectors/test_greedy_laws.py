"""Every pick of a sequential selector is a best one, on inputs that are full of ties, duplicates and zero vectors.

Where ties are common no twin can say which position comes next, but any answer can be judged: at each step no other
open position may be better. Points are small whole numbers in double precision, so equal is equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from querist.core.rng import generator
from querist.selectors import k_center, kmeans_pp, lcmd, max_det

Points = list[list[float]]
Step = Callable[[Points, list[int], list[int]], dict[int, float]]


def distance_to_nearest(points: Points, taken: list[int], free: list[int]) -> dict[int, float]:
    return {pos: min(math.dist(points[pos], points[other]) for other in taken) for pos in free}


def largest_cluster_distance(points: Points, taken: list[int], free: list[int]) -> dict[int, float]:
    """Distance to the centre, for the points of clusters of largest cost; nothing for the others."""
    squared = {pos: d * d for pos, d in distance_to_nearest(points, taken, free).items()}
    best: dict[int, float] = {}
    # A point between two centres may belong to either: it may be judged in any cluster that could hold it.
    for owners in ({pos: _owner(points, taken, pos, last) for pos in free} for last in (False, True)):
        cost = {centre: sum(squared[pos] for pos in free if owners[pos] == centre) for centre in taken}
        for pos in free:
            if cost[owners[pos]] >= max(cost.values()) - 1e-9:
                best[pos] = max(best.get(pos, 0.0), squared[pos])
    return {pos: best.get(pos, -1.0) for pos in free}


def _owner(points: Points, taken: list[int], pos: int, last: bool) -> int:
    order = taken[::-1] if last else taken
    return min(order, key=lambda centre: math.dist(points[pos], points[centre]))


def variance(points: Points, taken: list[int], free: list[int]) -> dict[int, float]:
    """What is left of each point outside the span of the taken ones, under the selector's noise."""
    x = torch.tensor(points, dtype=torch.float64)
    noise = 1e-6 * float(x.square().sum(1).mean()) + 1e-300  # zero vectors alone leave nothing to divide by
    known = x[taken]
    kernel = known @ known.T + noise * torch.eye(len(taken), dtype=torch.float64)
    across = x @ known.T
    left = x.square().sum(1) - (across * torch.linalg.solve(kernel, across.T).T).sum(1)
    return {pos: float(left[pos]) for pos in free}


tables = st.integers(2, 4).flatmap(
    lambda d: st.lists(st.lists(st.integers(-2, 2), min_size=d, max_size=d), min_size=4, max_size=18)
)


@pytest.mark.parametrize(
    ("selector", "step"),
    [(k_center, distance_to_nearest), (max_det, variance)],
    ids=["k_center", "max_det"],
)
@given(points=tables, seed=st.integers(0, 50), data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_other_position_is_better(selector: Callable[..., torch.Tensor], step: Step, points, seed, data) -> None:  # type: ignore[no-untyped-def]
    labelled = data.draw(st.lists(st.integers(0, len(points) - 1), min_size=1, max_size=len(points) - 1, unique=True))
    free = [pos for pos in range(len(points)) if pos not in labelled]
    k = data.draw(st.sampled_from([1, len(free)]))  # one, and all that is left
    table = torch.tensor(points, dtype=torch.float64)
    picked = selector(table, k=k, labelled=labelled, rng=generator(seed)).tolist()
    assert len(set(picked)) == k
    assert set(picked) <= set(free)
    taken = list(labelled)
    for pos in picked:
        worth = step([[float(x) for x in point] for point in points], taken, [p for p in free if p not in taken])
        assert worth[pos] >= max(worth.values()) - 1e-6
        taken.append(pos)


@given(points=tables, seed=st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_lcmd_splits_a_largest_cluster(points, seed) -> None:  # type: ignore[no-untyped-def]
    """The first pick only: after it, ties of ownership depend on the order in which centres came."""
    floats = [[float(x) for x in point] for point in points]
    labelled = [0, 1]
    free = list(range(2, len(points)))
    first = lcmd(torch.tensor(floats, dtype=torch.float64), k=1, labelled=labelled, rng=generator(seed)).item()
    worth = largest_cluster_distance(floats, labelled, free)
    if max(worth.values()) > 0:
        assert worth[int(first)] > 0


@given(points=tables, seed=st.integers(0, 500))
@settings(max_examples=80, deadline=None)
def test_kmeans_pp_never_draws_what_is_covered(points, seed) -> None:  # type: ignore[no-untyped-def]
    """A position that coincides with a taken one comes only when all that are left do."""
    floats = [[float(x) for x in point] for point in points]
    picked = kmeans_pp(torch.tensor(floats), k=len(points) - 1, labelled=[0], rng=generator(seed)).tolist()
    assert sorted([0, *picked]) == list(range(len(points)))
    taken = [0]
    for pos in picked:
        near = distance_to_nearest(floats, taken, [p for p in range(len(points)) if p not in taken])
        assert near[pos] > 0 or max(near.values()) == 0
        taken.append(pos)
