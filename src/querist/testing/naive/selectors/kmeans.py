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
    middle = [sum(column) / len(free) for column in zip(*(points[pos] for pos in free), strict=True)]
    moved = [[x - m for x, m in zip(points[pos], middle, strict=True)] for pos in free]
    start = kmeans_pp(torch.tensor(moved), k=k, rng=rng).tolist()
    centres = [points[free[order]] for order in start]
    for _ in range(steps):
        members = _members(points, free, centres)
        for number, own in enumerate(members):
            total = sum(pull[pos] for pos in own)
            if total:
                axes = range(len(middle))
                centres[number] = [sum(pull[pos] * points[pos][axis] for pos in own) / total for axis in axes]
    clusters = [(own, centre) for own, centre in zip(_members(points, free, centres), centres, strict=True) if own]
    clusters.sort(key=lambda cluster: -sum(pull[pos] for pos in cluster[0]))
    return [min(own, key=lambda pos: math.dist(points[pos], centre)) for own, centre in clusters]


def _members(points: list[Vector], free: list[int], centres: list[Vector]) -> list[list[int]]:
    members: list[list[int]] = [[] for _ in centres]
    for pos in free:
        distances = [math.dist(points[pos], centre) for centre in centres]
        members[distances.index(min(distances))].append(pos)
    return members
