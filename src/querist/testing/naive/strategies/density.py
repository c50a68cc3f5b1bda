"""Twins of the family density."""

from __future__ import annotations

import math
from typing import Any

from querist.core.types import Generator
from querist.testing.naive import scores
from querist.testing.naive.selectors import k_center, k_dpp
from querist.testing.naive.strategies import per_row
from querist.views.base import Positions


def core_set_picks(strategy: Any, embeddings: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """Farthest first."""
    del strategy
    return k_center.k_center_picks(
        embeddings, k=k, labelled=at.labelled.tolist(), candidates=at.candidates.tolist(), rng=rng
    )


farthest_first_picks = core_set_picks


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
