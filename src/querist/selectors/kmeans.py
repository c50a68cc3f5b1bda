"""k-means: as many clusters as picks, and of each cluster the point nearest its centre.

The clustering is faiss's. It is trained on all points where they are few for the number of clusters, else on a random
256 a cluster, which is what faiss itself takes to be enough; every point then joins its nearest centre.
Cost: ``O(256 k^2 d)`` time a step at most, ``O(n k d)`` for the rest; ``O(n + 256 k d)`` memory beside the points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError, UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, refuse_impossible, shuffled
from querist.selectors.kmeans_pp import kmeans_pp
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, DensePoints, as_points, centred

_ENOUGH = 256
"""Points a cluster that fix its centre well enough."""
_NO_BETTER = 1e-5
"""Share of a sum of squares that makes no clustering better than another."""


def kmeans(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    weights: Any = None,
    steps: int = 25,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """The point nearest the centre of each of ``k`` clusters, heaviest cluster first.

    Args:
        points: ``[n d]`` table (torch or numpy, mapped from a file too).
        k: how many clusters and picks.
        labelled: positions never returned; they take no part in the clustering.
        candidates: positions that are clustered and may be returned; all if ``None``.
        rng: draws the first centres (by :func:`kmeans_pp`) and the points to train on, and picks for clusters that
            stay empty because there are fewer distinct points than ``k``; a generator with seed 0 if ``None``.
        weights: how much each point pulls its centre, ``[n]``, zero or more; all the same if ``None``.
        steps: times that the centres move.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> points = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0]])
        >>> sorted(kmeans(points, k=2).tolist())[0]
        1
    """
    rng = generator(0) if rng is None else rng
    table = as_points(points)
    if not isinstance(table, DensePoints):
        raise DataError("k-means needs points written out", hint="pass points.dense(), or use kmeans_pp")
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    pull = _pull(weights, free)
    clusters = Clusters(table, free, k=k, rng=rng, weights=pull, steps=steps, memory_mb=memory_mb)

    # Sorted by cluster, then by distance: the first of each cluster is its pick.
    order = torch.argsort(clusters.squared, stable=True)
    order = order[torch.argsort(clusters.own[order], stable=True)]
    used, counts = torch.unique_consecutive(clusters.own[order], return_counts=True)
    picks = order[counts.cumsum(0) - counts]
    weight = torch.zeros(k, dtype=torch.float64).index_add_(0, clusters.own, pull.double())
    picks = picks[torch.argsort(weight[used], descending=True, stable=True)]
    left = torch.ones(len(free), dtype=torch.bool)
    left[picks] = False
    rest = shuffled(torch.nonzero(left).flatten(), rng)[: k - len(picks)]
    return free[torch.cat([picks, rest]).to(free.device)]


class Clusters:
    """A clustering of some points.

    Args:
        table: all points.
        free: positions that are clustered, ``[q]``.
        k: how many clusters.
        rng: draws the first centres, and what is trained on.
        weights: how much each of the clustered points pulls, ``[q]``; all the same if ``None``.
        steps: times that the centres move.
        memory_mb: see :func:`kmeans`.

    Attributes:
        centres: where the clusters lie, ``[k d]``, on the CPU.
        own: cluster of each clustered point, ``[q]``.
        squared: its squared distance to the centre of that, ``[q]``.
    """

    def __init__(
        self,
        table: DensePoints,
        free: Int[Tensor, "q"],
        *,
        k: int,
        rng: Generator,
        weights: Float[Tensor, "q"] | None = None,
        steps: int = 25,
        memory_mb: float | None = None,
    ) -> None:
        import faiss

        q, d = len(free), table.width
        trained = min(q, _ENOUGH * k)
        # Numbers a point; the points that are trained on (faiss keeps a copy); the centres.
        memory = Memory("kmeans", memory_mb, held=40 * q + 12 * trained * d + 16 * k * d)
        tile = memory.tile(TILE, least=8 * d)
        report("kmeans", 0, of=3)
        # Far from the origin faiss would lose the digits that tell the points apart.
        moved = centred(table)
        sample = slice(None) if trained == q else torch.randperm(q, generator=rng)[:trained].sort().values
        x = np.ascontiguousarray(moved.rows(free[sample]).numpy(force=True), dtype=np.float32)
        start = kmeans_pp(x, k=k, rng=rng).numpy()
        report("kmeans", 1, of=3)
        model = faiss.Kmeans(d, k, niter=steps, seed=0, min_points_per_centroid=1, max_points_per_centroid=q + 1)
        pull = None if weights is None else np.ascontiguousarray(weights[sample].numpy(force=True), dtype=np.float32)
        model.train(x, weights=pull, init_centroids=x[start])
        report("kmeans", 2, of=3)
        found = []
        for pos in free.split(max(1, tile // d)):
            found.append(model.index.search(np.ascontiguousarray(moved.rows(pos).numpy(force=True), np.float32), 1))
        self.squared, self.own = (torch.from_numpy(np.concatenate(each)[:, 0]) for each in zip(*found, strict=True))
        self.centres = torch.from_numpy(model.centroids)
        if moved.origin is not None:
            self.centres = self.centres + moved.origin.cpu().float()


def best_clusters(
    table: DensePoints,
    free: Int[Tensor, "q"],
    *,
    k: int,
    rng: Generator,
    starts: int,
    steps: int = 25,
    memory_mb: float | None = None,
) -> Clusters:
    """Of several clusterings, each from a start of its own, the one with the least sum of squared distances."""
    best, least = None, torch.inf
    for _ in range(starts):
        found = Clusters(table, free, k=k, rng=rng, steps=steps, memory_mb=memory_mb)
        total = float(found.squared.double().sum())
        if best is None or total < least * (1 - _NO_BETTER):
            best, least = found, total
    if best is None:
        raise UsageError(f"{starts} starts of k-means were asked for", hint="ask for 1 or more")
    return best


def _pull(weights: Any, free: Tensor) -> Float[Tensor, "q"]:
    """Weights of the open points; all 1 where none of them weighs anything."""
    if weights is None:
        return torch.ones(len(free))
    pull = torch.as_tensor(weights).to(free.device)[free].float().cpu()
    if not bool(torch.isfinite(pull).all()) or bool((pull < 0).any()):
        raise DataError("a weight of k-means is negative or not finite", hint="give numbers of 0 or more")
    return pull if bool(pull.any()) else torch.ones_like(pull)
