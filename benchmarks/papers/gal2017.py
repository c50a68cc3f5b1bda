"""Gal, Islam and Ghahramani 2017: Bayesian active learning on MNIST, by the authors' own program.

    python -m benchmarks.papers.gal2017 [--seeds 0,1,2] [--only bald] [--threads 1] [--page]

Every round is kept in ``--out``, so a run that was stopped goes on with the same command. After each round the data
(``docs/results/papers/gal2017.json``) and after each campaign the page (``docs/results/gal2017.md``) are written anew.

The protocol is that of the authors' released script (Dropout_BALD_Q10_N1000.py and its siblings): 60,000 rows are
shuffled; two of each class among the first 10,000 begin, rows 20,000 to 60,000 are the pool, 5,000 others are held out
and decide nothing. Ten rows are asked a round, out of 2,000 drawn from the pool, by 100 dropout passes. A new network
is trained for 50 passes on all labels by Adam in batches of 128; the loss has ``2.5 / N`` times the sum of squares of
the first dense layer's weights, ``N`` being the number of labels. Accuracy is that of one pass with dropout off.
Known differences: the authors' very first network, before any acquisition, has two more layers of convolution; each of
their arms has rows of its own, here all arms of a seed begin with the same; a dropout mask is the same for all rows of
a pass, as for the functions that BALD speaks of, where theirs differs by row (each row's score has the same law).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from benchmarks.papers.gal2017_page import ARMS, ASKED, BUDGET, Results
from torch import nn

import querist as q
from querist.loop.campaign import Pace, run_campaign
from querist.loop.progress import ProgressEvent, RoundEnded
from querist.oracles import Simulated
from querist.storage.journal import Journal
from querist.strategies.base import Strategy
from querist.training.fit import Trainable, Trained

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("QUERIST_DATA", ROOT.parent / "shared" / "data"))

CLASSES, EACH = 10, 2
SCORED, PASSES = 2_000, 100
EPOCHS, BATCH, DECAY = 50, 128, 2.5

STRATEGIES: dict[str, Callable[[], Strategy]] = {
    "bald": lambda: q.strategies.Bald(samples=PASSES),
    "variation_ratio": lambda: q.strategies.VariationRatio(samples=PASSES),
    "entropy": lambda: q.strategies.Entropy(samples=PASSES),
    "mean_std": lambda: q.strategies.MeanStd(samples=PASSES),
    "random": lambda: q.strategies.Random(),
}


class Network(nn.Module):
    """Two convolutions of 32 filters of 4 x 4, pooling, a dense layer of 128; started as the authors' Keras did."""

    def __init__(self) -> None:
        super().__init__()
        convolutions = nn.Conv2d(1, 32, 4), nn.ReLU(), nn.Conv2d(32, 32, 4), nn.ReLU()
        # Flat before the dropout, which drops single numbers: then no sample pays for laying them out anew.
        self.trunk = nn.Sequential(*convolutions, nn.MaxPool2d(2), nn.Flatten())
        self.drop_maps, self.drop = nn.Dropout(0.25), nn.Dropout(0.5)
        self.dense, self.last = nn.Linear(32 * 11 * 11, 128), nn.Linear(128, CLASSES)
        for part in self.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(part.weight)
                nn.init.zeros_(part.bias)
        self.trunk.to(memory_format=torch.channels_last)  # the same numbers, sooner

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.trunk(images[:, None] / 255)
        return self.last(self.drop(self.dense(self.drop_maps(maps)).relu()))


def train(trainable: Trainable, *, seed: int, progress: Callable[[float], None] | None = None) -> Trained:
    """Fifty passes of Adam with its defaults, and a penalty on the dense layer's weights."""
    network, rows = trainable.module, len(trainable)
    assert isinstance(network, Network)
    others = [p for p in network.parameters() if p is not network.dense.weight]
    # The penalty c/N |W|^2 has the gradient 2 c/N W, which is what Adam's own weight decay adds.
    decayed = {"params": [network.dense.weight], "weight_decay": 2 * DECAY / rows}
    optimiser = torch.optim.Adam([decayed, {"params": others}], fused=True)
    rng = torch.Generator().manual_seed(seed)
    steps, total = 0, 0.0
    for epoch in range(EPOCHS):
        total = 0.0
        for pos in torch.randperm(rows, generator=rng).split(BATCH):
            losses = trainable.losses(trainable.batch(pos, rng))
            optimiser.zero_grad(set_to_none=True)
            losses.mean().backward()
            optimiser.step()
            steps, total = steps + 1, total + float(losses.detach().sum())
        if progress is not None:
            progress((epoch + 1) / EPOCHS)
    return Trained(steps=steps, loss=total / rows)


def pool_of(seed: int) -> tuple[q.Pool, np.ndarray]:
    """The pool of a seed, and the rows that begin it."""
    with np.load(DATA / "mnist" / "mnist.npz") as data:
        order = np.random.default_rng([2017, seed]).permutation(len(data["y_train"]))
        x, y = data["x_train"][order], data["y_train"][order]
        test = data["x_test"], data["y_test"]
    first = np.concatenate([np.flatnonzero(y[:10_000] == label)[:EACH] for label in range(CLASSES)])
    train_rows = np.concatenate([first, np.arange(20_000, 60_000)])
    held_out = x[10_000:15_000], y[10_000:15_000]
    pool = q.Pool.from_arrays(x[train_rows], y[train_rows], validation=held_out, test=test, name="mnist")
    return pool, np.arange(len(first))


def run(arm: str, seed: int, out: Path, listener: Callable[[ProgressEvent], None], pace: Pace) -> None:
    """One campaign, from where its journal ends."""
    pool, first = pool_of(seed)
    file = out / f"{arm}-{seed}.db"
    with Journal.open(file, create=not file.exists()) as journal:
        session = q.Session.replay(
            journal,
            pool,
            model=q.TorchModule(Network, training=train, encoder=None),
            strategy=STRATEGIES[arm](),
            seed=seed,
            candidates=SCORED,
            weights=out / f"{arm}-{seed}",
        )
        if session.round < 0:
            session.assign(first, reason=f"{EACH} rows of each class begin")
        run_campaign(
            session,
            Simulated(pool),
            arm=arm,
            initial=len(first),
            batch=ASKED,
            budget=BUDGET,
            metric="accuracy",
            pace=pace,
            listener=listener,
        )


def main() -> None:
    """Run what is left, seed by seed, and write data and page."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--out", type=Path, default=ROOT / "runs" / "gal2017", help="folder of journals and weights")
    options.add_argument("--seeds", default="0,1,2")
    options.add_argument("--only", default=",".join(ARMS), help=f"arms: {', '.join(ARMS)}")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--page", action="store_true", help="only write data and page from the rounds there are")
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    seeds = [int(seed) for seed in given.seeds.split(",")]
    cells = [(arm, seed) for seed in seeds for arm in given.only.split(",")]
    pace = Pace(BUDGET * len(cells), Results.read(given.out, seeds).labels)

    def listener(event: ProgressEvent) -> None:
        if isinstance(event, RoundEnded):
            left = f"{event.seconds_left / 3600:.1f} h left"
            print(
                f"{event.arm} seed {event.seed}: {event.labels} labels, accuracy {event.value:.4f}, {left}", flush=True
            )
            Results.read(given.out, seeds).write_data()

    for arm, seed in [] if given.page else cells:
        run(arm, seed, given.out, listener, pace)
        Results.read(given.out, seeds).write()
    Results.read(given.out, seeds).write()


if __name__ == "__main__":
    main()
