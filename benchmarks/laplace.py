"""What the prior of a last-layer Laplace approximation does to predictions of digits, and to what BALD asks for.

The log loss (nats, lower is better) is that of the mean prediction of 50 drawn networks on the test rows, after a
random set of labels was learned; ``trained`` is the network itself. With ``--seeds`` it also runs campaigns of BALD
from 20 to 200 labels, ten a round, and prints the mean accuracy over each curve with its standard error.

    OMP_NUM_THREADS=1 python benchmarks/laplace.py [--models mlp,sklearn:LogisticRegression] [--seeds 5]
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import torch

import querist as q
from querist.models import Laplace, make_model
from querist.pool.sources import open_pool
from querist.strategies import Bald, Margin, Random
from querist.tasks import make_task
from querist.views import Logits, LogitSamples

PRIORS: tuple[Any, ...] = ("evidence", "weights", 1.0, 10.0, 100.0)


def log_losses(model: str, pool: Any, task: Any, *, labels: int) -> dict[str, float]:
    rows, test = np.random.default_rng(0).permutation(pool.rows("train"))[:labels], pool.rows("test")
    truth = torch.tensor([task.encode(label) for label in pool.truth(test)])

    def loss(probs: torch.Tensor) -> float:
        return float(-probs.gather(1, truth[:, None]).clamp_min(1e-7).log().mean())

    found = {}
    for prior in PRIORS:
        adapter = make_model(model, pool, task, device="cpu", laplace=Laplace(prior_precision=prior))
        adapter.prepare(pool, task)
        adapter.fit(pool, rows, pool.truth(rows), seed=0)
        view = LogitSamples(samples=50, source="laplace")
        said = adapter.answer([Logits(), view], pool, test, seed=0).views
        found["trained"] = loss(said[Logits()].softmax(-1))
        found[str(prior)] = loss(said[view].softmax(-1).mean(0))
    return found


def curves(model: str, pool: Any, task: Any, *, seeds: int) -> dict[str, np.ndarray]:
    arms: dict[str, tuple[Any, Any]] = {"random": (Random(), "weights"), "margin": (Margin(), "weights")}
    arms |= {f"bald, {prior}": (Bald(source="laplace"), prior) for prior in ("evidence", "weights")}
    if not model.startswith("sklearn"):
        arms["bald, dropout"] = (Bald(), "weights")
    test = pool.rows("test")
    found = {}
    for name, (strategy, prior) in arms.items():
        means = []
        for seed in range(seeds):
            adapter = make_model(model, pool, task, device="cpu", laplace=Laplace(prior_precision=prior))
            session = q.Session(pool, model=adapter, task=task, strategy=strategy, seed=seed)
            curve = []
            while session.labels < 200:
                rows = session.ask(10 if session.labels else 20)
                session.tell(rows, pool.truth(rows))
                session.fit()
                answers, offsets = session.adapter.predict(pool, test)
                curve.append(task.evaluate(answers, offsets, pool.truth(test))["accuracy"])
            means.append(np.mean(curve))
        found[name] = np.array(means)
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--models", default="mlp,sklearn:LogisticRegression")
    options.add_argument("--seeds", type=int, default=0, help="campaigns an arm")
    given = options.parse_args()
    pool = open_pool("digits")
    task = make_task(*pool.suggest_task())
    for model in given.models.split(","):
        for labels in (20, 50, 100, 300):
            losses = log_losses(model, pool, task, labels=labels)
            print(f"{model:<28}{labels:>5} labels  " + "  ".join(f"{k} {v:.2f}" for k, v in losses.items()), flush=True)
        for name, means in (curves(model, pool, task, seeds=given.seeds) if given.seeds else {}).items():
            error = means.std(ddof=1) / len(means) ** 0.5
            print(f"{model:<28}{name:<20}{means.mean():.3f} +- {error:.3f}", flush=True)


if __name__ == "__main__":
    main()
