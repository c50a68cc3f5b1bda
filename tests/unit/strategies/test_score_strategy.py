"""Strategies that score rows: block by block as in one piece, from files larger than what they may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from querist.core.progress import listening
from querist.core.rng import generator
from querist.selectors.memory import memory_limit
from querist.strategies import base as strategies_base
from querist.strategies import registry
from querist.strategies.base import ScoreStrategy
from querist.testing import toys
from querist.testing.checks.base import LargestTensor
from querist.views import Probs, Snapshot

SCORED = [name for name in registry if issubclass(registry[name], ScoreStrategy)]


def test_there_are_some() -> None:
    assert len(SCORED) >= 9


@pytest.mark.parametrize("name", SCORED)
def test_picks_and_reasons_do_not_depend_on_the_size_of_a_block(name: str) -> None:
    for task in registry[name].tasks:
        table = toys.mixed(task, n=3_000)
        for k in (1, 40, 2_500):
            chosen = []
            for memory_mb in (None, 1.0):
                with memory_limit(memory_mb) as account:
                    chosen.append(registry[name]().choose(table.snapshot(labelled=range(300)), k=k, seed=5))
            assert account.tile > 0
            whole, cut = chosen
            assert whole.rows.tolist() == cut.rows.tolist(), (task, k)
            assert whole.reasons == cut.reasons


@dataclass(frozen=True, kw_only=True)
class Flat(ScoreStrategy):
    """All rows alike, and it remembers how large its blocks were."""

    family = "uncertainty"
    tasks = ("classification",)

    def needs(self):
        return (Probs(),)

    def score(self, probs):
        SEEN.append(len(probs))
        return torch.zeros(len(probs))


SEEN: list[int] = []


def test_ties_across_blocks_are_settled_by_the_seed() -> None:
    snapshot = Snapshot.from_arrays(probs=torch.full((20_000, 4), 0.25))
    picks = []
    for seed in range(4):
        answers = []
        for memory_mb in (None, 0.25):
            SEEN.clear()
            with memory_limit(memory_mb):
                answers.append(Flat()(snapshot, k=9, seed=seed).tolist())
        assert len(SEEN) > 2
        assert answers[0] == answers[1]
        picks += answers[0]
    assert len(set(picks)) > 25
    assert min(picks) < 5_000
    assert max(picks) > 15_000, "the later half of the table is never asked"


def test_the_median_in_a_reason_is_the_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact for a pool of a million and less; beyond, of scores thinned evenly, however they are cut."""
    probs = torch.rand(4_001, 3, generator=generator(0)).softmax(-1)
    snapshot = Snapshot.from_arrays(probs=probs, labelled=range(7))
    gaps = probs.sort(-1).values.diff(dim=-1)[7:, 1]
    (reason,) = registry["margin"]().choose(snapshot, k=1).reasons
    assert f"(pool median {gaps.median():.3f})" in reason
    monkeypatch.setattr(strategies_base, "_SAMPLE", 500)
    thinned = []
    for memory_mb in (None, 0.25):
        with memory_limit(memory_mb):
            thinned += registry["margin"]().choose(snapshot, k=1).reasons
    assert thinned[0] == thinned[1]
    assert f"(pool median {gaps[::8].median():.3f})" in thinned[0]


def test_memory_is_a_block_and_what_is_picked(tmp_path: Path) -> None:
    """Half-precision probabilities of 400,000 rows in a file: nothing as long as the table is made but its places."""
    n, c = 400_000, 30
    table = np.lib.format.open_memmap(tmp_path / "p.npy", "w+", np.float16, (n, c))
    rng = np.random.default_rng(0)
    for start in range(0, n, 50_000):
        block = rng.random((50_000, c), dtype=np.float32)
        table[start : start + 50_000] = block / block.sum(1, keepdims=True)
    table.flush()
    snapshot = Snapshot.from_arrays(probs=np.load(tmp_path / "p.npy", mmap_mode="r"))
    heard = []
    with (
        memory_limit(2) as account,
        LargestTensor(snapshot[Probs()]) as largest,
        listening(lambda *said: heard.append(said)),
    ):
        picked = registry["entropy"]().choose(snapshot, k=500).positions
    assert 3 * 4 * account.tile <= account.limit
    assert largest.numel <= n + 1
    assert len(heard) > 20
    whole = np.asarray(table, dtype=np.float32)
    entropies = -(whole * np.log(np.maximum(whole, 1e-30))).sum(1)
    assert entropies[picked.numpy()].min() >= np.sort(entropies)[-500] - 1e-5
