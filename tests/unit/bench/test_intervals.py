"""Intervals over seeds: the textbook's numbers, the share that holds the truth, and what pairing is worth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from querist.bench.intervals import interval, paired
from querist.core.errors import UsageError


def test_the_textbooks_interval() -> None:
    found = interval([1.0, 2.0, 3.0])  # standard deviation 1, Student's t of two degrees 4.3027
    assert found.mean == 2
    assert found.half == pytest.approx(4.3026527 / math.sqrt(3), abs=1e-5)
    assert found.low == pytest.approx(2 - found.half)
    assert found.holds(3.9)
    assert not found.holds(4.6)


def test_one_seed_says_nothing_about_others() -> None:
    found = interval([0.7])
    assert (found.mean, found.low, found.high) == (0.7, -math.inf, math.inf)


def test_as_many_intervals_as_promised_hold_the_true_mean() -> None:
    rng = np.random.default_rng(0)
    held = sum(interval(rng.normal(5, 2, 3).tolist()).holds(5) for _ in range(2000)) / 2000
    assert 0.935 < held < 0.965  # 0.95, three standard errors around


def test_pairs_take_the_luck_that_both_share_out() -> None:
    rng = np.random.default_rng(0)
    luck = rng.normal(0, 1, 5)
    twin = (luck + rng.normal(0, 0.01, 5)).tolist()
    better = (luck + 0.1 + rng.normal(0, 0.01, 5)).tolist()
    found = paired(better, twin)
    assert found.low > 0
    assert interval(better).low < interval(twin).high


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(UsageError, match="no values"):
        interval([])
    with pytest.raises(UsageError, match="2 values were paired with 1"):
        paired([1.0, 2.0], [1.0])
