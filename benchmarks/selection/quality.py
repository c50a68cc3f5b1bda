"""How good picks are, in double precision and without regard to who made them: a fast wrong answer must show.

Each function gives numbers by what they are called in the tables. ``QUALITIES`` says which method is judged by which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from benchmarks.selection.work import Work, fisher_factors, residuals

Quality = dict[str, float]
_ROWS = 4096
_EXACT = 200_000
_DRAWS = 200_000


def cover(work: Work, picks: np.ndarray) -> Quality:
    """The radius of the cover, and by how much a pick fell short of the farthest point of its moment, at most."""
    centres = torch.from_numpy(work.points[picks]).double()
    places = {int(pick): place for place, pick in enumerate(picks)}
    farthest = torch.zeros(len(picks) + 1, dtype=torch.float64)
    own = torch.zeros(len(picks), dtype=torch.float64)
    known = torch.from_numpy(work.points[work.labelled]).double()
    for start, block in _blocks(work.points):
        first = _squared(block, known).amin(1, keepdim=True)
        falling = torch.cat([first, _squared(block, centres)], 1).cummin(1).values
        farthest = torch.maximum(farthest, falling.amax(0))
        for row in range(len(block)):
            if (place := places.get(start + row)) is not None:
                own[place] = falling[row, place]
    short = 1 - (own / farthest[:-1].clamp(min=1e-300)).sqrt()
    return {"radius": float(farthest[-1].sqrt()), "short of greedy": max(0.0, float(short.max()))}


def potential_of_gradients(work: Work, picks: np.ndarray) -> Quality:
    """The k-means++ potential of the last-layer gradients, and how many picks are distinct."""
    left, right = (torch.from_numpy(table).double() for table in (residuals(work.probs), work.points))
    norms = (left.square().sum(1) * right.square().sum(1))[picks]
    total = 0.0
    for start, block in _blocks(work.points):
        some = left[start : start + len(block)]
        own = some.square().sum(1) * block.square().sum(1)
        apart = own[:, None] + norms - 2 * (some @ left[picks].T) * (block @ right[picks].T)
        total += float(apart.amin(1).clamp(min=0).sum())
    return {"potential": total, "distinct picks": len(np.unique(picks))}


def joint_information(work: Work, picks: np.ndarray) -> Quality:
    """What the labels of the batch tell about the networks, in nats: exact, or from 200,000 drawn outcomes."""
    batch = work.prob_samples[picks].astype(np.float64)
    batch /= batch.sum(-1, keepdims=True)
    conditional = float(-(batch * np.log(batch)).sum(-1).sum(0).mean())
    k, samples, classes = batch.shape
    if classes**k <= _EXACT:
        joint = np.ones((samples, 1))
        for row in batch:
            joint = (joint[:, :, None] * row[:, None, :]).reshape(samples, -1)
        mean = joint.mean(0)
        return {"joint information": float(-(mean * np.log(mean)).sum()) - conditional}
    stream, total = np.random.default_rng(0), 0.0
    for _ in range(_DRAWS // 20_000):
        network = stream.integers(samples, size=20_000)
        likely = np.ones((20_000, samples))
        for row in batch:
            outcome = (row.cumsum(1)[network] < stream.random((20_000, 1))).sum(1).clip(max=classes - 1)
            likely *= row[:, outcome].T
        total -= float(np.log(likely.mean(1)).sum())
    return {"joint information": total / _DRAWS - conditional}


def disagreement(work: Work, picks: np.ndarray) -> Quality:
    """The BALD scores of the picks together."""
    batch = work.prob_samples[picks].astype(np.float64)
    mean = batch.mean(1)
    scores = -(mean * np.log(mean)).sum(-1) + (batch * np.log(batch)).sum(-1).mean(1)
    return {"sum of scores": float(scores.sum())}


def typicality(work: Work, picks: np.ndarray) -> Quality:
    """How many of the hundred true clusters are met, and how far the twenty nearest points of a pick are on average."""
    met = len(np.unique(work.clusters[np.concatenate([work.labelled, picks])]))
    centres = torch.from_numpy(work.points[picks]).double()
    near = torch.full((len(picks), 20), torch.inf, dtype=torch.float64)
    for _, block in _blocks(work.points):
        both = torch.cat([near, _squared(centres, block)], 1)
        # A pick is nearest to itself, and counts for nothing.
        both[both < 1e-9] = torch.inf
        near = both.topk(20, largest=False).values
    return {"clusters met": met, "neighbours at": float(near.sqrt().mean())}


def coverage(work: Work, picks: np.ndarray) -> Quality:
    """The share of points within the radius of a labelled point or a pick."""
    centres = torch.from_numpy(work.directions[np.concatenate([work.labelled, picks])]).double()
    near = sum(int((_squared(block, centres).amin(1) <= work.radius**2).sum()) for _, block in _blocks(work.directions))
    return {"covered": near / work.case.rows}


def kernel_coverage(work: Work, picks: np.ndarray) -> Quality:
    """The mean over all points of the largest kernel value with a labelled point or a pick."""
    centres = torch.from_numpy(work.directions[np.concatenate([work.labelled, picks])]).double()
    total = sum(float(torch.exp(-_squared(block, centres).amin(1)).sum()) for _, block in _blocks(work.directions))
    return {"mean kernel": total / work.case.rows}


def facility_value(work: Work, picks: np.ndarray) -> Quality:
    """The facility location value."""
    return {"value": float(_cosines(work, picks).amax(1).sum())}


def cut_value(work: Work, picks: np.ndarray) -> Quality:
    """The value of the graph cut at penalty one half."""
    made = _cosines(work, picks)
    return {"value": float(made.sum() - 0.5 * made[picks].sum())}


def log_determinant(work: Work, picks: np.ndarray) -> Quality:
    """The log determinant of the picks' kernel with a tenth on its diagonal."""
    rows = torch.from_numpy(work.directions[picks]).double()
    kernel = rows @ rows.T + 0.1 * torch.eye(len(picks), dtype=torch.float64)
    return {"log determinant": float(torch.linalg.slogdet(kernel).logabsdet)}


