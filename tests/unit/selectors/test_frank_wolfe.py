"""Frank-Wolfe: the sum that weighted picks make, how many rows it reaches, and where it begins again."""

from __future__ import annotations

import itertools
import math
import sys

import pytest
import torch

from querist.core.errors import DataError, NonFinite
from querist.core.rng import generator
from querist.core.types import Tensor
from querist.selectors import FactoredPoints, frank_wolfe
from querist.selectors.frank_wolfe import frank_wolfe_weights
from querist.testing.naive.selectors.frank_wolfe import frank_wolfe_picks

MODULE = sys.modules["querist.selectors.frank_wolfe"]


def likelihoods(n: int, j: int, *, seed: int, groups: int = 12) -> Tensor:
    """Vectors as the strategy makes them: none above 0, in groups of like direction and very uneven length."""
    rng = generator(seed, "likelihoods")
    kinds = -torch.rand(groups, j, generator=rng, dtype=torch.float64).square()
    sizes = torch.randn(n, 1, generator=rng, dtype=torch.float64).exp()
    own = 0.1 * torch.rand(n, j, generator=rng, dtype=torch.float64)
    return sizes * (kinds[torch.randint(groups, (n,), generator=rng)] - own)


def off(features: Tensor, picked: Tensor, weights: Tensor) -> float:
    """``|L - L(w)| / |L|``."""
    whole = features.double().sum(0)
    return float((whole - weights @ features[picked].double()).norm() / whole.norm())


