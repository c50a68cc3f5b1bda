"""Twins of the family hybrid."""

from __future__ import annotations

import math
from typing import Any

import torch

from querist.core.types import Generator
from querist.testing.naive import scores
from querist.testing.naive.selectors import (
    class_balance,
    cluster_margin,
    facility,
    fisher,
    herding,
    kmeans,
    kmeans_pp,
    lcmd,
    max_det,
)
from querist.testing.naive.strategies import per_row
from querist.testing.naive.strategies.density import unit
from querist.views.base import Positions


def badge_law(strategy: Any, gradients: list, *, at: Positions, picked: list[int]) -> dict[int, float]:
    """The longest gradient first, then by squared distance to the nearest picked."""
    candidates = at.candidates.tolist()
    if not picked and strategy.first == "longest":
        return {max(candidates, key=lambda pos: math.hypot(*gradients[pos])): 1.0}
    return kmeans_pp.kmeans_pp_law(gradients, picked=picked, labelled=[], candidates=candidates)


def diverse_mini_batch_picks(
    strategy: Any, probs: list, embeddings: list, *, at: Positions, k: int, rng: Generator
) -> list[int]:
    """Shortlist by margin, then k-means on it."""
    informative = per_row([1 + scores.margin(p) for p in probs], at, strategy.aggregate)
    candidates = sorted(at.candidates.tolist(), key=lambda pos: -informative[pos])
    torch.empty(len(candidates), dtype=torch.int64).random_(generator=rng)  # would break ties, of which there are none
    shortlist = candidates[: strategy.beta * k]
    return kmeans.kmeans_picks(embeddings, k=k, labelled=[], candidates=shortlist, rng=rng, weights=informative)


def max_det_picks(strategy: Any, embeddings: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """Greedy determinant."""
    return max_det.max_det_picks(
        embeddings,
        k=k,
        labelled=at.labelled.tolist(),
        candidates=at.candidates.tolist(),
        rng=rng,
        noise=strategy.noise,
    )


def lcmd_picks(strategy: Any, embeddings: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """Largest cluster, maximum distance."""
    del strategy
    return lcmd.lcmd_picks(embeddings, k=k, labelled=at.labelled.tolist(), candidates=at.candidates.tolist(), rng=rng)


def fass_value(
    strategy: Any, probs: list, embeddings: list, *, at: Positions, k: int, chosen: list[int]
) -> float | None:
    """Facility location over the rows of highest entropy; ``None`` for a set that leaves them."""
    unsure = per_row([scores.entropy(p) for p in probs], at, strategy.aggregate)
    shortlist = sorted(at.candidates.tolist(), key=lambda pos: -unsure[pos])[: strategy.beta * k]
    if not set(chosen) <= set(shortlist):
        return None
    return facility.facility_value(embeddings, chosen, labelled=[], candidates=shortlist)


def similar_value(
    strategy: Any, embeddings: list, labels: list, *, at: Positions, k: int, chosen: list[int]
) -> float | None:
    """What the set has in common with the labelled rows of the class that has fewest."""
    del k
    known = [labels[pos] for pos in at.labelled.tolist()]
    rarest = min(sorted(set(known)), key=known.count)
    query = [pos for pos in at.labelled.tolist() if labels[pos] == rarest]
    return facility.facility_value(
        embeddings, chosen, function=strategy.function, labelled=[], candidates=at.candidates.tolist(), query=query
    )


def uncertainty_herding_value(
    strategy: Any,
    probs: list,
    embeddings: list,
    labels: list | None = None,
    *,
    at: Positions,
    k: int,
    chosen: list[int],
) -> float:
    """Likeness of unit vectors, each weighed by one minus its margin at the best temperature."""
    del k
    points, labelled = [unit(z) for z in embeddings], at.labelled.tolist()
    heat = 1.0
    if labels is not None:
        errors = {
            tenths / 10: _calibration_error([_heated(probs[x], tenths / 10) for x in labelled], labels, labelled)
            for tenths in range(10, 200)
        }
        heat = min(errors, key=lambda each: (round(errors[each], 9), each))
    apart = [math.dist(points[x], points[y]) for x in labelled for y in labelled if points[x] != points[y]]
    return herding.herding_value(
        points,
        chosen,
        labelled=labelled,
        candidates=at.candidates.tolist(),
        sigma=min(apart, default=1.0),
        weights=per_row([1 + scores.margin(_heated(p, heat)) for p in probs], at, strategy.aggregate),
    )


def _heated(p: list[float], heat: float) -> list[float]:
    powers = [value ** (1 / heat) for value in p]
    return [value / sum(powers) for value in powers]


def _calibration_error(probs: list, labels: list, rows: list[int]) -> float:
    bins: dict[int, float] = {}
    for p, row in zip(probs, rows, strict=True):
        number = math.ceil(max(p) * len(p))
        bins[number] = bins.get(number, 0.0) + max(p) - (p.index(max(p)) == labels[row])
    return sum(map(abs, bins.values())) / len(rows)


def bait_picks(strategy: Any, *views: list, at: Positions, k: int, rng: Generator) -> list[int]:
    """Fisher information in all parameters of the last layer."""
    return fisher.fisher_picks(
        views[-1],
        k=k,
        labelled=at.labelled.tolist(),
        candidates=at.candidates.tolist(),
        rng=rng,
        probs=views[0] if len(views) > 1 else None,
        regularisation=strategy.regularisation,
        oversample=strategy.oversample,
    )


def class_balance_cost(
    strategy: Any, probs: list, labels: list, *views: list, at: Positions, chosen: list[int]
) -> float:
    """Minus the entropies of a set, and what it leaves each class off its part."""
    del views
    known = [labels[pos] for pos in at.labelled.tolist()]
    return class_balance.class_balance_cost(
        [scores.entropy(p) for p in probs],
        chosen,
        labelled=at.labelled.tolist(),
        candidates=at.candidates.tolist(),
        probs=probs,
        counts=[float(known.count(c)) for c in range(len(probs[0]))],
        balance=strategy.balance,
    )


def cluster_margin_picks(
    strategy: Any, probs: list, embeddings: list, *, at: Positions, k: int, rng: Generator
) -> list[int]:
    """Shortlist by margin, then clusters in turn."""
    return cluster_margin.cluster_margin_picks(
        embeddings,
        k=k,
        labelled=[],
        candidates=at.candidates.tolist(),
        rng=rng,
        scores=per_row([scores.margin(p) for p in probs], at, strategy.aggregate),
        shortlist=strategy.shortlist,
    )