def fisher_trace(work: Work, picks: np.ndarray) -> Quality:
    """``tr(M^-1 F)``: ``F`` is the mean Fisher matrix of all rows, ``M`` that of labelled rows and picks plus ``I``."""
    m, k = len(work.labelled), len(picks)

    def summed(rows: np.ndarray) -> torch.Tensor:
        made = torch.zeros(work.case.classes * work.case.dim, work.case.classes * work.case.dim, dtype=torch.float64)
        for some in np.array_split(rows, max(1, len(rows) // 500)):
            factors = torch.from_numpy(fisher_factors(work.probs[some], work.points[some])).double().flatten(0, 1)
            made += factors.T @ factors
        return made

    everything = summed(np.arange(work.case.rows)) / work.case.rows
    known = summed(work.labelled) / m * (m / (m + k)) + summed(picks) * (k / (m + k))
    known += torch.eye(len(known), dtype=torch.float64)
    return {"trace": float(torch.linalg.solve(known, everything).diagonal().sum())}


def potential(work: Work, picks: np.ndarray) -> Quality:
    """The sum of squared distances to the nearest labelled point or pick."""
    centres = torch.from_numpy(work.points[np.concatenate([work.labelled, picks])]).double()
    return {"potential": sum(float(_squared(block, centres).amin(1).sum()) for _, block in _blocks(work.points))}


def residual(work: Work, picks: np.ndarray) -> Quality:
    """What the best non-negative weights on the picks leave of the sum of all open rows, as a share of its length."""
    from scipy.optimize import nnls

    whole = work.points[work.open].astype(np.float64).sum(0)
    left = nnls(work.points[picks].astype(np.float64).T, whole)[1]
    return {"residual": float(left / np.linalg.norm(whole)), "distinct picks": len(np.unique(picks))}


def spread_margin(work: Work, picks: np.ndarray) -> Quality:
    """The mean margin of the picks, and how many true clusters they come from."""
    top = np.sort(work.probs[picks], axis=1)
    return {
        "mean margin": float((top[:, -1] - top[:, -2]).mean()),
        "clusters met": len(np.unique(work.clusters[picks])),
    }


QUALITIES: dict[str, Callable[[Work, np.ndarray], Quality]] = {
    "k_center": cover,
    "badge": potential_of_gradients,
    "batch_bald": joint_information,
    "bald": disagreement,
    "typi_clust": typicality,
    "prob_cover": coverage,
    "max_herding": kernel_coverage,
    "facility_location": facility_value,
    "graph_cut": cut_value,
    "max_det": log_determinant,
    "bait": fisher_trace,
    "lcmd": potential,
    "acs_fw": residual,
    "cluster_margin": spread_margin,
}


def _blocks(table: np.ndarray) -> Iterator[tuple[int, torch.Tensor]]:
    for start in range(0, len(table), _ROWS):
        yield start, torch.from_numpy(table[start : start + _ROWS]).double()


def _squared(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    made = rows.square().sum(1, keepdim=True) + columns.square().sum(1) - 2 * (rows @ columns.T)
    return made.clamp_(min=0)


def _cosines(work: Work, picks: np.ndarray) -> torch.Tensor:
    directions = torch.nn.functional.normalize(torch.from_numpy(work.points).double(), dim=1)
    return (directions @ directions[picks].T).clamp_(min=0)
