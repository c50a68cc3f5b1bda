"""k-DPP: the law of whole sets, and features of low rank."""

from __future__ import annotations

import functools

import pytest
import torch

from querist.core.errors import DataError
from querist.core.rng import generator
from querist.selectors import FactoredPoints, k_dpp
from querist.testing.checks.law import obeys_law
from querist.testing.naive.selectors.k_dpp import k_dpp_law


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("width", [3, 9])
def test_draws_follow_the_determinant(k: int, width: int) -> None:
    """First two of a set of two and of three, features narrower and wider than there are points."""
    x = torch.randn(6, width, generator=generator(width)) * torch.tensor([1, 0.5, 2, 1, 1.5, 1])[:, None]
    x[4] = x[3]  # never together
    law = functools.partial(k_dpp_law, x.tolist(), labelled=[], candidates=[0, 2, 3, 4, 5], k=k)
    obeys_law(
        lambda seed: k_dpp(x, k=k, candidates=[0, 2, 3, 4, 5], rng=generator(seed)).tolist()[:2],
        lambda picked: law(picked=picked),
        draws=400,
    )


def test_more_than_the_rank_comes_in_rounds() -> None:
    x = torch.randn(30, 3, generator=generator(0))
    picked = k_dpp(x, k=30)
    assert sorted(picked.tolist()) == list(range(30))
    assert all(torch.linalg.matrix_rank(x[part]) == 3 for part in picked[:24].split(3))


def test_zero_vectors_come_last() -> None:
    x = torch.zeros(10, 4)
    x[[2, 5, 7]] = torch.eye(4)[:3]
    answers = [k_dpp(x, k=6, rng=generator(seed)).tolist() for seed in range(8)]
    assert all(set(picked[:3]) == {2, 5, 7} and len(set(picked)) == 6 for picked in answers)
    assert len({tuple(picked[3:]) for picked in answers}) > 1


def test_factors_must_be_written_out() -> None:
    with pytest.raises(DataError, match="written out"):
        k_dpp(FactoredPoints(left=torch.ones(3, 1), right=torch.ones(3, 1)), k=1)


def test_quality_sets_the_lengths_and_copies_no_table() -> None:
    points, quality = torch.randn(60, 8, generator=generator(0)), torch.rand(60, generator=generator(1))
    points[7] = 0
    scaled = torch.nn.functional.normalize(points.double(), dim=1) * quality[:, None].double()
    for seed in range(5):
        expected = k_dpp(scaled, k=6, rng=generator(seed)).tolist()
        assert k_dpp(points, quality=quality, k=6, rng=generator(seed)).tolist() == expected
        assert 7 not in expected
