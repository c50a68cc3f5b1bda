"""SVM margin: nearest to the hyperplane, and worth more than random rows."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.svm import LinearSVC

from querist.strategies import SvmMargin  # type: ignore[attr-defined]
from querist.views import Snapshot


def test_for_two_classes_it_is_the_distance_to_the_hyperplane(digits) -> None:
    pool = digits.only(3, 8)
    model = LinearSVC().fit(pool.x[:40], pool.y[:40])
    values = torch.from_numpy(model.decision_function(pool.x)).float()
    snapshot = Snapshot.from_arrays(logits=torch.stack([torch.zeros_like(values), values], 1), labelled=range(40))
    distance = np.abs(pool.x @ model.coef_[0] + model.intercept_) / np.linalg.norm(model.coef_)
    nearest = 40 + np.argsort(distance[40:])[:10]
    assert SvmMargin()(snapshot, k=10).tolist() == nearest.tolist()


def test_what_does_not_decide_does_not_count() -> None:
    snapshot = Snapshot.from_arrays(logits=[[3.0, 1.0, 0.9], [-5.0, -5.5, -9.0], [1.0, 0.0, 0.9]])
    assert SvmMargin()(snapshot, k=3).tolist() == [2, 1, 0]


def test_it_learns_two_digits_from_fewer_labels_than_random_rows_do(digits) -> None:
    """Mean accuracy from 10 to 50 labels, 10 splits in pairs: better by more than three standard errors."""
    gains = []
    for seed in range(10):
        pool, held_out = digits.only(3, 8).split(seed, pool=250)
        curves = []
        for ask in (True, False):
            rng, labelled = np.random.default_rng(seed), pool.first(3)
            curve = []
            while len(labelled) < 50:
                model = LinearSVC(C=0.1).fit(pool.x[labelled], pool.y[labelled])
                curve.append(model.score(held_out.x, held_out.y))
                values = torch.from_numpy(model.decision_function(pool.x)).float()
                logits = torch.stack([torch.zeros_like(values), values], 1)
                left = np.setdiff1d(np.arange(250), labelled)
                chosen = SvmMargin()(Snapshot.from_arrays(logits=logits, labelled=labelled), k=4, seed=seed)
                labelled = np.append(labelled, chosen if ask else rng.choice(left, 4, replace=False))
            curves.append(np.mean(curve))
        gains.append(curves[0] - curves[1])
    assert np.mean(gains) > 3 * np.std(gains, ddof=1) / np.sqrt(len(gains))
