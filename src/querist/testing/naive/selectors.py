"""Twins of the selectors, on plain lists.

Where the answer is certain the twin ``NAME_picks`` gives it. Where it is drawn, ``NAME_law`` gives the chance of every
position to come next, and the checks count draws. ``rng`` is used only where the answer is a function of a start that
was drawn.
"""

from __future__ import annotations

import math

import torch

from querist.core.types import Generator
from querist.selectors import kmeans_pp

Vector = list[float]


def top_k_picks(scores: Vector, *, k: int, labelled: list[int], candidates: list[int], rng: Generator) -> list[int]:
    """The best, then the best of the rest, and so on."""
    del rng
    free = [pos for pos in candidates if pos not in labelled]
    picked: list[int] = []
    for _ in range(k):
        best = max(free, key=lambda pos: scores[pos])
        picked.append(best)
        free.remove(best)
    return picked


def k_center_picks(
    points: list[Vector], *, k: int, labelled: list[int], candidates: list[int], rng: Generator
) -> list[int]:
    """The farthest from all that is taken, again and again; needs something labelled."""
    del rng
    free = [pos for pos in candidates if pos not in labelled]
    taken = list(labelled)
    for _ in range(k):
        best = max(free, key=lambda pos: min(math.dist(points[pos], points[other]) for other in taken))
        taken.append(best)
        free.remove(best)
    return taken[len(labelled) :]


def lcmd_picks(
    points: list[Vector], *, k: int, labelled: list[int], candidates: list[int], rng: Generator
) -> list[int]:
    """All clusters formed anew for every pick."""
    del rng
    free = [pos for pos in candidates if pos not in labelled]
    taken = list(labelled)
    for _ in range(k):
        if not taken:
            best = max(free, key=lambda pos: math.hypot(*points[pos]))
        else:
            nearest = {pos: min(taken, key=lambda centre: math.dist(points[pos], points[centre])) for pos in free}
            squared = {pos: math.dist(points[pos], points[nearest[pos]]) ** 2 for pos in free}
            cost = {centre: sum(squared[pos] for pos in free if nearest[pos] == centre) for centre in taken}
            largest = max(taken, key=lambda centre: cost[centre])
            best = max((pos for pos in free if nearest[pos] == largest), key=lambda pos: squared[pos])
        taken.append(best)
        free.remove(best)
    return taken[len(labelled) :]


def sample_law(
    scores: Vector,
    *,
    picked: list[int],
    labelled: list[int],
    candidates: list[int],
    law: str = "softmax",
    beta: float = 1.0,
) -> dict[int, float]:
    """The weight of each position that is left, over the sum."""
    open_ = sorted((pos for pos in candidates if pos not in labelled), key=lambda pos: -scores[pos])
    weights = {}
    for rank, pos in enumerate(open_, start=1):
        weights[pos] = {"softmax": lambda s: math.exp(beta * s), "power": lambda s: s**beta}.get(
            law, lambda _, rank=rank: rank**-beta
        )(scores[pos])
    left = {pos: weight for pos, weight in weights.items() if pos not in picked}
    return {pos: weight / sum(left.values()) for pos, weight in left.items()}


def max_det_picks(
    features: list[Vector], *, k: int, labelled: list[int], candidates: list[int], rng: Generator, noise: float = 1e-6
) -> list[int]:
    """The largest variance left, the whole kernel written out and swept after each pick."""
    del rng
    kernel = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in features] for x in features]
    added = noise * sum(kernel[pos][pos] for pos in range(len(features))) / len(features)
    free = [pos for pos in candidates if pos not in labelled]
    picked: list[int] = []
    for step in range(len(labelled) + k):
        best = labelled[step] if step < len(labelled) else max(free, key=lambda pos: kernel[pos][pos])
        column = [row[best] for row in kernel]
        pivot = column[best] + added
        kernel = [
            [value - a * b / pivot for value, b in zip(row, column, strict=True)]
            for row, a in zip(kernel, column, strict=True)
        ]
        if step >= len(labelled):
            picked.append(best)
            free.remove(best)
    return picked


def kmeans_pp_law(
    points: list[Vector], *, picked: list[int], labelled: list[int], candidates: list[int]
) -> dict[int, float]:
    """Chance of each free position to be the next: its squared distance to what is taken, over the sum."""
    taken = [*labelled, *picked]
    free = [pos for pos in candidates if pos not in taken]
    if not taken:
        return {pos: 1 / len(free) for pos in free}
    squared = {pos: min(math.dist(points[pos], points[other]) ** 2 for other in taken) for pos in free}
    total = sum(squared.values())
    return {pos: value / total if total else 1 / len(free) for pos, value in squared.items()}


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
