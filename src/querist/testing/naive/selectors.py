"""Twins of the selectors, on plain lists.

Where the answer is certain the twin ``NAME_picks`` gives it. Where it is drawn, ``NAME_law`` gives the chance of every
position to come next, and the checks count draws. Where it is greedy and ties are common, ``NAME_value`` gives the
value of a set, and the checks ask whether another pick would have gained more. ``rng`` is used only where the answer is
a function of a start that was drawn.
"""

from __future__ import annotations

import itertools
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


def k_dpp_law(
    features: list[Vector], *, picked: list[int], labelled: list[int], candidates: list[int], k: int = 1
) -> dict[int, float]:
    """Determinants of all sets of ``k`` that hold what is picked, shared out among the next positions."""
    free = [pos for pos in candidates if pos not in labelled]
    left = [pos for pos in free if pos not in picked]
    weights = dict.fromkeys(left, 0.0)
    for rest in itertools.combinations(left, k - len(picked)):
        chosen = [*picked, *rest]
        kernel = [[sum(a * b for a, b in zip(features[x], features[y], strict=True)) for y in chosen] for x in chosen]
        for pos in rest:
            weights[pos] += max(_determinant(kernel), 0.0)
    return {pos: weight / sum(weights.values()) for pos, weight in weights.items()}


def _determinant(matrix: list[Vector]) -> float:
    """Along the first row."""
    if not matrix:
        return 1.0
    minors = [[row[:column] + row[column + 1 :] for row in matrix[1:]] for column in range(len(matrix))]
    return sum((-1) ** column * matrix[0][column] * _determinant(minor) for column, minor in enumerate(minors))


def facility_value(
    points: list[Vector],
    chosen: list[int],
    *,
    function: str = "facility_location",
    labelled: list[int],
    candidates: list[int],
    query: list[int] | None = None,
    private: list[int] | None = None,
    query_weight: float = 1.0,
    private_weight: float = 1.0,
    penalty: float = 0.5,
    saturation: float = 0.1,
) -> float:
    """The value of labelled and chosen positions together, as the formulas say it."""

    def like(x: int, y: int) -> float:
        lengths = math.hypot(*points[x]) * math.hypot(*points[y])
        return max(sum(a * b for a, b in zip(points[x], points[y], strict=True)) / lengths, 0.0) if lengths else 0.0

    open_ = [pos for pos in candidates if pos not in labelled]
    held, wanted, shunned = [*labelled, *chosen], query or [], private or []
    value = 0.0
    if function == "facility_location":
        for x in open_:
            cap = query_weight * max(like(x, q) for q in wanted) if wanted else math.inf
            floor = max((private_weight * like(x, p) for p in shunned), default=0.0)
            floor = max([floor, *(like(x, y) for y in labelled)])
            value += max(min(max((like(x, a) for a in chosen), default=0.0), cap) - floor, 0.0)
    elif function == "graph_cut":
        for a in chosen:
            value -= 2 * penalty * private_weight * sum(like(a, p) for p in shunned)
            value += 2 * penalty * query_weight * sum(like(a, q) for q in wanted)
            value += 0.0 if wanted else sum(like(x, a) for x in open_)
        value -= 0.0 if wanted else penalty * sum(like(a, b) for a in held for b in held)
    else:
        for x in open_:
            cap = saturation * sum(like(x, y) for y in open_)
            value += min(sum(like(x, a) for a in held), cap)
    return value


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


def joint_mi_picks(
    prob_samples: list, *, k: int, labelled: list[int], candidates: list[int], rng: Generator
) -> list[int]:
    """Every joint outcome of the batch written out with its probability under each network."""
    del rng
    networks = range(len(prob_samples))
    joint: list[Vector] = [[1.0 for _ in networks]]
    free = [pos for pos in candidates if pos not in labelled]
    picked: list[int] = []

    def extended(pos: int) -> list[Vector]:
        labels = range(len(prob_samples[0][pos]))
        return [[chances[t] * prob_samples[t][pos][y] for t in networks] for chances in joint for y in labels]

    def information(pos: int) -> float:
        marginal = [sum(chances) / len(chances) for chances in extended(pos)]
        noise = -sum(p * math.log(p) for network in prob_samples for p in network[pos] if p > 0) / len(prob_samples)
        return -sum(p * math.log(p) for p in marginal if p > 0) - noise

    for pos in labelled:
        joint = extended(pos)
    for _ in range(k):
        best = max(free, key=information)
        joint = extended(best)
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