@pytest.mark.parametrize("j", [3, 10, 60])
@pytest.mark.parametrize("seed", range(3))
def test_equals_the_twin_in_any_blocks(j: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a run ends early and the next begins, which three dimensions force."""
    monkeypatch.setattr(MODULE, "TILE", 1)
    features = likelihoods(120, j, seed=seed)
    where = {"labelled": [5, 17, 80], "candidates": [x for x in range(120) if x % 6]}
    picked = frank_wolfe(features, k=15, **where).tolist()
    assert picked == frank_wolfe_picks(features.tolist(), k=15, **where)


def test_weights_make_up_the_sum_and_lie_on_the_polytope() -> None:
    features = likelihoods(200, 40, seed=0)
    errors = []
    for k in (1, 2, 5, 10, 20, 40):
        picked, weights = frank_wolfe_weights(features, k=k)
        errors.append(off(features, picked, weights))
        lengths = (features.square().sum(1) + 1e-6).sqrt()
        assert bool((weights >= 0).all())
        assert float(weights @ lengths[picked]) <= float(lengths.sum()) * (1 + 1e-9)
    assert all(later < earlier for earlier, later in itertools.pairwise(errors))
    assert errors[-1] < 0.05 * errors[0]


@pytest.mark.parametrize("k", [5, 10, 20])
def test_stands_for_the_pool_better_than_chance(k: int) -> None:
    """Below 200 random batches that share the weight evenly, and below those with the best common weight."""
    features = likelihoods(300, 60, seed=1)
    whole, lengths = features.sum(0), features.norm(dim=1)
    mine = off(features, *frank_wolfe_weights(features, k=k))
    rng = generator(1, "chance")
    for _ in range(200):
        batch = torch.randperm(300, generator=rng)[:k]
        assert mine < off(features, batch, lengths.sum() / (k * lengths[batch]))
        plain = features[batch].sum(0)
        assert mine < off(features, batch, torch.full((k,), float(plain @ whole / plain.square().sum())).double())


def test_first_pick_has_the_direction_of_the_sum() -> None:
    features = torch.tensor([[9.0, 0.0], [0.0, 9.0], [1.0, 1.1], [5.0, 1.0]])
    picked, weights = frank_wolfe_weights(features, k=1)
    assert picked.tolist() == [2]
    # gamma (s / s_f) with gamma = <L_f s / s_f, L> / |L_f s / s_f|^2, which is <L_f, L> / |L_f|^2.
    assert weights.item() == pytest.approx((15.0 + 1.1 * 11.1) / (1 + 1.21), rel=1e-5)


def test_begins_again_where_the_sum_is_reached() -> None:
    """Two directions: two rows make up the sum. The next two stand for the rest, and so on."""
    features = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(10, 1) * torch.arange(1, 21)[:, None]
    picked, weights = frank_wolfe_weights(features, k=8)
    assert [sorted(pos % 2 for pos in pair) for pair in picked.view(4, 2).tolist()] == [[0, 1]] * 4
    assert bool((weights > 0).all())
    left = features.double()
    for pair, taken in zip(picked[:6].view(3, 2), weights[:6].view(3, 2), strict=True):
        assert torch.allclose(taken @ features[pair].double(), left.sum(0), rtol=0.2)
        left = left.index_fill(0, pair, 0)


def test_copies_wait_until_all_that_differ_came() -> None:
    """Every row three times over: what points like a row with a weight adds to its weight, and is not picked too."""
    features = torch.randn(8, 30, generator=generator(3))
    thrice = features.repeat(3, 1)
    answers = [frank_wolfe(thrice, k=24, rng=generator(seed)).tolist() for seed in range(6)]
    assert all(sorted(picked) == list(range(24)) for picked in answers)
    assert all(len({pos % 8 for pos in picked[:8]}) == 8 for picked in answers)
    assert len({picked[0] for picked in answers}) > 1  # which copy is the seed's choice
    assert len({picked[0] % 8 for picked in answers}) == 1


def test_near_copies_are_not_picked_together() -> None:
    """Ten sorts of rows, thirty near copies each: ten picks are of ten sorts, where the longest are of few."""
    rng = generator(4)
    sorts = torch.randn(10, 50, generator=rng)
    features = sorts.repeat_interleave(30, 0) + 0.05 * torch.randn(300, 50, generator=rng)
    assert len({int(pos) // 30 for pos in frank_wolfe(features, k=10)}) == 10
    assert len({int(pos) // 30 for pos in features.norm(dim=1).topk(10).indices}) < 5


def test_nothing_to_stand_for() -> None:
    for features in (torch.zeros(20, 3), torch.cat([torch.ones(10, 3), -torch.ones(10, 3)])):
        answers = [frank_wolfe_weights(features, k=12, labelled=[], rng=generator(seed)) for seed in range(4)]
        assert all(len(set(picked.tolist())) == 12 for picked, _ in answers)
        assert len({tuple(picked.tolist()) for picked, _ in answers}) == 4
    assert not frank_wolfe_weights(torch.zeros(20, 3), k=12)[1].any()


def test_zero_vectors_and_tiny_ones_come_last() -> None:
    features = likelihoods(30, 8, seed=5)
    features[:10] = 0
    features[10:20] *= 1e-6  # their direction would do, were it not for what is added to every length
    picked = frank_wolfe(features, k=10).tolist()
    assert set(picked) == set(range(20, 30))
    assert frank_wolfe(features, k=30, rng=generator(1)).unique().numel() == 30


def test_all_labelled_but_k_and_rows_outside() -> None:
    features = likelihoods(40, 8, seed=6)
    assert sorted(frank_wolfe(features, k=4, labelled=range(36)).tolist()) == [36, 37, 38, 39]
    few = list(range(0, 40, 2))
    alone = frank_wolfe(features[few], k=6)
    within = frank_wolfe(features, k=6, candidates=few)
    assert within.tolist() == [few[pos] for pos in alone.tolist()]  # what may not be asked is not in the sum


def test_reads_any_table_of_numbers() -> None:
    features = (100 * likelihoods(60, 8, seed=7)).round().clamp(-100, 0)
    picked = frank_wolfe(features, k=5).tolist()
    for kind in (torch.int8, torch.float16, torch.float32):
        assert frank_wolfe(features.to(kind), k=5).tolist() == picked


def test_refuses_bad_input() -> None:
    with pytest.raises(NonFinite, match="row 1"):
        frank_wolfe(torch.tensor([[1.0], [math.inf]]), k=1)
    with pytest.raises(DataError, match="one vector a row"):
        frank_wolfe(FactoredPoints(left=torch.ones(4, 2), right=torch.ones(4, 3)), k=1)
