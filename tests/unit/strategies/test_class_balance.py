"""Class balance: it asks for the rare class of a pool where that is one row in twenty-one, around any strategy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from querist.core.errors import ColdStart, UsageError
from querist.selectors import quota, top_k
from querist.strategies import (  # type: ignore[attr-defined]
    Badge,
    ClassBalance,
    CoreSet,
    Margin,
    ProbCover,
    Random,
    Similar,
)
from querist.strategies.hybrid.class_balance import _room
from querist.testing import toys
from querist.views import Snapshot


def uneven(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes of 400 rows and one of 40, that overlap a little: one rare row in twenty-one."""
    rng = np.random.default_rng(seed)
    own = np.repeat([0, 1, 2], [400, 400, 40])
    centres = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [1.5, 2.2, 1.0]])
    return centres[own] + rng.normal(size=(len(own), 3)), own


def rare_labels(strategy: Any, seed: int, *, rounds: int = 5, k: int = 12) -> tuple[int, float]:
    """Labels of the rare class after some rounds from 21 rows in the pool's own shares, and the rare class's recall."""
    x, own = uneven(seed)
    rng = np.random.default_rng(seed)
    known = np.r_[tuple(rng.choice(np.flatnonzero(own == c), m, replace=False) for c, m in ((0, 10), (1, 10), (2, 1)))]
    for number in range(rounds):
        model = LogisticRegression().fit(x[known], own[known])
        labels = np.full(len(own), -1)
        labels[known] = own[known]
        snapshot = Snapshot.from_arrays(probs=model.predict_proba(x), embeddings=x, labels=labels)
        known = np.r_[known, strategy(snapshot, k=k, seed=seed * 100 + number)]
    test_x, test_own = uneven(seed + 1000)
    guess = LogisticRegression().fit(x[known], own[known]).predict(test_x)
    return int((own[known] == 2).sum()) - 1, float((guess[test_own == 2] == 2).mean())


@pytest.mark.parametrize("form", ["expected", "quota"])
def test_it_labels_the_rare_class_more_often(form: str) -> None:
    """Eight pools, each beside the strategy alone and a random draw: by three standard errors of the difference."""
    wrapped, alone, chance = (
        np.array([rare_labels(each, seed)[0] for seed in range(8)])
        for each in (ClassBalance(around="margin", form=form), Margin(), Random())
    )
    for other, times in ((alone, 1.25), (chance, 2.5)):
        gain = wrapped - other
        assert gain.mean() > 3 * gain.std(ddof=1) / np.sqrt(len(gain)), (wrapped, other)
        assert wrapped.mean() > times * other.mean(), (wrapped, other)


def test_the_rare_class_is_found_more_often_afterwards() -> None:
    wrapped, chance = (
        np.mean([rare_labels(each, seed)[1] for seed in range(8)])
        for each in (ClassBalance(around="margin", form="quota"), Random())
    )
    assert wrapped > chance + 0.05


@pytest.mark.parametrize("around", [Badge(), CoreSet(), Random(), ProbCover(), Margin(), "entropy"])
def test_a_quota_goes_around_any_strategy(around: Any) -> None:
    """No guessed class goes over the lowest level that fills the batch."""
    world = toys.mixed("classification", n=120)
    snapshot = world.snapshot(labelled=range(30))
    picked = ClassBalance(around=around, form="quota").choose(snapshot, k=25, seed=1).positions
    guess = snapshot[toys.Probs()].argmax(-1)
    counts = torch.bincount(world.classes[:30], minlength=4)
    there = torch.bincount(guess[30:], minlength=4)
    assert (torch.bincount(guess[picked], minlength=4) <= _room(counts, there, 25)).all()
    assert len(picked.unique()) == 25


def test_a_quota_is_that_of_the_selector() -> None:
    """The order of margins, with the classes left out that are full."""
    world = toys.mixed("classification", n=60)
    snapshot = world.snapshot(labelled=range(12))
    probs = snapshot[toys.Probs()]
    guess, best = probs.argmax(-1), probs.sort(-1, descending=True).values
    counts, there = (torch.bincount(x, minlength=4) for x in (world.classes[:12], guess[12:]))
    expected = quota(
        best[:, 1] - best[:, 0],
        k=9,
        labelled=list(range(12)),
        selector=top_k,
        groups=guess,
        at_most=_room(counts, there, 9),
    )
    picked = ClassBalance(around="margin", form="quota").choose(snapshot, k=9).positions
    assert picked.tolist() == expected.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_the_level_is_the_lowest_that_fills_the_batch(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts, there = torch.from_numpy(rng.integers(0, 9, 4)), torch.from_numpy(rng.integers(0, 12, 4))
    for k in range(1, int(there.sum()) + 1):
        room = _room(counts, there, k)
        assert int(torch.minimum(room, there).sum()) >= k
        level = int((room + counts)[room > 0].max())
        assert int(torch.minimum((level - 1 - counts).clamp_min(0), there).sum()) < k


def test_a_batch_of_all_and_a_class_that_is_never_guessed() -> None:
    probs = torch.tensor([[0.6, 0.4, 0.0]] * 5 + [[0.3, 0.7, 0.0]] * 2)
    snapshot = Snapshot.from_arrays(probs=probs, labels=[0, -1, -1, -1, -1, -1, -1])
    for form in ("expected", "quota"):
        assert sorted(ClassBalance(form=form)(snapshot, k=6).tolist()) == [1, 2, 3, 4, 5, 6]
        assert len({5, 6} & set(ClassBalance(form=form)(snapshot, k=2).tolist())) >= 1


def test_it_says_what_it_is_for() -> None:
    snapshot = Snapshot.from_arrays(probs=[[1.0, 0.0], [0.2, 0.8]], labels=[0, -1])
    assert ClassBalance().choose(snapshot, k=1).reasons == ("80% likely to be of class 1, which has 0 of 1 labels",)


def test_refusals() -> None:
    with pytest.raises(UsageError, match="choose expected or quota"):
        ClassBalance(form="odd")
    with pytest.raises(UsageError, match="no score to weigh; use form='quota'"):
        ClassBalance(around="badge")
    with pytest.raises(UsageError, match="balance of -1"):
        ClassBalance(balance=-1)
    snapshot = Snapshot.from_arrays(probs=[[1.0, 0.0], [0.2, 0.8]], embeddings=[[0.0], [1.0]], labels=[-1, -1])
    with pytest.raises(ColdStart, match="Similar compares with labelled rows"):
        ClassBalance(around=Similar(), form="quota")(snapshot, k=1)
