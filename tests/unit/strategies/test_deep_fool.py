"""DFAL and its sibling: they ask along the boundary that a network has drawn, through whatever reads numbers."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from querist.core.errors import UsageError, ViewMissing
from querist.core.rng import numpy_generator
from querist.loop.session import Session
from querist.models import TorchModule
from querist.models.frozen import Frozen
from querist.pool.pool import Pool
from querist.strategies import DeepFool, FastGradient, Margin  # type: ignore[attr-defined]
from querist.strategies.base import Strategy
from querist.training.recipe import Recipe
from querist.views import Snapshot

BOTH = pytest.mark.parametrize("strategy", [DeepFool(), FastGradient(bound=5.0)], ids=["deep_fool", "fast_gradient"])
RADIUS = 0.8


def disc(seed: int, n: int = 600) -> Pool:
    """Points of a square; the label says whether they lie in a disc."""
    x = numpy_generator(seed, "disc").uniform(-1, 1, size=(n, 2))
    return Pool.from_arrays(x, [("out", "in")[int(inside)] for inside in np.hypot(*x.T) < RADIUS])


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))


def session(strategy: Strategy, pool: Pool, *, seed: int) -> Session:
    recipe = Recipe(steps=300, epochs=50, batch=32, lr=1e-2)
    made = Session(pool, model=TorchModule(net, recipe=recipe, device="cpu"), strategy=strategy, seed=seed)
    rows = made.ask(80)
    made.tell(rows, pool.truth(rows))
    return made


def off_the_boundary(pool: Pool, rows: np.ndarray) -> float:
    return float(np.abs(np.hypot(*np.stack([pool[int(row)] for row in rows]).T) - RADIUS).mean())


@BOTH
def test_picks_lie_along_the_boundary(strategy: Strategy) -> None:
    near, any_row = [], []
    for seed in range(3):
        pool = disc(seed)
        asked = session(strategy, pool, seed=seed).ask(20)
        near.append(off_the_boundary(pool, asked))
        any_row.append(off_the_boundary(pool, pool.rows("train")))
    assert max(near) < 0.5 * min(any_row)


def test_distances_do_not_depend_on_how_sure_the_network_is() -> None:
    """Scores ten times as large give other margins of probabilities and the same boundary."""
    pool = disc(0)
    made = session(DeepFool(), pool, seed=0)
    first = made.ask(15)
    last = made.adapter._members[0][-1]  # type: ignore[attr-defined]
    with torch.no_grad():
        last.weight.mul_(100)
        last.bias.mul_(100)
    candidates, labelled = made.unlabelled, made.state.rows
    snapshot = made.viewer.snapshot(
        [*DeepFool().needs(), *Margin().needs()], adapter=made.adapter, candidates=candidates, labelled=labelled, seed=0
    )
    assert len(set(DeepFool()(snapshot, k=15).tolist()) & set(first.tolist())) >= 14


def words() -> Pool:
    draw = np.random.default_rng(0)
    texts = [" ".join(draw.choice(["rain", "wind", "sun", "warm"], size=6)) for _ in range(40)]
    return Pool.from_arrays(texts, [("wet", "dry")["sun" in text] for text in texts])


def test_words_cannot_be_changed_a_little() -> None:
    pool = words()
    made = Session(pool, model="text_cnn", strategy=DeepFool(), seed=0)
    rows = made.ask(10)
    made.tell(rows, pool.truth(rows))
    with pytest.raises(ViewMissing, match=r"no small change is made to those: choose least_disagree.* frozen encoder"):
        made.ask(3)


def test_a_frozen_encoder_is_attacked_in_its_embeddings(tmp_path: Path) -> None:
    pool = disc(0, n=200)
    model = Frozen(nn.Sequential(nn.Linear(2, 32), nn.Tanh()), cache=tmp_path, device="cpu")
    made = Session(pool, model=model, strategy=DeepFool(), seed=0)
    rows = made.ask(40)
    made.tell(rows, pool.truth(rows))
    asked = made.ask(10)
    margins = made.viewer.snapshot(
        Margin().needs(), adapter=made.adapter, candidates=made.unlabelled, labelled=made.state.rows, seed=0
    )
    # With two classes and a linear head, rows stand in one order by distance and by margin.
    assert set(asked.tolist()) == set(Margin()(margins, k=10).tolist())


def test_a_large_pool_is_a_matter_of_a_moment() -> None:
    lengths = torch.rand(50_000)
    started = time.perf_counter()
    rows = DeepFool()(Snapshot.from_arrays(perturbations=lengths), k=100)
    assert time.perf_counter() - started < 2
    assert set(rows.tolist()) == set(lengths.topk(100, largest=False).indices.tolist())


def test_reasons_are_told_in_lengths() -> None:
    picks = DeepFool().choose(Snapshot.from_arrays(perturbations=[0.25, 1.0, 6e4]), k=3)
    assert picks.reasons[0] == "a change of its input by 0.25 flips the guess (pool median 1)"
    assert picks.reasons[2] == "no change that flips its guess was found"


def test_options_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError):
        DeepFool(classes=1)
    with pytest.raises(UsageError):
        FastGradient(size=0.0)
