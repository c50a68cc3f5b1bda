"""Again or new on CIFAR-10N: three answers of unknown people to each picture, and a budget of answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from benchmarks.crowds.aggregation import classifier, out_of_fold, spread
from benchmarks.crowds.features import patch_features, pictures

from querist.core.rng import generator, numpy_generator
from querist.crowd import Votes, crowdlab, majority
from querist.strategies import ActiveLab
from querist.views import Snapshot

C = 10
VOTES = 3
POOL, TEST = 6_000, 3_000
"""Pictures of a seed: what a processor can look at in a minute."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """Pictures of one seed.

    Args:
        x: features of the pool, ``[n f]``.
        answers: what the three said, ``[n 3]``, in an order that is drawn for each picture.
        truth: ``[n]``.
        x_test: features of the test rows.
        y_test: their labels.
    """

    x: np.ndarray
    answers: np.ndarray
    truth: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def study(data: Path, *, seed: int, pool: int = POOL, test: int = TEST) -> Study:
    """A random part of the training pictures and of the test pictures."""
    rng = numpy_generator(seed, "cifar10n")
    train, held = (pq.read_table(data / "cifar10" / f"{name}.parquet") for name in ("train", "test"))
    rows, test_rows = (rng.choice(len(table), size, replace=False) for table, size in ((train, pool), (held, test)))
    train, held = train.take(rows), held.take(test_rows)
    images = pictures([*train["jpg"].to_pylist(), *held["jpg"].to_pylist()])
    features = patch_features(images, words=100, seed=seed).numpy()
    answers = np.stack([train[f"human_label{one}"].to_numpy() for one in (1, 2, 3)], 1)
    answers = np.take_along_axis(answers, rng.random(answers.shape).argsort(1), 1)
    return Study(
        x=features[:pool],
        answers=answers.astype(np.int64),
        truth=train["label"].to_numpy().astype(np.int64),
        x_test=features[pool:],
        y_test=held["label"].to_numpy().astype(np.int64),
    )


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A way to spend answers.

    Args:
        votes: answers to each new row.
        overlap: answers that a row may get in all; over ``votes``, rows may be asked again.
        uncertain: whether ActiveLab chooses; at random if not.
        held_out: whether its model's chances for labelled rows come from trainings without them.
    """

    votes: int = 1
    overlap: int = 1
    uncertain: bool = True
    held_out: bool = True


ARMS = {
    "always new, at random": Arm(uncertain=False),
    "always thrice, at random": Arm(votes=3, overlap=3, uncertain=False),
    "always new, least certain": Arm(),
    "always thrice, least certain": Arm(votes=3, overlap=3),
    "again or new (`active_lab`)": Arm(overlap=3),
    "again or new, the model having seen its labels": Arm(overlap=3, held_out=False),
}


def curve(
    given: Study, arm: Arm, *, seed: int, start: int, batch: int, budget: int, said: Callable[[str], None]
) -> list[dict[str, float]]:
    """What an arm reached after each batch of answers."""
    n = len(given.x)
    told = np.full((n, VOTES), -1)
    rng = numpy_generator(seed, "start")
    # Every arm starts with the same answers: some rows are answered twice, so that weights can be learned.
    first = rng.permutation(n)[: start - start // 4]
    told[first, 0] = given.answers[first, 0]
    told[first[: start // 4], 1] = given.answers[first[: start // 4], 1]
    points = []
    number = 0
    while True:
        spent = int((told >= 0).sum())
        rows, labels, chances, model = _learn(given, told, arm, seed=seed)
        accuracy = (model.predict(given.x_test) == given.y_test).mean()
        points.append(
            {
                "spent": spent,
                "accuracy": float(accuracy),
                "rows": len(rows),
                "right": float((labels == given.truth[rows]).mean()),
            }
        )
        said(f"{spent} answers, {len(rows)} rows, accuracy {accuracy:.3f}")
        if spent + arm.votes > budget:
            return points
        k = min(batch, budget - spent) // arm.votes
        for row in _choose(told, chances, arm, k=k, seed=seed, number=number).tolist():
            have = int((told[row] >= 0).sum())
            told[row, have : have + arm.votes] = given.answers[row, have : have + arm.votes]
        number += 1


def _learn(given: Study, told: np.ndarray, arm: Arm, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, object]:
    """Labelled rows, the labels agreed on, the model's chances for all rows, and the model."""
    rows = np.flatnonzero(told[:, 0] >= 0)
    votes = Votes.from_table(told[rows], c=C)
    labels = majority(votes, rng=generator(seed)).labels.numpy()
    chances = np.full((len(told), C), 1e-6)
    if arm.overlap > arm.votes:
        own = out_of_fold(given.x[rows], labels, C, seed=seed) if arm.held_out else _seen(given, rows, labels)
        labels = crowdlab(votes, torch.from_numpy(own), rng=generator(seed)).labels.numpy()
    model = classifier().fit(given.x[rows], labels)
    chances[:, model.classes_] = model.predict_proba(given.x)
    chances /= chances.sum(1, keepdims=True)
    if arm.overlap > arm.votes and arm.held_out:
        chances[rows] = out_of_fold(given.x[rows], labels, C, seed=seed)
    return rows, labels, chances, model


def _seen(given: Study, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Chances for rows that the model was trained on."""
    model = classifier().fit(given.x[rows], labels)
    chances = np.full((len(rows), C), 1e-6)
    chances[:, model.classes_] = model.predict_proba(given.x[rows])
    return chances / chances.sum(1, keepdims=True)


def _choose(told: np.ndarray, chances: np.ndarray, arm: Arm, *, k: int, seed: int, number: int) -> np.ndarray:
    """The rows that an arm spends its next answers on."""
    have = (told >= 0).sum(1)
    again = arm.overlap > arm.votes
    candidates = np.flatnonzero((have < arm.overlap) if again else (have == 0))
    if not arm.uncertain:
        return numpy_generator(seed, "random", number).choice(candidates, k, replace=False)
    snapshot = Snapshot.from_arrays(probs=chances, answers=told, candidates=candidates)
    return ActiveLab()(snapshot, k=k, seed=seed)


def table(
    data: Path,
    *,
    seeds: int = 3,
    start: int = 400,
    batch: int = 400,
    budget: int = 2_400,
    said: Callable[[str], None] = print,
) -> str:
    """The table, in Markdown."""
    curves: dict[str, list[list[dict[str, float]]]] = {name: [] for name in ARMS}
    for seed in range(seeds):
        given = study(data, seed=seed)
        for name, arm in ARMS.items():
            told = lambda text, head=f"seed {seed}, {name}": said(f"{head}: {text}")  # noqa: E731
            curves[name].append(curve(given, arm, seed=seed, start=start, batch=batch, budget=budget, said=told))
    half = budget // 2
    lines = [
        f"| answers go to | test accuracy at {half:,} answers | at {budget:,} | rows labelled | labels right |",
        "|---|---|---|---|---|",
    ]
    for name, found in curves.items():
        ends = [points[-1] for points in found]
        middle = [min(points, key=lambda point: abs(point["spent"] - half)) for points in found]
        lines.append(
            f"| {name} | {spread(_of(middle, 'accuracy'))} | {spread(_of(ends, 'accuracy'))} | "
            f"{_of(ends, 'rows').mean():,.0f} | {_of(ends, 'right').mean():.3f} |"
        )
    return "\n".join(lines) + "\n"


def _of(points: list[dict[str, float]], what: str) -> np.ndarray:
    return np.array([point[what] for point in points])
