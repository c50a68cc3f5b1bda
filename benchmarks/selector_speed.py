"""Seconds of each selector, arrays in memory to positions out.

Points are drawn from a mixture whose spectrum falls, as that of deep embeddings does, and from one whose distances
concentrate, where nothing can be pruned. A selector is fed by the name of its first argument.

    python benchmarks/selector_speed.py [--rows 10000,50000] [--dim 128] [--k 100]
"""

from __future__ import annotations

import argparse
import inspect
import time

import numpy as np

import querist as q


def mixture(n: int, d: int, *, falling: bool, clusters: int = 100, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, n, d, falling])
    scale = (1 + np.arange(d)) ** -0.5 if falling else np.ones(d)
    scale *= np.sqrt(d / (scale**2).sum())
    centres = rng.normal(size=(clusters, d)) * scale
    points = centres[rng.integers(clusters, size=n)] + 0.7 * rng.normal(size=(n, d)) * scale
    return points.astype(np.float32)


def first_arguments(points: np.ndarray) -> dict[str, np.ndarray]:
    """What a selector may be given, by the name of its first argument."""
    return {"points": points, "scores": np.linalg.norm(points, axis=1)}


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rows", default="10000,50000")
    options.add_argument("--dim", type=int, default=128)
    options.add_argument("--k", type=int, default=100)
    given = options.parse_args()
    print(f"{'selector':<16}{'points':<16}{'rows':>8}{'dim':>6}{'k':>6}{'seconds':>10}")
    for rows in map(int, given.rows.split(",")):
        for spectrum in ("falling", "concentrated"):
            points = mixture(rows, given.dim, falling=spectrum == "falling")
            for name, select in inspect.getmembers(q.selectors, inspect.isfunction):
                argument = first_arguments(points).get(next(iter(inspect.signature(select).parameters)))
                if argument is None:
                    print(f"{name:<16}is given something else than points or scores: not timed")
                    continue
                started = time.perf_counter()
                select(argument, k=given.k, labelled=np.arange(100))
                seconds = time.perf_counter() - started
                print(f"{name:<16}{spectrum:<16}{rows:>8}{given.dim:>6}{given.k:>6}{seconds:>10.3f}")


if __name__ == "__main__":
    main()
