"""The twin of ``typical``, on plain lists."""

from __future__ import annotations

import math

import torch

from querist.core.types import Generator
from querist.testing.naive import Vector
from querist.testing.naive.selectors.kmeans import best_clusters


def typical_picks(
    points: list[Vector],
    *,
    k: int,
    labelled: list[int],
    candidates: list[int],
    rng: Generator,
    neighbours: int = 20,
    most_clusters: int = 500,
    least_size: int = 5,
    starts: int | None = None,
    steps: int = 25,
    squared: bool = False,
) -> list[int]:
    """Cluster by cluster, fewest labelled and then largest first, and small ones last; round and round."""
    order = torch.randperm(len(points), generator=rng).tolist()  # of equals the first
    rows = sorted({*candidates, *labelled})
    count = min(len(labelled) + k, most_clusters, len(rows))
    starts = (10 if count <= 50 else 1) if starts is None else starts
    found = best_clusters(points, rows, k=count, rng=rng, starts=starts, steps=steps)
    found.sort(key=lambda own: (len([pos for pos in own if pos in labelled]), -len(own)))
    picked: list[int] = []
    for group in ([own for own in found if len(own) > least_size], [own for own in found if len(own) <= least_size]):
        left = [[pos for pos in own if pos not in labelled] for own in group]
        while any(left) and len(picked) < k:
            for own in left:
                if own and len(picked) < k:
                    best = _most_typical(points, own, order, neighbours, squared=squared)
                    own.remove(best)
                    picked.append(best)
    return picked


def _most_typical(points: list[Vector], own: list[int], order: list[int], neighbours: int, *, squared: bool) -> int:
    near = min(neighbours, len(own) // 2)
    remote = {}
    for x in own:
        distances = sorted(math.dist(points[x], points[y]) ** (2 if squared else 1) for y in own if y != x)
        remote[x] = sum(distances[:near]) / near if near else 0.0
    equals = [x for x in own if remote[x] <= min(remote.values()) * (1 + 1e-5)]
    return min(equals, key=order.index)
