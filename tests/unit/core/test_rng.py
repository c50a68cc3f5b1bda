"""The seed tree: its values are a promise, because stored runs are resumed from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from querist.core.rng import child_seed, generator, numpy_generator

PATHS = st.lists(st.one_of(st.text(max_size=8), st.integers(0, 1000)), max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("seed", "path", "value"),
    [
        (0, (), 6711488920161924273),
        (0, ("fit", 0), 3062169202347520739),
        (0, ("fit", 1), 5892332023237657533),
        (7, ("ask", "3"), 5168625325172767580),
        (7, ("ask", 3), 7216504735951283854),
    ],
)
def test_golden_values(seed: int, path: tuple[str | int, ...], value: int) -> None:
    """A changed value shifts every draw of every stored run: add a new name instead."""
    assert child_seed(seed, *path) == value


def test_golden_draws() -> None:
    assert numpy_generator(0, "ask", 1).random(3) == pytest.approx([0.78423803, 0.7190275, 0.22916265], abs=1e-8)
    assert torch.rand(3, generator=generator(0, "ask", 1)).tolist() == pytest.approx([0.3992, 0.9784, 0.7387], abs=1e-4)


@given(seed=st.integers(0, 2**31), path=PATHS)
def test_children_fit_where_seeds_go(seed: int, path: tuple[str | int, ...]) -> None:
    value = child_seed(seed, *path)
    assert 0 <= value < 2**63
    assert value == child_seed(seed, *path)


@given(a=PATHS, b=PATHS)
def test_another_path_is_another_seed(a: tuple[str | int, ...], b: tuple[str | int, ...]) -> None:
    assert (child_seed(0, *a) == child_seed(0, *b)) == (a == b)


def test_a_path_split_otherwise_is_another_path() -> None:
    assert child_seed(0, "a/b") != child_seed(0, "a", "b")
    # The text of a step must not be able to spell two steps.
    assert child_seed(0, "a/str:b") != child_seed(0, "a", "b")


def test_an_integer_of_numpy_is_the_same_child() -> None:
    assert child_seed(0, "fit", np.int64(3)) == child_seed(0, "fit", 3)


def test_neighbouring_children_are_independent() -> None:
    draws = np.array([numpy_generator(0, "fit", round_).random(400) for round_ in range(20)])
    correlations = np.corrcoef(draws)[~np.eye(20, dtype=bool)]
    assert np.abs(correlations).max() < 0.25  # five standard errors of 400 draws
    assert draws.mean() == pytest.approx(0.5, abs=0.02)
