"""Fisher information: batches whose information is like the pool's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from querist.core.errors import UsageError
from querist.scores import entropy
from querist.strategies import Bait, Entropy, FisherInformation  # type: ignore[attr-defined]
from querist.testing import toys
from querist.views import Embeddings, Probs, Snapshot


def ratios(snapshot: Snapshot):
    """``tr((I + I_S)^-1 I_U)`` of a batch, with every information written out."""
    z, p = snapshot[Embeddings()].double(), snapshot[Probs()].double()
    spread = p.diag_embed() - p[:, :, None] * p[:, None]
    information = torch.einsum("nab,ni,nj->naibj", spread, z, z).flatten(3).flatten(1, 2)
    eye, pool = torch.eye(information.shape[1], dtype=torch.float64), information.mean(0)
    return lambda batch: float(torch.linalg.solve(eye + information[torch.as_tensor(batch)].sum(0), pool).trace())


def test_the_ratio_is_below_that_of_unsure_and_of_random_rows(digits) -> None:
    """Three digits, logistic regression: a smaller trace than entropy's batch and than each of 100 random ones."""
    for seed in range(3):
        pool, _ = digits.only(2, 3, 5).split(seed, pool=250)
        labelled = pool.first(3)
        snapshot = pool.snapshot(labelled, pool.model(labelled))
        left, rng = snapshot.at.candidates.numpy(), np.random.default_rng(seed)
        ratio = ratios(snapshot)
        mine = ratio(FisherInformation()(snapshot, k=10))
        assert mine < min(ratio(rng.choice(left, 10, replace=False)) for _ in range(100))
        assert mine < ratio(Entropy()(snapshot, k=10))


def test_each_pick_is_the_best_of_the_shortlist() -> None:
    snapshot = toys.mixed("classification", n=40).snapshot(labelled=range(6))
    unsure = entropy(snapshot[Probs()])
    free = snapshot.at.candidates
    shortlist = free[unsure[free].topk(12).indices].tolist()
    picked, ratio = FisherInformation(beta=3)(snapshot, k=4).tolist(), ratios(snapshot)
    for order, pos in enumerate(picked):
        others = [p for p in shortlist if p not in picked[:order]]
        best = min(others, key=lambda p: ratio([*picked[:order], p]))
        assert pos == best


def test_with_labels_and_the_whole_pool_it_is_bait_without_revision() -> None:
    snapshot = toys.mixed("classification", n=60).snapshot(labelled=range(8))
    mine = FisherInformation(beta=60, with_labelled=True)(snapshot, k=6)
    assert mine.tolist() == Bait(oversample=1)(snapshot, k=6).tolist()


def test_it_learns_digits_from_fewer_labels_than_random_rows_do(digits) -> None:
    """Mean accuracy from 9 to 69 labels of three digits, 6 splits in pairs: better by more than two standard errors."""
    gains = []
    for seed in range(6):
        pool, held_out = digits.only(2, 3, 5).split(seed, pool=300)
        curves = []
        for ask in (True, False):
            rng, labelled = np.random.default_rng(seed), pool.first(3)
            curve = []
            while len(labelled) <= 69:
                model = pool.model(labelled, strength=0.1)
                curve.append(model.score(held_out.x, held_out.y))
                if ask:
                    chosen = FisherInformation()(pool.snapshot(labelled, model), k=10, seed=seed)
                else:
                    chosen = rng.choice(np.setdiff1d(np.arange(300), labelled), 10, replace=False)
                labelled = np.append(labelled, chosen)
            curves.append(np.mean(curve))
        gains.append(curves[0] - curves[1])
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(len(gains))


def test_a_shortlist_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="beta of 1"):
        FisherInformation(beta=0)
