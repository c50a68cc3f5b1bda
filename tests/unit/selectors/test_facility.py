"""Set functions: lazy answers are those of a plain loop, targeted ones are what the papers write down."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch

from querist.core.errors import DataError, NonFinite, PoolExhausted, UsageError
from querist.core.rng import generator
from querist.selectors import FactoredPoints, facility
from querist.selectors.facility import FUNCTIONS, facility_gains
from querist.testing.naive.selectors.facility import facility_value

TARGETS: list[dict[str, Any]] = [
    {},
    {"query": [2, 31], "query_weight": 0.7},
    {"private": [5, 30], "private_weight": 0.8},
    {"query": [2, 31], "private": [5, 30]},
]
# A saturated cover has no targeted form, and a log determinant no weights.
CASES = [
    (function, target)
    for function in FUNCTIONS
    for target in TARGETS
    if (not target or function[0] not in "sl") and function != "query_location"
]
CASES += [("query_location", {"query": [2, 31], "query_weight": weight}) for weight in (1.0, 0.2)]
CASES += [("log_determinant", {"query": [2, 31]}), ("log_determinant", {"private": [5, 30]})]
CASES += [("log_determinant", {"query": [2, 31], "private": [5, 30]})]


@pytest.mark.parametrize(("function", "target"), CASES)
def test_every_pick_gains_most(function: str, target: dict[str, Any]) -> None:
    """Gains are differences of the value written down in loops, and no other position has a larger one."""
    points = torch.randn(32, 4, generator=generator(1), dtype=torch.float64)
    points[7] = 0
    free = [pos for pos in range(32) if pos % 3 and pos != 4]
    options = {"function": function, "labelled": [4], "candidates": free, **target}
    picked, gains = facility_gains(points, k=7, **options)
    held: list[int] = []
    before = facility_value(points.tolist(), held, **options)
    for pos, gain in zip(picked.tolist(), gains.tolist(), strict=True):
        after = {y: facility_value(points.tolist(), [*held, y], **options) for y in free if y not in held}
        assert gain == pytest.approx(after[pos] - before, abs=1e-9)
        assert after[pos] == pytest.approx(max(after.values()), abs=1e-9)
        held.append(pos)
        before = after[pos]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_greedy_reaches_its_bound(function: str) -> None:
    """At least ``1 - 1/e`` of the best set, found by trying all."""
    points = torch.randn(11, 3, generator=generator(2), dtype=torch.float64)
    options: dict[str, Any] = {"function": function, **({"query": [1, 4]} if function == "query_location" else {})}
    gains = facility_gains(points, k=3, **options)[1]
    options |= {"labelled": [], "candidates": list(range(11))}
    best = max(facility_value(points.tolist(), list(s), **options) for s in itertools.combinations(range(11), 3))
    assert (1 - 1 / math.e) * best <= float(gains.sum()) <= best + 1e-9


def test_lazy_is_exact_over_many_tiles() -> None:
    points = torch.randn(1500, 6, generator=generator(3))
    picked = facility(points, k=15).tolist()
    x = torch.nn.functional.normalize(points).double()
    kernel = (x @ x.T).clamp_min(0)
    covered = torch.zeros(1500, dtype=torch.float64)
    for pos in picked:
        gains = (kernel - covered[:, None]).clamp_min(0).sum(0)
        assert float(gains[pos]) >= float(gains.max()) * (1 - 2e-5)
        covered = torch.maximum(covered, kernel[:, pos])


def test_stochastic_greedy_is_nearly_as_good() -> None:
    points = torch.randn(400, 5, generator=generator(4))
    exact = float(facility_gains(points, k=20)[1].sum())
    drawn = [facility_gains(points, k=20, epsilon=0.1, rng=generator(seed)) for seed in range(5)]
    assert all(len(picked.unique()) == 20 for picked, _ in drawn)
    assert 0.9 * exact < sum(float(gains.sum()) for _, gains in drawn) / 5 < exact
    assert len({tuple(picked.tolist()) for picked, _ in drawn}) == 5
    assert len(facility(points, k=400, epsilon=0.5).unique()) == 400


def test_query_and_private_sets_steer() -> None:
    """Three directions: asked for one, told to keep away from another."""
    rng = generator(5)
    points = torch.eye(3).repeat_interleave(20, 0) + 0.1 * torch.rand(60, 3, generator=rng)
    for function in ("facility_location", "graph_cut"):
        assert set((facility(points, k=1, query=[1], function=function) // 20).tolist()) == {0}
        away = facility(points, k=2, private=[1], private_weight=20, function=function, labelled=[1])
        assert 0 not in (away // 20).tolist()


def test_a_query_may_be_points_of_its_own() -> None:
    points = torch.randn(40, 4, generator=generator(8))
    for function in ("facility_location", "query_location", "graph_cut", "log_determinant"):
        both = function != "query_location"
        inside = facility(points, k=6, function=function, query=[3, 9], private=[20] if both else None)
        table = points[[20]] if both else None
        apart = facility(points, k=6, function=function, query=points[[3, 9]].numpy(), private=table)
        assert inside.tolist() == apart.tolist()
    with pytest.raises(DataError, match="query holds vectors of 3 numbers, the points have 4"):
        facility(points, k=1, query=torch.ones(2, 3))


def test_a_log_determinant_finds_what_is_like_the_query() -> None:
    """Mutual information falls with the angle to the query, and a near copy of a pick adds little."""
    points = torch.tensor([[1.0, 0.0], [0.999, 0.04], [0.6, 0.8], [-0.8, 0.6], [0.0, 1.0]], dtype=torch.float64)
    assert facility(points, k=2, function="log_determinant", query=torch.tensor([[0.9, 0.1]]).double())[0] == 1
    assert 1 not in facility(points, k=2, function="log_determinant", labelled=[0], noise=0.01).tolist()
    with pytest.raises(UsageError, match="weights of a log determinant"):
        facility(points, k=1, function="log_determinant", query=[1], query_weight=2)
    with pytest.raises(UsageError, match="noise of a log determinant"):
        facility(points, k=1, function="log_determinant", noise=0)


def test_takes_gradient_embeddings() -> None:
    rng = generator(6)
    factored = FactoredPoints(left=torch.randn(50, 3, generator=rng), right=torch.randn(50, 4, generator=rng))
    assert facility(factored, k=8).tolist() == facility(factored.dense(), k=8).tolist()


def test_zero_vectors_are_no_trap() -> None:
    for function in FUNCTIONS:
        aim = {"query": [0]} if function == "query_location" else {}
        answers = [facility(torch.zeros(20, 3), k=9, function=function, rng=generator(s), **aim) for s in range(3)]
        assert all(len(picked.unique()) == 9 for picked in answers)
        assert len({tuple(picked.tolist()) for picked in answers}) == 3


def test_refuses_bad_input() -> None:
    points = torch.eye(4)
    with pytest.raises(UsageError, match="facility_location, query_location"):
        facility(points, k=1, function="sum")
    with pytest.raises(UsageError, match="no query"):
        facility(points, k=1, function="saturated_cover", query=[1])
    with pytest.raises(UsageError, match="query_location takes a query and no private set"):
        facility(points, k=1, function="query_location")
    with pytest.raises(UsageError, match="epsilon"):
        facility(points, k=1, epsilon=2)
    with pytest.raises(PoolExhausted):
        facility(points, k=5)
    with pytest.raises(NonFinite, match="row 1"):
        facility(torch.tensor([[1.0], [math.nan]]), k=1)
