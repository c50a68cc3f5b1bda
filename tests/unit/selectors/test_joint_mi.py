"""What joint information promises beyond the contract."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from querist.core.errors import DataError, NonFinite, UsageError
from querist.core.rng import generator
from querist.selectors import joint_mi
from querist.selectors.joint_mi import joint_mi_gains
from querist.testing.naive.selectors.joint_mi import joint_mi_picks


def _samples(seed: int, n: int, *, s: int = 6, c: int = 3, sharp: float = 2.0) -> torch.Tensor:
    return (sharp * torch.randn(s, n, c, generator=generator(seed), dtype=torch.float64)).softmax(-1)


def _information(samples: torch.Tensor, batch: list[int]) -> float:
    """Of a batch, all outcomes written out."""
    s = len(samples)
    joint = torch.ones(1, s, dtype=torch.float64)
    for pos in batch:
        joint = (joint[:, None] * samples[:, pos].T).reshape(-1, s)
    noise = torch.special.entr(samples[:, batch]).sum() / s
    return float(torch.special.entr(joint.mean(1)).sum() - noise)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", range(4))
def test_exact_picks_are_the_twins(seed: int, dtype: torch.dtype) -> None:
    samples = _samples(seed, 40).to(dtype)
    picked, gains = joint_mi_gains(samples, k=5)
    twin = joint_mi_picks(samples.tolist(), k=5, labelled=[], candidates=list(range(40)), rng=generator(0))
    assert picked.tolist() == twin
    assert float(gains.sum()) == pytest.approx(_information(samples.double(), twin), abs=2e-5)


def test_rough_bounds_change_no_pick() -> None:
    """Over a thousand outcomes, so that they are taken together for bounds; compared with a look at every row."""
    samples = _samples(9, 60, s=12, c=4, sharp=1.0)
    picked = joint_mi(samples, k=6).tolist()
    gains = {pos: _information(samples, [*picked[:5], pos]) for pos in range(60) if pos not in picked[:5]}
    assert picked[5] == max(gains, key=gains.__getitem__)


def test_greedy_is_near_the_best_batch() -> None:
    samples = _samples(3, 9)
    best = max(_information(samples, list(batch)) for batch in itertools.combinations(range(9), 3))
    assert _information(samples, joint_mi(samples, k=3).tolist()) >= (1 - 1 / math.e) * best


def test_drawn_outcomes_keep_the_documented_error() -> None:
    samples = _samples(5, 30, s=40, c=3, sharp=1.0)
    for seed in range(5):
        picked, gains = joint_mi_gains(samples, k=6, rng=generator(seed), configurations=60)
        exact = [_information(samples, picked[:size].tolist()) for size in range(7)]
        for drawn, low, high in zip(gains.tolist(), exact[:-1], exact[1:], strict=True):
            assert abs(drawn - (high - low)) < 4 * math.log(3) / (2 * math.sqrt(60))


def test_long_batches_do_not_underflow_and_end_with_bald() -> None:
    samples = _samples(1, 300, s=5, c=10, sharp=12.0).float()
    picked, gains = joint_mi_gains(samples, k=200)
    assert len(set(picked.tolist())) == 200
    assert float(gains.sum()) == pytest.approx(math.log(5), abs=0.01)
    assert bool((gains[20:] < 1e-3).all())


def test_asked_rows_are_not_told_twice() -> None:
    yes, no = [1.0, 0.0], [0.0, 1.0]
    drawn = torch.tensor([[yes, yes, yes], [yes, yes, no], [no, no, yes], [no, no, no]])
    assert joint_mi(drawn, k=1, labelled=[0]).tolist() == [2]


def test_bad_samples_are_named() -> None:
    samples = _samples(0, 5)
    broken = samples.clone()
    broken[1, 3] = math.nan
    with pytest.raises(NonFinite, match="row 3"):
        joint_mi(broken, k=1)
    with pytest.raises(DataError, match="position 2"):
        joint_mi(torch.where(torch.arange(5)[:, None] == 2, 2 * samples, samples), k=1)
    with pytest.raises(DataError, match=r"\[s n c\]"):
        joint_mi(samples[0], k=1)
    with pytest.raises(UsageError, match="configurations"):
        joint_mi(samples, k=1, configurations=0)
