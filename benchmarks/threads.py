"""Does a second thread help a small network? Times trainings and answers by threads, waiting actively and passively.

    python benchmarks/threads.py [--busy]

``--busy`` keeps every core occupied by another process meanwhile, as on a shared machine. Each cell runs in a process
of its own, because how threads wait is decided when torch is loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

CELL = """
import json, sys, time
import torch
import querist as q
from querist.models import make_model
from querist.tasks import make_task

data, model, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
pool = q.open(data)
task = make_task(*pool.suggest_task())
adapter = make_model(model, pool, task, device="cpu", steps=100, epochs=1, converged=0.0)
adapter.prepare(pool, task)
rows = pool.rows()[:200]
labels = pool.truth(rows)
adapter.fit(pool, rows[:20], labels[:20], seed=0)
started = time.perf_counter()
adapter.fit(pool, rows, labels, seed=0)
fit_s = time.perf_counter() - started
some = pool.rows()[:2000]
adapter.predict(pool, some)
started = time.perf_counter()
adapter.predict(pool, some)
print(json.dumps([fit_s, time.perf_counter() - started, adapter.anatomy.row_bytes]))
"""


def cell(data: str, model: str, threads: int, policy: str) -> tuple[float, float, int]:
    """Seconds of one hundred steps, seconds of two thousand answers, and bytes that a row's answers take."""
    done = subprocess.run(
        [sys.executable, "-c", CELL, data, model, str(threads)],
        env={**os.environ, "OMP_WAIT_POLICY": policy},
        capture_output=True,
        text=True,
        check=True,
    )
    fit_s, answer_s, row_bytes = json.loads(done.stdout)
    return fit_s, answer_s, row_bytes


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--busy", action="store_true", help="occupy every core meanwhile")
    arguments.add_argument("--data", nargs="*", default=["digits"], help="data names; 'digits' needs no file")
    chosen = arguments.parse_args()
    cores = os.cpu_count() or 1
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores if chosen.busy else 0)]
    try:
        time.sleep(0.5)
        print(f"{cores} cores, {'busy' if chosen.busy else 'as they were'}; seconds of 100 steps / of 2,000 answers\n")
        print("| data, model | bytes a row | 1 thread | all, passive | all, active |")
        print("|---|---|---|---|---|")
        for data in chosen.data:
            for model in ("mlp", "cnn"):
                cells = [cell(data, model, *how) for how in ((1, "PASSIVE"), (cores, "PASSIVE"), (cores, "ACTIVE"))]
                texts = " | ".join(f"{fit_s:.2f} / {answer_s:.2f}" for fit_s, answer_s, _ in cells)
                print(f"| {os.path.basename(data)}, {model} | {cells[0][2]:,} | {texts} |", flush=True)
    finally:
        for process in busy:
            process.kill()


if __name__ == "__main__":
    main()
