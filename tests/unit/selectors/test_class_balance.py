"""Class balance beyond the contract: the best of all sets, counts, duplicates, large pools, and what is refused."""

from __future__ import annotations

import itertools
import time
import warnings

import numpy as np
import pytest
import torch

from querist.core.errors import DataError, NonFinite, PoolExhausted, Unproven, UsageError
from querist.core.rng import generator
from querist.selectors import class_balance, top_k
from querist.testing.naive.selectors.class_balance import class_balance_cost


def table(seed: int, n: int, c: int, *, sharp: float = 2.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Entropies and the distributions that they are of."""
    rng = generator(seed, "balance")
    probs = (sharp * torch.randn(n, c, generator=rng, dtype=torch.float64)).softmax(-1)
    return -(probs * probs.log()).sum(-1), probs


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("c", [1, 2, 5])
@pytest.mark.parametrize("balance", [0.0, 0.3, 1.0, 20.0])
def test_no_set_is_better(seed: int, c: int, balance: float) -> None:
    scores, probs = table(seed, 12, c)
    counts = torch.randint(6, (c,), generator=generator(seed, "counts"))
    candidates = [pos for pos in range(12) if pos != 4]
    for k in (1, 3, 5, 10):
        where = {"labelled": [7], "candidates": candidates}
        picked = class_balance(scores, k=k, probs=probs, counts=counts, balance=balance, **where).tolist()
        cost = {
            some: class_balance_cost(
                scores.tolist(), list(some), probs=probs.tolist(), counts=counts.tolist(), balance=balance, **where
            )
            for some in itertools.combinations([pos for pos in candidates if pos != 7], k)
        }
        assert cost[tuple(sorted(picked))] <= min(cost.values()) + 1e-6
        assert scores[picked].tolist() == sorted(scores[picked].tolist(), reverse=True)


def test_without_chances_and_without_balance_the_highest_scores_come() -> None:
    scores, probs = table(0, 500, 4)
    highest = top_k(scores, k=9).tolist()
    assert class_balance(scores, k=9).tolist() == highest
    assert class_balance(scores, k=9, probs=probs, balance=0).tolist() == highest


def test_a_class_that_has_enough_is_asked_no_more() -> None:
    probs = torch.eye(3, dtype=torch.float64)[torch.arange(300) % 3] * 0.97 + 0.01
    scores = torch.rand(300, generator=generator(0), dtype=torch.float64) * 0.1
    scores[0::3] += 1  # the highest scores are all of class 0
    picked = class_balance(scores, k=10, probs=probs, counts=[20, 0, 5])
    of = torch.bincount(picked % 3, minlength=3).tolist()
    assert of[0] <= 1
    assert min(of[1:]) > 0
    picked = class_balance(scores, k=10, probs=probs, counts=[20, 0, 20])
    assert torch.bincount(picked % 3, minlength=3).tolist() == [0, 10, 0]
    assert class_balance(scores, k=10, probs=probs, counts=[20, 0, 5], balance=0.01)[:10].remainder(3).sum() == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_large_pool_is_near_the_bound_of_its_relaxation(seed: int) -> None:
    """Against the linear programme that is written out for all rows: no set can cost less than that says."""
    from scipy.optimize import linprog

    n, c, k = 3_000, 6, 40
    scores, probs = table(seed, n, c)
    counts = np.array([60, 40, 20, 9, 3, 0.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", Unproven)
        picked = class_balance(scores, k=k, probs=probs, counts=counts)
    lacking = np.maximum((counts.sum() + k) / c - counts, 0)
    found = linprog(
        np.r_[-scores.numpy(), np.ones(2 * c)],
        A_eq=np.vstack([np.hstack([probs.numpy().T, np.eye(c), -np.eye(c)]), np.r_[np.ones(n), np.zeros(2 * c)]]),
        b_eq=np.r_[lacking, k],
        bounds=[(0, 1)] * n + [(0, None)] * (2 * c),
    )
    cost = class_balance_cost(
        scores.tolist(), picked.tolist(), labelled=[], candidates=[], probs=probs.tolist(), counts=counts.tolist()
    )
    assert found.fun - 1e-6 <= cost <= found.fun + 0.5 + 1e-6


def test_a_large_pool_takes_seconds_and_no_copy_of_its_chances() -> None:
    """100,000 rows, 10 classes: within 30 times a single pass over the table with one product."""
    scores, probs = table(0, 100_000, 10)
    probs = probs.float()
    begun = time.perf_counter()
    picked = class_balance(scores, k=100, probs=probs, counts=[50] * 5 + [0] * 5)
    taken = time.perf_counter() - begun
    assert len(picked.unique()) == 100
    assert taken < 30
    expected = probs[picked].sum(0)
    assert float(expected[5:].min()) > 3 * float(expected[:5].max())


@pytest.mark.parametrize("seed", range(4))
def test_the_seed_decides_between_equals(seed: int) -> None:
    scores, probs = table(1, 4, 3)
    copies = torch.arange(400) % 4
    picked = class_balance(scores[copies], k=30, probs=probs[copies], rng=generator(seed))
    assert len(picked.unique()) == 30
    other = class_balance(scores[copies], k=30, probs=probs[copies], rng=generator(seed + 1))
    assert sorted(picked.tolist()) != sorted(other.tolist())
    assert torch.bincount(picked % 4, minlength=4).tolist() == torch.bincount(other % 4, minlength=4).tolist()


def test_half_precision_and_files(tmp_path) -> None:
    scores, probs = table(2, 300, 3)
    np.save(tmp_path / "p.npy", probs.numpy().astype(np.float16))
    mapped = np.load(tmp_path / "p.npy", mmap_mode="r")
    picked = class_balance(scores.float(), k=12, probs=mapped)
    assert picked.tolist() == class_balance(scores.float(), k=12, probs=torch.from_numpy(np.array(mapped))).tolist()


def test_refusals() -> None:
    scores, probs = table(0, 10, 3)
    for options, situation, says in (
        ({"k": 0}, UsageError, "0 picks"),
        ({"k": 11}, PoolExhausted, "11 picks"),
        ({"k": 2, "balance": -1}, UsageError, "balance of -1"),
        ({"k": 2, "counts": [1, 2]}, DataError, "labels of 2 classes were counted, and there are 3"),
        ({"k": 2, "counts": [1, 2, -1]}, DataError, "number of labels"),
    ):
        with pytest.raises(situation, match=says):
            class_balance(scores, probs=probs, **options)
    with pytest.raises(UsageError, match="no chances of classes"):
        class_balance(scores, k=2, counts=[1, 2])
    with pytest.raises(DataError, match="chances for 9 rows and scores for 10"):
        class_balance(scores, k=2, probs=probs[:9])
    broken = probs.clone()
    broken[6, 1] = torch.nan
    with pytest.raises(NonFinite, match="the chance of row 6"):
        class_balance(scores, k=2, probs=broken)
    low = scores.clone()
    low[3] = torch.inf
    with pytest.raises(NonFinite, match="row 3"):
        class_balance(low, k=2, probs=probs)
