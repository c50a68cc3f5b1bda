"""The twin of ``cluster_margin``, on plain lists."""

from __future__ import annotations

import math

import torch

from querist.core.types import Generator
from querist.testing.naive import Vector


def average_linkage_clusters(points: list[Vector], *, clusters: int) -> list[list[int]]:
    """Join the two clusters whose members are nearest on average, until there are so many."""
    groups = [[pos] for pos in range(len(points))]
    while len(groups) > 1:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a)]
        means = [_mean_distance(points, groups[a], groups[b]) for a, b in pairs]
        if len(groups) <= clusters and min(means) > 0:
            break
        a, b = pairs[means.index(min(means))]
        groups[b] += groups.pop(a)
    return groups


def cluster_margin_picks(
    points: list[Vector],
    *,
    k: int,
    labelled: list[int],
    candidates: list[int],
    rng: Generator,
    scores: Vector | None = None,
    shortlist: float | None = None,
    clusters: int | None = None,
) -> list[int]:
    """The rows of highest score, from their clusters in turn; needs scores without ties where they decide."""
    free = sorted(pos for pos in candidates if pos not in labelled)
    short = free
    if scores is not None:
        torch.empty(len(free), dtype=torch.int64).random_(generator=rng)  # would break ties, of which there are none
        size = shortlist * k if shortlist is not None else max(1.25 * k, min(10 * k, len(free) / 8))
        short = sorted(free, key=lambda pos: -scores[pos])[: int(size)]
    short = [short[place] for place in torch.randperm(len(short), generator=rng)]
    number = max(k, len(free) // 10) if clusters is None else clusters
    found = average_linkage_clusters([points[pos] for pos in free], clusters=number)
    members = [[pos for pos in short if free.index(pos) in group] for group in found]
    members = sorted((own for own in members if own), key=lambda own: (len(own), short.index(own[0])))
    picked: list[int] = []
    while len(picked) < k:
        for own in members:
            if own:
                picked.append(own.pop(0))
    return picked[:k]


def _mean_distance(points: list[Vector], one: list[int], other: list[int]) -> float:
    return sum(math.dist(points[a], points[b]) for a in one for b in other) / (len(one) * len(other))
