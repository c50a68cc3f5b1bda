"""The campaigns that rules are tried on: which rows, which model, and what was seen in every round.

A campaign runs far past any sensible stop, and everything that a rule may see is kept. So a rule is tried on it in
milliseconds, and rules that are written later are tried on the same rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.results import studies

import querist as q
from querist.loop.campaign import run_campaign
from querist.loop.evidence import stop_set, summaries
from querist.oracles import Simulated
from querist.stopping.base import DOUBT, GUESSES, PREDICTIONS, RoundSummary
from querist.storage.journal import Journal
from querist.strategies import registry
from querist.tasks import make_task

EVIDENCE = (PREDICTIONS, DOUBT, GUESSES)
STOP_SET = 1000
VALIDATION = 200
"""Test rows that validate instead: the rules that read them have bought them."""
SEEDS = (0, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A kind of campaign.

    Args:
        title: in tables and pictures.
        pool: makes the pool; gets a folder to keep inputs in.
        hidden: width of the model's hidden layer; 0 for a logistic model.
        strategy: who asks.
        initial: labels of the first round.
        batch: labels of each further round.
        budget: labels at the end.
    """

    title: str
    pool: Callable[[Path], q.Pool]
    hidden: int
    strategy: str
    initial: int = 20
    batch: int = 10
    budget: int = 500

    def settings(self) -> dict[str, object]:
        """What decides the numbers, as it is kept with them."""
        counts = {"initial": self.initial, "batch": self.batch, "budget": self.budget}
        return {"hidden": self.hidden, "strategy": self.strategy, **counts, "validation": VALIDATION, "stop": STOP_SET}


CURVES = {
    "digits_logistic": Curve(title="digits, logistic, margin", pool=studies.digits, hidden=0, strategy="margin"),
    "digits_mlp": Curve(title="digits, one hidden layer, margin", pool=studies.digits, hidden=64, strategy="margin"),
    "digits_random": Curve(title="digits, one hidden layer, random", pool=studies.digits, hidden=64, strategy="random"),
    "ag_news_logistic": Curve(
        title="AG News, logistic, margin", pool=studies.ag_news, hidden=0, strategy="margin", batch=20, budget=1000
    ),
    "ag_news_mlp": Curve(
        title="AG News, one hidden layer, BADGE",
        pool=studies.ag_news,
        hidden=64,
        strategy="badge",
        batch=20,
        budget=1000,
    ),
    "fashion_mlp": Curve(
        title="Fashion-MNIST, one hidden layer, margin",
        pool=studies.fashion_mnist_features,
        hidden=128,
        strategy="margin",
        initial=50,
        batch=50,
        budget=2000,
    ),
}


def pool_of(curve: Curve, folder: Path) -> q.Pool:
    """The rows as tables, with the first of the test rows for validation."""
    found = curve.pool(folder)
    parts = {}
    for split in ("train", "test"):
        rows = found.rows(split)
        x = np.stack([np.asarray(each, dtype=np.float32).ravel() for each in found.payloads(rows)])
        parts[split] = x, np.array(found.truth(rows))
    if curve.pool is studies.digits:
        parts = {split: (x / x.max(), y) for split, (x, y) in parts.items()}
    (x, y), (test_x, test_y) = parts["train"], parts["test"]
    return q.Pool.from_arrays(
        x,
        y,
        validation=(test_x[:VALIDATION], test_y[:VALIDATION]),
        test=(test_x[VALIDATION:], test_y[VALIDATION:]),
        modality="table",
        name=found.name,
    )


def record(name: str, seed: int, folder: Path) -> dict[str, Any]:
    """Run a campaign from where its journal ends, and give its rounds as plain data."""
    curve = CURVES[name]
    pool = pool_of(curve, folder / "inputs")
    task = make_task(*pool.suggest_task())
    file = folder / f"{name}.db"
    with Journal.open(file, create=not file.exists()) as journal:
        session = q.Session.replay(
            journal,
            pool,
            model=studies.head(curve.hidden)(pool, task),
            task=task,
            strategy=registry[curve.strategy](),
            seed=seed,
            campaign=str(seed),
        )
        run_campaign(
            session,
            Simulated(pool),
            arm=name,
            initial=curve.initial,
            batch=curve.batch,
            budget=curve.budget,
            metric="accuracy",
            stop_set=stop_set(pool.rows("train"), STOP_SET, seed),
            record=EVIDENCE,
            validation=True,
        )
        tests = [each.metrics["accuracy"] for each in journal.rounds(str(seed)) if each.closed]
        return packed(summaries(journal, str(seed), EVIDENCE), tests)


def packed(rounds: list[RoundSummary], tests: list[float]) -> dict[str, Any]:
    """Rounds as lists, a field each; of predictions only those that changed, as ``unit:class``."""
    changes, before = [], ()
    for each in rounds:
        now = each.predictions
        new = [f"{u}:{c}" for u, c in enumerate(now) if not before or before[u] != c]
        changes.append(" ".join(new))
        before = now
    doubts = [each.doubt for each in rounds]
    return {
        "labels": [each.labels for each in rounds],
        "test": [round(value, 5) for value in tests],
        "validation": [round(each.validation["accuracy"], 5) for each in rounds],
        "mean_entropy": [None if each is None else each.mean_entropy for each in doubts],
        "max_entropy": [None if each is None else each.max_entropy for each in doubts],
        "expected_error": [None if each is None else each.expected_error for each in doubts],
        "right": [None if each.guesses is None else each.guesses.right for each in rounds],
        "asked": [None if each.guesses is None else each.guesses.of for each in rounds],
        "predictions": changes,
    }


def unpacked(kept: dict[str, Any]) -> list[RoundSummary]:
    """The rounds again, as rules see them."""
    rounds: list[RoundSummary] = []
    now: dict[int, int] = {}
    for place, labels in enumerate(kept["labels"]):
        for change in kept["predictions"][place].split():
            unit, _, found = change.partition(":")
            now[int(unit)] = int(found)
        evidence: dict[str, Any] = {PREDICTIONS: [now[unit] for unit in range(len(now))]}
        if kept["mean_entropy"][place] is not None:
            evidence[DOUBT] = {each: kept[each][place] for each in ("mean_entropy", "max_entropy", "expected_error")}
        if kept["asked"][place] is not None:
            evidence[GUESSES] = {"right": kept["right"][place], "of": kept["asked"][place]}
        validation = {"accuracy": kept["validation"][place]}
        rounds.append(RoundSummary.of(labels=labels, validation=validation, seconds=0.0, evidence=evidence))
    return rounds
