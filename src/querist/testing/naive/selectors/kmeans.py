"""The twin of ``kmeans``, on plain lists."""

from __future__ import annotations

import math

import torch

from querist.core.types import Generator
from querist.selectors import kmeans_pp
from querist.testing.naive import Vector


def kmeans_picks(
    points: list[Vector],
    *,
    k: int,
    labelled: list[int],
    candidates: list[int],
    rng: Generator,
    weights: Vector | None = None,
    steps: int = 25,
) -> list[int]:
    """Lloyd's algorithm from the drawn start, then the point nearest each centre, heaviest cluster first."""
    free = sorted(pos for pos in candidates if pos not in labelled)
    pull = {pos: 1.0 if weights is None else weights[pos] for pos in free}
    found, centres = clusters(points, free, k=k, rng=rng, pull=pull, steps=steps)
    held = [(own, centre) for own, centre in zip(found, centres, strict=True) if own]
    held.sort(key=lambda cluster: -sum(pull[pos] for pos in cluster[0]))
    return [min(own, key=lambda pos: math.dist(points[pos], centre)) for own, centre in held]


def clusters(
    points: list[Vector],
    free: list[int],
    *,
    k: int,
    rng: Generator,
    pull: dict[int, float] | None = None,
    steps: int = 25,
) -> tuple[list[list[int]], list[Vector]]:
    """Members and centre of each cluster, by Lloyd's algorithm from a start that is drawn."""
    middle = [sum(column) / len(free) for column in zip(*(points[pos] for pos in free), strict=True)]
    moved = [[x - m for x, m in zip(points[pos], middle, strict=True)] for pos in free]
    start = kmeans_pp(torch.tensor(moved), k=k, rng=rng).tolist()
    centres = [points[free[order]] for order in start]
    for _ in range(steps):
        for number, own in enumerate(_members(points, free, centres)):
            total = sum(1.0 if pull is None else pull[pos] for pos in own)
            if total:
                axes = range(len(middle))
                weigh = dict.fromkeys(own, 1.0) if pull is None else pull
                centres[number] = [sum(weigh[pos] * points[pos][axis] for pos in own) / total for axis in axes]
    return _members(points, free, centres), centres


def best_clusters(
    points: list[Vector], free: list[int], *, k: int, rng: Generator, starts: int, steps: int = 25
) -> list[list[int]]:
    """Members of the clusters of several starts with the least sum of squared distances."""
    best: list[list[int]] = []
    least = math.inf
    for _ in range(starts):
        found, centres = clusters(points, free, k=k, rng=rng, steps=steps)
        total = sum(
            math.dist(points[pos], centre) ** 2 for own, centre in zip(found, centres, strict=True) for pos in own
        )
        if total < least * (1 - 1e-5) or not best:
            best, least = found, total
    return best


def _members(points: list[Vector], free: list[int], centres: list[Vector]) -> list[list[int]]:
    members: list[list[int]] = [[] for _ in centres]
    for pos in free:
        distances = [math.dist(points[pos], centre) for centre in centres]
        members[distances.index(min(distances))].append(pos)
    return members
