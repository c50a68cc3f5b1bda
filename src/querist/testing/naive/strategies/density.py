"""Twins of the family density."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch

from querist.core.types import Generator
from querist.testing.naive import Vector, scores
from querist.testing.naive.selectors import cover, herding, k_center, k_dpp, kmeans, purity, typical
from querist.testing.naive.selectors import robust_k_center as robust
from querist.testing.naive.strategies import per_row
from querist.views.base import Positions


def core_set_picks(strategy: Any, embeddings: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """Farthest first."""
    del strategy
    return k_center.k_center_picks(
        embeddings, k=k, labelled=at.labelled.tolist(), candidates=at.candidates.tolist(), rng=rng
    )


farthest_first_picks = core_set_picks


def robust_core_set_cost(strategy: Any, embeddings: list, *, at: Positions, chosen: list[int]) -> float:
    """The radius, the farthest few left out."""
    return robust.robust_k_center_cost(
        embeddings,
        chosen,
        labelled=at.labelled.tolist(),
        candidates=at.candidates.tolist(),
        outliers=strategy.outliers,
    )


def cold_start_picks(strategy: Any, embeddings: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """The row nearest each centre."""
    del strategy
    return kmeans.kmeans_picks(
        embeddings, k=k, labelled=at.labelled.tolist(), candidates=at.candidates.tolist(), rng=rng
    )


def information_density_scores(strategy: Any, probs: list, density: list, *, at: Positions) -> list[float]:
    """Entropy times mean cosine to the candidates (which is the view's: its twin is a score's)."""
    information = per_row([scores.entropy(p) for p in probs], at, strategy.aggregate)
    return [h * max(cosine, 0.0) ** strategy.beta for h, cosine in zip(information, density, strict=True)]


def k_dpp_law(strategy: Any, probs: list, embeddings: list, *, at: Positions, picked: list[int]) -> dict[int, float]:
    """Unit vectors as long as their rows are unsure; a batch of two."""
    unsure = per_row([scores.entropy(p) for p in probs], at, strategy.aggregate)
    lengths = [math.hypot(*z) for z in embeddings]
    features = [
        [q**strategy.power * value / length for value in z]
        for q, z, length in zip(unsure, embeddings, lengths, strict=True)
    ]
    return k_dpp.k_dpp_law(features, picked=picked, labelled=[], candidates=at.candidates.tolist(), k=2)


def typi_clust_picks(strategy: Any, embeddings: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """Typical points among unit vectors."""
    return typical.typical_picks(
        [unit(z) for z in embeddings],
        k=k,
        labelled=at.labelled.tolist(),
        candidates=at.candidates.tolist(),
        rng=rng,
        neighbours=strategy.neighbours,
        most_clusters=strategy.most_clusters,
        least_size=strategy.least_size,
    )


def prob_cover_picks(
    strategy: Any, embeddings: list, labels: list | None = None, *, at: Positions, k: int, rng: Generator
) -> list[int]:
    """The radius one after the other, then the ball that adds most, of equals the first of a drawn order."""
    points, labelled, candidates = [unit(z) for z in embeddings], at.labelled.tolist(), at.candidates.tolist()
    count = 2 if labels is None else max(2, len({labels[pos] for pos in labelled}))
    found = kmeans.best_clusters(points, candidates, k=count, rng=rng, starts=10)
    radius = purity.largest_pure_radius(points, found, purity=strategy.purity)
    torch.randperm(len(candidates), generator=rng)  # the draw of balls, of which all are taken
    order = [candidates[place] for place in torch.randperm(len(candidates), generator=rng)]
    picked: list[int] = []
    for _ in range(k):
        values = {
            pos: cover.cover_value(points, [*picked, pos], labelled=labelled, candidates=candidates, radius=radius)
            for pos in order
            if pos not in picked
        }
        picked.append(max(values, key=lambda pos: values[pos]))
    return picked


def dcom_picks(
    strategy: Any, probs: list, embeddings: list, labels: list, *, at: Positions, k: int, rng: Generator
) -> list[int]:
    """One ball after the other: what it may hold, what it holds, and the sum that is largest, of equals the first."""
    points, labelled, candidates = [unit(z) for z in embeddings], at.labelled.tolist(), at.candidates.tolist()
    rows = [*candidates, *labelled]
    guesses = [p.index(max(p)) for p in probs]
    count = max(2, len({labels[pos] for pos in labelled}))
    found = kmeans.best_clusters(points, candidates, k=count, rng=rng, starts=10)
    first = purity.largest_pure_radius(points, found, purity=0.95)
    torch.randperm(len(candidates), generator=rng)  # the draw of balls, of which all are taken
    before = sum(any(math.dist(points[x], points[c]) <= first for c in labelled) for x in rows) / len(rows)
    wanted = strategy.least_purity + strategy.more_purity * before

    radii = {}
    for centre in labelled:
        low, high = 0.0, strategy.largest
        while high - low > strategy.resolution:
            middle = (low + high) / 2
            ball = [x for x in rows if math.dist(points[x], points[centre]) <= middle]
            pure = sum(guesses[x] == labels[centre] for x in ball) >= wanted * len(ball)
            low, high = (middle, high) if pure else (low, middle)
        radii[centre] = (low + high) / 2
    bare = {x for x in candidates if all(math.dist(points[x], points[c]) > radii[c] for c in labelled)}
    inside = sum(any(math.dist(points[x], points[c]) <= radii[c] for c in labelled) for x in rows)
    weight = strategy.competence(inside / len(rows))
    mean = sum(radii.values()) / len(radii)

    unsure = {x: scores.margin(probs[x]) for x in rows}
    least, most = min(unsure.values()), max(unsure.values())
    doubt = {x: (unsure[x] - least) / (most - least) if most > least else 0.0 for x in candidates}
    order = [candidates[place] for place in torch.randperm(len(candidates), generator=rng)]
    picked: list[int] = []
    for _ in range(k):
        near = {x: sum(math.dist(points[x], points[y]) <= mean for y in bare) for x in order}
        largest, nearest = max(doubt.values()) or 1.0, max(near.values()) or 1
        left = [x for x in order if x not in picked]
        picked.append(max(left, key=lambda x: weight * doubt[x] / largest + (1 - weight) * near[x] / nearest))
        doubt[picked[-1]] = 0.0
        bare -= {y for y in bare if math.dist(points[picked[-1]], points[y]) <= mean}
    return picked


def max_herding_value(strategy: Any, embeddings: list, *, at: Positions, k: int, chosen: list[int]) -> float:
    """Likeness of unit vectors."""
    del k
    return herding.herding_value(
        [unit(z) for z in embeddings],
        chosen,
        labelled=at.labelled.tolist(),
        candidates=at.candidates.tolist(),
        sigma=strategy.sigma,
    )


def unit(z: Vector) -> Vector:
    """A vector divided by its length; zero stays zero."""
    length = math.hypot(*z)
    return [value / length if length else 0.0 for value in z]


def discriminative_picks(strategy: Any, points: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """One network after another, of torch's own layers; the rows that it takes for unlabelled join the labelled."""
    known, left = at.labelled.tolist(), at.candidates.tolist()
    picked: list[int] = []
    parts = min(k, strategy.queries or 20)
    for part in range(parts):
        size = (k * (part + 1)) // parts - (k * part) // parts
        left = [left[i] for i in torch.randperm(len(left), generator=rng).tolist()]
        seen = left[: max(strategy.looks, size)]
        left.sort(key=at.candidates.tolist().index)
        others = seen[: strategy.unlabelled * len(known)]
        rows = [points[pos] for pos in known + others]
        network = _separator(rows, len(known), strategy.steps, rng)
        odds = network(_seen_from([points[pos] for pos in seen], rows))[:, 0].tolist()
        torch.empty(len(seen), dtype=torch.int64).random_(generator=rng)  # the draws that would break ties: none
        order = sorted(range(len(seen)), key=lambda place: -odds[place])
        new = [seen[place] for place in order[:size]]
        picked, known, left = picked + new, known + new, [pos for pos in left if pos not in new]
    return picked


