"""Seconds and memory of strategies: views in memory to rows out, each in a process of its own.

The pool is drawn from clusters with a falling spectrum, drawn networks are linear heads around one, and 100 rows are
labelled. Beside the seconds on the clock stand those of all threads together: where other work runs, half of them is
what two idle cores would take, if both are used. Memory is the most that the process held while it chose, the views
included, and in brackets what it took beside them (Linux only).

    python benchmarks/strategies.py bald epig [--rows 50000] [--dim 128] [--classes 10] [--samples 20,100] [--k 100]
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np


def snapshot(rows: int, d: int, c: int, s: int, *, task: str) -> Any:
    from querist import Snapshot

    rng = np.random.default_rng([rows, d, c, s])
    scale = (1 + np.arange(d)) ** -0.5
    centres = rng.normal(size=(100, d)) * scale
    x = (centres[rng.integers(100, size=rows)] + 0.7 * rng.normal(size=(rows, d)) * scale).astype(np.float32)
    known = np.arange(100)
    if task == "regression":
        values = (x @ rng.normal(size=(d, s)).astype(np.float32)).T
        return Snapshot.from_arrays(embeddings=x, prediction_samples=values, predictions=values.mean(0), labelled=known)
    head = rng.normal(size=(d, c))
    samples = np.empty((s, rows, c), np.float32)
    for one in samples:
        logits = x @ (head + 0.5 * rng.normal(size=(d, c))).astype(np.float32)
        one[:] = np.exp(logits - logits.max(1, keepdims=True))
        one /= one.sum(1, keepdims=True)
    labels = np.full(rows, -1)
    labels[known] = samples.mean(0)[known].argmax(1)
    return Snapshot.from_arrays(embeddings=x, raw=x, prob_samples=samples, probs=samples.mean(0), labels=labels)


def megabytes(field: str) -> float:
    lines = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[field].split()[0]) / 1024


def chosen(name: str, given: Any, samples: int, task: str, told: Any) -> None:
    from querist.strategies import registry

    table = snapshot(given.rows, given.dim, given.classes, samples, task=task)
    strategy = registry[name]()
    strategy.choose(snapshot(300, given.dim, given.classes, samples, task=task), k=3)  # what is loaded late is loaded
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark is what is held now
    before, started, worked = megabytes("VmRSS"), time.perf_counter(), time.process_time()
    strategy.choose(table, k=given.k, seed=0)
    seconds, most = time.perf_counter() - started, megabytes("VmHWM")
    told.put((seconds, time.process_time() - worked, most, most - before))


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("names", nargs="*", help="registered names; all if left out")
    options.add_argument("--rows", type=int, default=50_000)
    options.add_argument("--dim", type=int, default=128)
    options.add_argument("--classes", type=int, default=10)
    options.add_argument("--samples", default="20,100")
    options.add_argument("--k", type=int, default=100)
    given = options.parse_args()
    from querist.strategies import registry

    spawned = multiprocessing.get_context("spawn")
    print(f"{'strategy':<28}{'task':<16}{'samples':>8}{'seconds':>9}{'threads':>9}{'megabytes':>16}", flush=True)
    for name in given.names or registry:
        for task in ("classification", "regression"):
            if task not in registry[name].tasks:
                continue
            for samples in map(int, given.samples.split(",")):
                told = spawned.Queue()
                worker = spawned.Process(target=chosen, args=(name, given, samples, task, told))
                worker.start()
                worker.join()
                if worker.exitcode:
                    print(f"{name:<28}{task:<16}{samples:>8}   failed", flush=True)
                    continue
                seconds, worked, most, beside = told.get()
                memory = f"{most:.0f} ({beside:.0f})"
                print(f"{name:<28}{task:<16}{samples:>8}{seconds:>9.2f}{worked:>9.2f}{memory:>16}", flush=True)


if __name__ == "__main__":
    main()
