"""The greedy determinant: exact blocks, noise, rank, factored features."""

from __future__ import annotations

import math

import pytest
import torch

from querist.core.errors import NonFinite, UsageError
from querist.core.rng import generator
from querist.selectors import FactoredPoints, max_det
from querist.selectors.max_det import max_det_variances


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_blocks_are_exact(noise: float) -> None:
    """Many blocks; compared with one pick a look, each variance from a fresh solve."""
    x = torch.randn(600, 90, generator=generator(0), dtype=torch.float64) ** 3
    picked, variances = max_det_variances(x, k=80, labelled=[4, 9], noise=noise)
    added = noise * float(x.square().sum(1).mean())
    taken = [4, 9]
    for pos, variance in list(zip(picked.tolist(), variances.tolist(), strict=True)):
        seen = x[taken]
        solved = torch.linalg.solve(seen @ seen.T + added * torch.eye(len(taken), dtype=torch.float64), seen @ x.T)
        left = x.square().sum(1) - (seen @ x.T * solved).sum(0)
        left[taken] = -math.inf
        assert pos == int(left.argmax())
        assert variance == pytest.approx(float(left.max()), rel=1e-8)
        taken.append(pos)


def test_variances_add_up_to_the_determinant() -> None:
    x = torch.randn(300, 12, generator=generator(1), dtype=torch.float64)
    picked, variances = max_det_variances(x, k=20, noise=0.1)
    added = 0.1 * float(x.square().sum(1).mean())
    kernel = x[picked] @ x[picked].T + added * torch.eye(20, dtype=torch.float64)
    assert float((variances + added).log().sum()) == pytest.approx(float(torch.logdet(kernel)), abs=1e-8)


def test_without_noise_there_are_as_many_as_the_rank() -> None:
    x = torch.randn(40, 3, generator=generator(2)) @ torch.randn(3, 9, generator=generator(3))
    picked, variances = max_det_variances(x, k=40, noise=0)
    assert sorted(picked.tolist()) == list(range(40))
    assert (variances > 0).tolist() == [True] * 3 + [False] * 37
    assert len({tuple(max_det(x, k=9, noise=0, rng=generator(seed)).tolist()[:3]) for seed in range(4)}) == 1
    assert len({tuple(max_det(x, k=9, noise=0, rng=generator(seed)).tolist()) for seed in range(4)}) == 4
    # Labelled points that span everything, some of them dependent.
    assert not max_det_variances(x, k=3, labelled=range(6), noise=0)[1].any()


@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_takes_gradient_embeddings(noise: float) -> None:
    rng = generator(4)
    factored = FactoredPoints(left=torch.randn(90, 3, generator=rng), right=torch.randn(90, 7, generator=rng))
    known = [0, 5]
    of_factors = max_det(factored, k=15, labelled=known, noise=noise)
    assert of_factors.tolist() == max_det(factored.dense(), k=15, labelled=known, noise=noise).tolist()


def test_zero_vectors_come_last_and_ties_fall_to_the_seed() -> None:
    x = torch.zeros(300, 200)
    x[torch.arange(200), torch.arange(200)] = 1  # 200 equals, more than a block
    answers = [max_det(x, k=210, rng=generator(seed)) for seed in range(3)]
    assert all(sorted(picked[:200].tolist()) == list(range(200)) for picked in answers)
    assert len({tuple(picked.tolist()) for picked in answers}) == 3
    assert {max_det(x, k=1, rng=generator(seed)).item() < 100 for seed in range(20)} == {True, False}


def test_refuses_bad_input() -> None:
    with pytest.raises(UsageError, match="noise"):
        max_det(torch.eye(3), k=1, noise=-1)
    with pytest.raises(NonFinite, match="row 1"):
        max_det(torch.tensor([[1.0], [math.nan]]), k=1)