def _seen_from(some: list[list[float]], rows: list[list[float]]) -> torch.Tensor:
    """Some rows, from the middle of others, in units of their spread."""
    middle = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    squares = [(x - m) ** 2 for other in rows for x, m in zip(other, middle, strict=True)]
    spread = math.sqrt(sum(squares) / len(squares))
    moved = [[(x - m) / spread for x, m in zip(row, middle, strict=True)] for row in some]
    return torch.tensor(moved, dtype=torch.float64)


def _separator(rows: list[list[float]], m: int, steps: int, rng: Generator) -> Any:
    """A network that tells the first ``m`` rows from the others, trained until it is right on 98% of them."""
    network = torch.nn.Sequential()
    for inputs, outputs in itertools.pairwise([len(rows[0]), 20, 20, 20, 1]):
        layer = torch.nn.utils.skip_init(torch.nn.Linear, inputs, outputs, dtype=torch.float64)
        drawn = torch.rand(outputs, inputs, generator=rng, dtype=torch.float64)
        layer.weight.data = (2 * drawn - 1) * math.sqrt(6 / (inputs + outputs))
        layer.bias.data.zero_()
        network.extend([layer, torch.nn.ReLU()] if outputs > 1 else [layer])
    moved, optimiser = _seen_from(rows, rows), torch.optim.Adam(network.parameters(), lr=1e-2)
    step = 0
    while step < steps:
        right = 0
        for some in torch.randperm(len(rows), generator=rng).split(256):
            losses, weights = [], []
            with torch.enable_grad():
                for place, answer in zip(some.tolist(), network(moved[some])[:, 0], strict=True):
                    unlabelled = place >= m
                    right += bool(answer > 0) == unlabelled
                    weights.append(1 / (len(rows) - m if unlabelled else m))
                    losses.append(-weights[-1] * torch.nn.functional.logsigmoid(answer if unlabelled else -answer))
                optimiser.zero_grad()
                (torch.stack(losses).sum() / sum(weights)).backward()
            optimiser.step()
            step += 1
        if right / len(rows) > 0.98:
            break
    return network
