"""Runs a small campaign, killed at given moments, in forks of one warm process. Started by test_kill.py.

    python kill_and_resume.py FOLDER SEED KILLS

Prints one JSON object: what the undisturbed run gave, and what each killed and resumed run gave.
"""

import importlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from querist.loop.run import run
from querist.loop.settings import RunSettings
from querist.storage.journal import Journal

SETTINGS = RunSettings(model="mlp", strategy="badge", initial=20, batch=10, budget=50, seeds=(0,), compare="random")

LATE = ("sklearn.datasets", "torch._dynamo", "querist.pool.sources.digits", "querist.strategies.hybrid.badge")
"""What a run imports when it is first needed; imported once here, not again in every fork."""


def outcome(out: Path) -> dict:
    """Everything that must not depend on being killed: picks, labels, metrics and weights of each round."""
    with Journal.open(str(out / "querist.db"), create=False) as journal:
        return {
            name: {
                "labels": [(e.kind, e.query.row, e.payload) for e in journal.events(campaign=name)],
                "rounds": [
                    ([p.row for p in r.picks], r.labels, r.metrics, r.model_version, r.closed)
                    for r in journal.rounds(name)
                ],
            }
            for name in journal.campaigns()
        }


def in_a_fork(out: Path, kill_after: float | None) -> tuple[float, bool]:
    """Run or resume in a child; kill -9 it after that many seconds. Seconds it took, and whether it was killed."""
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        run(SETTINGS, out, resume=True)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    return time.perf_counter() - started, os.WIFSIGNALED(status)


def main(folder: Path, seed: int, kills: int) -> None:
    torch.set_num_threads(1)
    for name in LATE:
        importlib.import_module(name)
    whole_seconds, _ = in_a_fork(folder / "whole", None)
    whole = outcome(folder / "whole")
    moments = random.Random(seed)
    out, left, runs = folder / "killed-0", kills, 0
    report = {"seconds": whole_seconds, "kills": 0, "whole": whole, "resumed": []}
    while left:
        # Kill again and again until the run gets through, then begin the next one.
        _, killed = in_a_fork(out, moments.uniform(0.0, whole_seconds))
        report["kills"] += killed
        left -= killed
        if not killed or not left:
            in_a_fork(out, None)
            report["resumed"].append(outcome(out))
            runs += 1
            out = folder / f"killed-{runs}"
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
