"""CDAL: confusions unlike those that are labelled."""

from __future__ import annotations

import numpy as np
import torch

from querist.strategies import Cdal  # type: ignore[attr-defined]
from querist.views import Probs, Snapshot


def divergences(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Every divergence of a row of ``p`` from one of ``q``, written out."""
    p, q = p.double()[:, None], q.double()[None]
    return 0.5 * (p * (p / q).log()).sum(-1) + 0.5 * (q * (q / p).log()).sum(-1)


def test_the_batch_covers_all_ways_of_being_confused(digits) -> None:
    """The largest divergence of a row from the nearest labelled or asked one: below that of 200 random batches."""
    pool, _ = digits.split(0, pool=700)
    labelled = pool.first(3)
    snapshot = pool.snapshot(labelled, pool.model(labelled, strength=0.01))
    apart, rng = divergences(snapshot[Probs()], snapshot[Probs()]), np.random.default_rng(0)

    def radius(batch: np.ndarray) -> float:
        return float(apart[:, np.append(labelled, batch)].amin(1).max())

    drawn = [radius(rng.choice(snapshot.at.candidates.numpy(), 20, replace=False)) for _ in range(200)]
    assert radius(Cdal()(snapshot, k=20)) < min(drawn)


def test_a_pick_is_the_farthest_by_the_formula(digits) -> None:
    pool, _ = digits.split(1, pool=300)
    labelled = pool.first(2)
    snapshot = pool.snapshot(labelled, pool.model(labelled, strength=0.01))
    picked, taken = Cdal()(snapshot, k=15).tolist(), labelled.tolist()
    apart = divergences(snapshot[Probs()], snapshot[Probs()])
    for pos in picked:
        nearest = apart[:, taken].amin(1)
        free = np.setdiff1d(np.arange(300), taken)
        assert float(nearest[pos]) >= float(nearest[free].max()) - 1e-9
        taken.append(pos)


def test_equal_rows_wait_until_all_others_are_taken() -> None:
    probs = [[0.9, 0.1]] * 8 + [[0.5, 0.5], [0.2, 0.8]]
    for seed in range(5):
        picked = Cdal()(Snapshot.from_arrays(probs=probs, labelled=[0]), k=9, seed=seed)
        assert picked[:2].tolist() == [9, 8]
    orders = {tuple(Cdal()(Snapshot.from_arrays(probs=probs, labelled=[0]), k=9, seed=seed)) for seed in range(5)}
    assert len(orders) > 1


def test_certain_rows_are_no_trap() -> None:
    snapshot = Snapshot.from_arrays(probs=[[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], labelled=[0])
    assert Cdal()(snapshot, k=2).tolist() == [1, 2]
