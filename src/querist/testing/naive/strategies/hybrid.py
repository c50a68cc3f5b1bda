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
from querist.testing.naive.strategies import class_scores, per_row
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


def fisher_information_picks(
    strategy: Any, probs: list, embeddings: list, *, at: Positions, k: int, rng: Generator
) -> list[int]:
    """Fisher information of the batch alone, put together from a shortlist."""
    shortlist = sorted(at.candidates.tolist(), key=lambda pos: -scores.entropy(probs[pos]))[: strategy.beta * k]
    return fisher.fisher_picks(
        embeddings,
        k=k,
        labelled=[],
        candidates=shortlist,
        rng=rng,
        probs=probs,
        regularisation=strategy.regularisation,
        oversample=1,
    )


def med_al_picks(strategy: Any, probs: list, embeddings: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """Shortlist by entropy, then by mean distance to the labelled rows."""
    del rng
    unsure = per_row([scores.entropy(p) for p in probs], at, strategy.aggregate)
    shortlist = sorted(at.candidates.tolist(), key=lambda pos: -unsure[pos])[: strategy.beta * k]
    known = [embeddings[pos] for pos in at.labelled.tolist()]
    far = {pos: scores.mean_distance([embeddings[pos]], known)[0] for pos in shortlist}
    return sorted(shortlist, key=lambda pos: -far[pos])[:k]


def contrastive_scores(strategy: Any, contrasts: list, *, at: Positions) -> list[float]:
    """What the view says."""
    del strategy, at
    return contrasts


def cdal_picks(strategy: Any, probs: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """Farthest first by the divergences of predictions."""
    del strategy, rng
    taken, free = at.labelled.tolist(), at.candidates.tolist()
    for _ in range(k):
        best = max(free, key=lambda pos: min(_divergence(probs[pos], probs[other]) for other in taken))
        taken.append(best)
        free.remove(best)
    return taken[len(at.labelled) :]


def _divergence(one: list[float], two: list[float]) -> float:
    """Mean of the divergences in both directions."""
    total = 0.0
    for p, q in zip(one, two, strict=True):
        p, q = max(p, 1e-10), max(q, 1e-10)
        total += 0.5 * p * math.log(p / q) + 0.5 * q * math.log(q / p)
    return total


def exploration_p_picks(
    strategy: Any, probs: list, embeddings: list, *, at: Positions, k: int, rng: Generator
) -> list[int]:
    """Unsure and unlike the batch, then unlike everything."""
    del rng
    unsure = per_row([scores.entropy(p) for p in probs], at, strategy.aggregate)
    units = [unit(z) for z in embeddings]
    known, free = at.labelled.tolist(), at.candidates.tolist()
    batch: list[int] = []
    boundary = round(strategy.upper * k * min(1.0, len(known) / (k * strategy.rounds)))
    for order in range(k):
        if order < boundary:
            values = {pos: unsure[pos] - strategy.alpha * _alike(pos, batch, units) for pos in free}
        else:
            values = {pos: -_alike(pos, known + batch, units) for pos in free}
        batch.append(max(free, key=lambda pos: values[pos]))
        free.remove(batch[-1])
    return batch


def _alike(pos: int, others: list[int], units: list[list[float]]) -> float:
    """The largest cosine to the others; 0 without any."""
    return max((sum(x * y for x, y in zip(units[pos], units[o], strict=True)) for o in others), default=0.0)


def multi_criteria_picks(
    strategy: Any, probs: list, embeddings: list, typical: list, labels: list, *, at: Positions, k: int, rng: Generator
) -> list[int]:
    """The four criteria in a table, scaled and weighed anew for each pick."""
    del strategy, rng
    candidates, taken = at.candidates.tolist(), at.labelled.tolist()
    c, units = len(probs[0]), [unit(z) for z in embeddings]
    guess = {pos: probs[pos].index(max(probs[pos])) for pos in candidates}
    classes = [int(labels[pos]) for pos in taken]
    sure = 1 - sum(scores.entropy(probs[pos]) for pos in candidates) / len(candidates) / math.log(c)
    uneven = 1 - scores.entropy([classes.count(own) / len(classes) for own in range(c)]) / math.log(c)
    dense = [typical[pos] for pos in candidates]
    free = list(candidates)
    for _ in range(k):
        new = [-_alike(pos, taken, units) for pos in candidates]
        unsure = [scores.entropy(probs[pos]) for pos in candidates]
        scarce = [1 - classes.count(guess[pos]) / len(classes) for pos in candidates]
        columns = zip(*map(_scaled, (dense, new, unsure, scarce)), strict=True)
        weights = ((1 - sure) / 2, (1 - sure) / 2, sure, uneven)
        totals = [sum(w * x for w, x in zip(weights, column, strict=True)) for column in columns]
        best = max(free, key=lambda pos: totals[candidates.index(pos)])
        taken.append(best)
        classes.append(guess[best])
        free.remove(best)
    return taken[len(at.labelled) :]


def _scaled(values: list[float]) -> list[float]:
    low, high = min(values), max(values)
    return [(value - low) / (high - low) if high > low else 0.0 for value in values]


def alfa_mix_picks(
    strategy: Any, embeddings: list, labels: list, head: list, *, at: Positions, k: int, rng: Generator
) -> list[int]:
    """Mix each row with each anchor, component by component, with growing weights, and see whose guess changes."""
    candidates, known = at.candidates.tolist(), at.labelled.tolist()
    anchors = []
    for own in range(len(head)):
        rows = [pos for pos in known if labels[pos] == own] or known
        anchors.append([sum(column) / len(rows) for column in zip(*(embeddings[pos] for pos in rows), strict=True)])
    changed: list[int] = []
    cap = 0.0
    while cap < 1 - 1e-9 and len(changed) <= k:
        cap += strategy.alpha_cap
        changed = [pos for pos in candidates if any(_flips(embeddings[pos], anchor, head, cap) for anchor in anchors)]
    picked: list[int] = []
    if changed:
        units = [unit(embeddings[pos]) for pos in changed]
        places = list(range(len(changed)))
        size = min(k, len(changed))
        picked = [changed[i] for i in kmeans.kmeans_picks(units, k=size, labelled=[], candidates=places, rng=rng)]
    rest = [pos for pos in candidates if pos not in picked]
    return picked + [rest[i] for i in torch.randperm(len(rest), generator=rng).tolist()][: k - len(picked)]


def _flips(z: list[float], anchor: list[float], head: list[list[float]], cap: float) -> bool:
    """Whether the guess changes under the weights of the closed form."""
    logits = class_scores(z, head)
    guess, total = logits.index(max(logits)), sum(math.exp(value - max(logits)) for value in logits)
    residual = [math.exp(value - max(logits)) / total - (own == guess) for own, value in enumerate(logits)]
    slope = [sum(r * row[i] for r, row in zip(residual, head, strict=True)) for i in range(len(z))]
    length, epsilon, far = math.hypot(*slope), cap / math.sqrt(len(z)), math.dist(z, anchor)
    mixed = []
    for own, other, g in zip(z, anchor, slope, strict=True):
        alpha = epsilon * far * g / (length * (other - own)) if other != own and length else 0.0
        mixed.append((1 - alpha) * own + alpha * other)
    after = class_scores(mixed, head)
    return after.index(max(after)) != guess
