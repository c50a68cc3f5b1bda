"""Top k, in one piece and block by block."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from querist.core.errors import NonFinite
from querist.core.rng import generator
from querist.selectors import top_k
from querist.selectors.top_k import Best

N = 5_000
MODULE = sys.modules["querist.selectors.top_k"]  # the package's attribute of this name is the function


def in_pieces(scores: torch.Tensor, k: int, sizes: list[int], *, seed: int) -> list[int]:
    best = Best(k, rng=generator(seed))
    for pos in torch.arange(len(scores)).split(sizes):
        best.add(pos, scores[pos])
    return best.picked()[0].tolist()


@pytest.mark.parametrize("levels", [1, 2, 9, 10**6], ids=lambda levels: f"{levels} levels")
@pytest.mark.parametrize("k", [1, 13, 700, N])
def test_however_it_is_cut_the_answer_is_one(levels: int, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ties too: among equals the draws decide, and they are those of the whole."""
    monkeypatch.setattr(MODULE, "_BLOCK", 64)  # so that the worse are dropped again and again
    for seed in range(4):
        scores = torch.randint(levels, (N,), generator=generator(seed, "scores")).float()
        whole = in_pieces(scores, k, [N], seed=seed)
        assert in_pieces(scores, k, [1] * 50 + [N - 50], seed=seed) == whole
        assert in_pieces(scores, k, [N // 10] * 10, seed=seed) == whole
        assert top_k(scores, k=k, rng=generator(seed)).tolist() == whole
        assert scores[whole].tolist() == sorted(scores.tolist(), reverse=True)[:k]
        assert len(set(whole)) == k


def test_every_one_of_equals_has_the_same_chance() -> None:
    """Six equals, two places, after two that are better: 600 seeds, each of the six about 200 times."""
    scores = torch.tensor([1.0, 1.0, 9.0, 1.0, 1.0, 8.0, 1.0, 1.0])
    came = torch.zeros(8)
    for seed in range(600):
        best = Best(4, rng=generator(seed))
        for pos in torch.arange(8).split(3):
            best.add(pos, scores[pos])
        picked = best.picked()[0]
        assert picked[:2].tolist() == [2, 5]
        came[picked[2:]] += 1
    spread = (600 * 1 / 3 * 2 / 3) ** 0.5
    assert float((came[[0, 1, 3, 4, 6, 7]] - 200).abs().max()) < 4 * spread


def test_no_more_is_kept_than_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "_BLOCK", 64)
    best = Best(10, rng=generator(0))
    for pos in torch.arange(N).split(50):
        best.add(pos, torch.zeros(len(pos)))
        assert best._size <= 10 + 64 + 50


def test_a_score_that_is_no_number_is_named() -> None:
    scores = torch.arange(9.0)
    scores[4] = torch.nan
    with pytest.raises(NonFinite, match="the score of row 4"):
        top_k(scores, k=2)
    assert top_k(scores, k=2, candidates=[0, 1, 2]).tolist() == [2, 1]
    assert top_k(torch.tensor([0.0, torch.inf, -torch.inf]), k=3).tolist() == [1, 0, 2]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32])
def test_kinds_of_numbers(dtype: type) -> None:
    assert top_k(np.array([3, 1, 2], dtype=dtype), k=2).tolist() == [0, 2]
