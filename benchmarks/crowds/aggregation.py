"""Aggregation on LabelMe: 1,000 pictures, 59 people who are known by number, 1 to 3 answers a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from querist.core.rng import generator
from querist.crowd import Consensus, Votes, crowdlab, dawid_skene, interval_threshold, mace, majority, one_coin

FILE = "labelme_crowd/labelme_crowd.npz"
DRAWS = 20
"""Seeds that settle ties: with two answers a picture there are many."""

METHODS: dict[str, Callable[..., Consensus]] = {
    "majority": majority,
    "dawid_skene": dawid_skene,
    "dawid_skene, smoothing 0.1": lambda votes, rng: dawid_skene(votes, smoothing=0.1, rng=rng),
    "dawid_skene, smoothing 1": lambda votes, rng: dawid_skene(votes, smoothing=1.0, rng=rng),
    "one_coin": one_coin,
    "one_coin, smoothing 1": lambda votes, rng: one_coin(votes, smoothing=1.0, rng=rng),
    "mace": mace,
}


def classifier() -> Pipeline:
    """What learns from labels: a logistic head on standardised features."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))


def out_of_fold(x: np.ndarray, y: np.ndarray, c: int, *, seed: int) -> np.ndarray:
    """Chances of the classes of each row, from trainings that had not seen it, ``[n c]``."""
    chances = np.full((len(x), c), 1e-6)
    # A class with fewer rows than folds cannot be spread over them.
    kind = StratifiedKFold if np.unique(y, return_counts=True)[1].min() >= 5 else KFold
    folds = kind(5, shuffle=True, random_state=seed)
    for seen, held in folds.split(x, y):
        model = classifier().fit(x[seen], y[seen])
        chances[held[:, None], model.classes_] = model.predict_proba(x[held])
    return chances / chances.sum(1, keepdims=True)


def table(data: Path, *, draws: int = DRAWS) -> str:
    """The table, in Markdown."""
    held = np.load(data / FILE, allow_pickle=False)
    x, truth, answers = held["x_train"], held["y_train"], held["answers_train"]
    votes = Votes.from_table(answers, c=int(truth.max()) + 1)
    lines = [
        "| consensus | labels right | logistic head on its labels, test accuracy | annotators ranked (Spearman) |",
        "|---|---|---|---|",
        _row("true labels", [truth], None, held),
    ]
    for name, method in METHODS.items():
        found = [method(votes, rng=generator(seed)) for seed in range(draws)]
        lines.append(_row(name, [one.labels.numpy() for one in found], found[0], held))
    found = []
    for seed in range(draws):
        first = majority(votes, rng=generator(seed)).labels.numpy()
        chances = torch.from_numpy(out_of_fold(x, first, votes.c, seed=seed))
        found.append(crowdlab(votes, chances, rng=generator(seed)))
    lines.append(_row("crowdlab, with that head out of fold", [one.labels.numpy() for one in found], found[0], held))
    right = (answers == truth[:, None])[answers >= 0].mean()
    trusted = interval_threshold(votes).annotators.numpy()
    asked = answers[:, trusted]
    trusted_right = (asked == truth[:, None])[asked >= 0].mean()
    return (
        "\n".join(lines)
        + f"\n\n{len(votes):,} votes of {votes.a} annotators, {right:.1%} of them right. `interval_threshold` with its "
        f"defaults would go on asking {len(trusted)} of the {votes.a}, whose votes are right in {trusted_right:.1%}.\n"
    )


def _row(name: str, labels: list[np.ndarray], found: Consensus | None, held: np.lib.npyio.NpzFile) -> str:
    truth = held["y_train"]
    accuracy = np.array([(one == truth).mean() for one in labels])
    tests = []
    for one in labels[:5]:
        model = classifier().fit(held["x_train"], one)
        tests.append((model.predict(held["x_test"]) == held["y_test"]).mean())
    ranked = "" if found is None else f"{spearman(found.quality.numpy(), held):.2f}"
    return f"| {name} | {spread(accuracy)} | {spread(np.array(tests))} | {ranked} |"


def spearman(quality: np.ndarray, held: np.lib.npyio.NpzFile) -> float:
    """Agreement in rank of the qualities found and the true accuracies, of annotators with 20 votes or more."""
    answers, truth = held["answers_train"], held["y_train"]
    given = (answers >= 0).sum(0)
    many = given >= 20
    accuracy = ((answers == truth[:, None]) & (answers >= 0)).sum(0)[many] / given[many]
    ranks = [np.unique(values, return_inverse=True)[1] for values in (accuracy, quality[many].round(9))]
    return float(np.corrcoef(*ranks)[0, 1])


def spread(values: np.ndarray) -> str:
    """Mean, and the range where there is one."""
    if np.ptp(values) < 5e-4:
        return f"{values.mean():.3f}"
    return f"{values.mean():.3f} ({values.min():.3f} to {values.max():.3f})"
