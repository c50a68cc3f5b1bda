"""Which library should compute matrix products on this processor, alone and beside torch's threads?

    python benchmarks/products.py

First products alone, in GFLOP/s. Then k-center with products by torch and by NumPy, each in a process of its own,
with torch's threads waiting actively (their default) and passively. See docs/decisions/0007-one-set-of-threads.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

K_CENTER = """
import sys, time
import numpy as np
import torch
from querist.selectors import k_center, points

if sys.argv[1] == "numpy":
    points.products = lambda rows, columns: torch.from_numpy(np.matmul(rows.numpy(), columns.numpy().T))
rng = np.random.default_rng(0)
table = rng.standard_normal((50_000, 512), dtype=np.float32) * (1 + np.arange(512, dtype=np.float32)) ** -0.5
seconds = []
for _ in range(4):
    started = time.perf_counter()
    k_center(table, k=1000, labelled=range(100))
    seconds.append(time.perf_counter() - started)
print(f"{min(seconds):.3f}")
"""


def fastest(work: Callable[[], object], runs: int = 9) -> float:
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main() -> None:
    print("| rows | columns | length | torch, GFLOP/s | NumPy, GFLOP/s |\n|---|---|---|---|---|")
    for n, q, d in ((50_000, 256, 512), (50_000, 1, 512), (50_000, 2, 512), (4_096, 256, 512), (8_192, 128, 128)):
        rows, columns = torch.randn(n, d), torch.randn(q, d)
        work = 2e-9 * n * q * d
        by_torch = work / fastest(lambda rows=rows, columns=columns: rows @ columns.T)  # type: ignore[misc]
        by_numpy = work / fastest(lambda rows=rows, columns=columns: np.matmul(rows.numpy(), columns.numpy().T))  # type: ignore[misc]
        print(f"| {n} | {q} | {d} | {by_torch:.0f} | {by_numpy:.0f} |")
    print("\n| k-center, 50k x 512, 1,000 picks: seconds | threads wait actively | passively |\n|---|---|---|")
    for library in ("torch", "numpy"):
        cells = []
        for policy in ("ACTIVE", "PASSIVE"):
            done = subprocess.run(
                [sys.executable, "-c", K_CENTER, library],
                env={**os.environ, "OMP_WAIT_POLICY": policy},
                capture_output=True,
                text=True,
                check=True,
            )
            cells.append(done.stdout.strip())
        print(f"| products by {library} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
