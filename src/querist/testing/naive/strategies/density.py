"""Twins of the family density."""

from __future__ import annotations

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
