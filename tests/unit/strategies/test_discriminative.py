"""DAL: a classifier that tells labelled from unlabelled rows, and picks that make its work harder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.strategies import Discriminative  # type: ignore[attr-defined]
from querist.strategies.density.discriminative import Separator
from querist.views import Raw, Snapshot


def shifted(seed: int, *, n: int = 600, m: int = 60, d: int = 24) -> tuple[torch.Tensor, torch.Tensor]:
    """A pool of which a fifth has moved, and labels from the rest only: points, and whether each has moved."""
    rng = generator(seed, "shifted")
    moved = torch.rand(n, generator=rng) < 0.2
    moved[:m] = False
    points = torch.randn(n, d, generator=rng)
    points[moved, :8] += 2
    return points, moved


@pytest.mark.parametrize("seed", range(3))
def test_the_classifier_separates_a_planted_shift(seed: int) -> None:
    """Trained on one half of everything, it ranks moved rows of the other half above labelled ones."""
    points, moved = shifted(seed)
    separator = Separator(points[:30], points[60:330], rng=generator(seed))
    odds = separator.odds(points, torch.arange(600))
    held_out = torch.cat([odds[30:60], odds[330:][moved[330:]]])
    assert roc_auc_score([0] * 30 + [1] * (len(held_out) - 30), held_out) > 0.8


@pytest.mark.parametrize("seed", range(3))
def test_its_picks_are_from_what_has_moved_until_that_is_told_no_more(seed: int) -> None:
    """A fifth of the pool has moved: the first picks are mostly from there, and then fewer."""
    points, moved = shifted(seed)
    picked = Discriminative()(Snapshot.from_arrays(embeddings=points, labelled=range(60)), k=40, seed=seed)
    assert moved[picked[:8]].float().mean() > 2 * moved[60:].float().mean()
    assert moved[picked[:8]].float().mean() > moved[picked[20:]].float().mean()
    assert moved[picked].float().mean() > 1.5 * moved[60:].float().mean()


def test_its_picks_lower_the_separation() -> None:
    """How well an independent classifier tells labelled rows from the rest: less than before and than after random."""
    separation = {"before": [], "asked": [], "random": []}
    for seed in range(5):
        points, _ = shifted(seed)
        picked = Discriminative()(Snapshot.from_arrays(embeddings=points, labelled=range(60)), k=30, seed=seed)
        drawn = 60 + np.random.default_rng(seed).choice(540, 30, replace=False)
        for name, batch in (("before", []), ("asked", picked), ("random", drawn)):
            target = np.ones(600, dtype=int)
            target[:60] = 0
            target[np.asarray(batch, dtype=int)] = 0
            linear = LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000)
            said = cross_val_predict(linear, points.numpy(), target, cv=5, method="predict_proba")[:, 1]
            separation[name].append(roc_auc_score(target, said))
    mean = {name: np.mean(values) for name, values in separation.items()}
    assert mean["asked"] < mean["before"] - 0.05
    assert mean["asked"] < mean["random"] - 0.02


def test_parts_make_a_batch_of_several_places() -> None:
    """Three unlabelled clumps: one part asks where it is surest, twenty parts ask in all of them."""
    rng = generator(0)
    clump = torch.arange(300) % 4
    points = 6 * torch.eye(4, 24)[clump] + torch.randn(300, 24, generator=rng)
    labelled = torch.nonzero(clump == 0).flatten()[:20]
    snapshot = Snapshot.from_arrays(embeddings=points, labelled=labelled, candidates=torch.nonzero(clump > 0).flatten())
    counts = torch.bincount(clump[Discriminative()(snapshot, k=30)], minlength=4)
    assert counts[1:].min() >= 5


def test_threads_do_not_change_the_picks() -> None:
    points, _ = shifted(0, d=128)
    snapshot = Snapshot.from_arrays(embeddings=points, labelled=range(60))
    before = torch.get_num_threads()
    picks = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            picks.append(Discriminative()(snapshot, k=5).tolist())
    finally:
        torch.set_num_threads(before)
    assert picks[0] == picks[1]


def test_units_and_place_of_the_embeddings_do_not_matter() -> None:
    points, _ = shifted(1)
    picks = [
        Discriminative()(Snapshot.from_arrays(embeddings=scale * points.double() + 5, labelled=range(60)), k=5)
        for scale in (1, 64)
    ]
    assert picks[0].tolist() == picks[1].tolist()


def test_few_looks_and_more_picks_than_a_part_looks_at() -> None:
    points, _ = shifted(0)
    snapshot = Snapshot.from_arrays(embeddings=points, labelled=range(60))
    assert len(set(Discriminative(looks=3, queries=2)(snapshot, k=100).tolist())) == 100


def test_raw_inputs_and_impossible_options() -> None:
    assert Discriminative(representation="raw").needs() == (Raw(),)
    with pytest.raises(UsageError, match="learned or raw"):
        Discriminative(representation="pixels")
    with pytest.raises(UsageError, match="nothing to train on"):
        Discriminative(looks=0)
