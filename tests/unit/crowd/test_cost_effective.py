"""Pairs of rows and annotators: plain loops, local experts, prices, and the ends of the range."""

import numpy as np
import pytest
import torch

from querist.core.errors import DataError, PoolExhausted, UsageError
from querist.core.rng import generator
from querist.crowd import Votes, cost_effective, majority


def world(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, truth, and the answers of two who know one half of the plane each and of one who half knows both."""
    rng = np.random.default_rng(seed)
    points, truth = rng.normal(size=(n, 2)), rng.integers(2, size=n)
    right = np.stack([np.where(points[:, 0] < 0, 0.95, 0.5), np.where(points[:, 0] < 0, 0.5, 0.95), np.full(n, 0.7)], 1)
    said = np.where(rng.random((n, 3)) < right, truth[:, None], 1 - truth[:, None])
    said[n // 2 :] = -1
    return points, truth, said


@pytest.mark.parametrize("seed", range(3))
def test_equals_plain_loops(seed):
    points, _, said = world(seed, 60)
    said[3, 1] = said[7, 0] = -1
    scores, prices = np.random.default_rng(seed).random(60), [1.0, 2.0, 0.7]
    votes = Votes.from_table(said, c=2)
    right = majority(votes, rng=generator(5)).labels.tolist()
    worth = {}
    for row in range(30, 60):
        for who in range(3):
            known = [other for other in range(60) if said[other, who] >= 0]
            near = sorted(known, key=lambda other, row=row: np.sum((points[other] - points[row]) ** 2))[:4]
            skill = np.mean([said[other, who] == right[other] for other in near])
            worth[row, who] = scores[row] * skill / prices[who]
    best = {row: max(worth[row, who] for who in range(3)) for row in range(30, 60)}
    expected = sorted(best, key=lambda row: -best[row])[:8]
    found = cost_effective(votes, points, scores, k=8, prices=prices, neighbours=4, rng=generator(5))
    assert found.rows.tolist() == expected
    assert found.values.tolist() == pytest.approx([best[row] for row in expected])
    picked = zip(found.rows.tolist(), found.annotators.tolist(), strict=True)
    assert [worth[pair] for pair in picked] == pytest.approx([best[row] for row in expected])


def test_each_row_goes_to_whoever_knows_its_region():
    shares = []
    for seed in range(3):
        points, truth, said = world(seed)
        pairs = cost_effective(Votes.from_table(said, c=2), points, np.ones(400), k=100, labels=truth, neighbours=15)
        knows = np.where(points[pairs.rows, 0] < 0, 0, 1)
        shares.append(float((pairs.annotators.numpy() == knows).mean()))
    # Of three annotators a third would be right by chance; 15 answers a region tell 0.95 from 0.7 well.
    assert min(shares) > 0.8


def test_cheap_and_good_enough_is_asked_before_dear_and_better():
    points, truth, said = world(0)
    votes = Votes.from_table(said, c=2)
    pairs = cost_effective(votes, points, np.ones(400), k=100, labels=truth, prices=[3.0, 3.0, 1.0], neighbours=15)
    assert float((pairs.annotators == 2).double().mean()) > 0.95


def test_nobody_is_asked_twice_and_ties_are_the_seeds():
    votes = Votes.from_table([[0, -1], [0, 0], [1, 1], [-1, -1]])
    pairs = cost_effective(votes, torch.zeros(4, 2), [1, 1, 1, 1], k=2, candidates=range(4))
    assert dict(zip(pairs.rows.tolist(), pairs.annotators.tolist(), strict=True)).get(0, 1) == 1
    with pytest.raises(PoolExhausted, match="3 pairs were asked for, 2 rows have somebody left"):
        cost_effective(votes, torch.zeros(4, 2), [1, 1, 1, 1], k=3, candidates=range(4))
    blank = Votes.from_table(np.full((50, 3), -1), c=2)
    drawn = [
        cost_effective(blank, torch.zeros(50, 1), np.ones(50), k=5, rng=generator(seed)) for seed in (0, 0, 1, 2, 3)
    ]
    assert drawn[0].rows.tolist() == drawn[1].rows.tolist()
    assert len({tuple(one.rows.tolist()) for one in drawn}) == 4
    assert len({int(one.annotators[0]) for one in drawn}) > 1


def test_refusals():
    votes = Votes.from_table([[0], [-1]], c=2)
    for options in ({"k": 0}, {"neighbours": 0}, {"prices": [0.0]}, {"scores": [1.0, -1.0]}):
        given = {"points": [[0.0], [1.0]], "scores": [1.0, 1.0], "k": 1, **options}
        with pytest.raises(UsageError, match="pairs were asked for"):
            cost_effective(votes, **given)
    for options in ({"points": [[0.0]]}, {"scores": [1.0]}, {"prices": [1.0, 2.0]}):
        given = {"points": [[0.0], [1.0]], "scores": [1.0, 1.0], "k": 1, **options}
        with pytest.raises(DataError, match="2 rows and 1 annotators"):
            cost_effective(votes, **given)
