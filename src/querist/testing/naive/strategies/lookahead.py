"""Twins of the family lookahead."""

from __future__ import annotations

import math
from typing import Any

import torch

from querist.core.types import Generator
from querist.testing.naive import scores
from querist.testing.naive.selectors import kmeans
from querist.views.base import Positions


def bemps_picks(strategy: Any, samples: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """All candidates are estimation rows; unit vectors of gains, the best of them clustered."""
    candidates = at.candidates.tolist()
    gains = {
        pos: [
            scores.predictive_gain(
                [network[pos] for network in samples], [[net[aim]] for net in samples], strategy.rule
            )
            for aim in candidates
        ]
        for pos in range(at.n)
    }
    size = min(len(candidates), max(3 * k, round(strategy.top * len(candidates))))
    torch.randperm(len(candidates), generator=rng)  # the draw that would break ties, of which there are none
    means = [sum(gains[pos]) / len(candidates) for pos in range(at.n)]
    best = sorted(candidates, key=lambda pos: -means[pos])[:size]
    units = [[gain / math.hypot(*gains[pos]) for gain in gains[pos]] for pos in range(at.n)]
    return kmeans.kmeans_picks(units, k=k, labelled=[], candidates=best, rng=rng, weights=means)
