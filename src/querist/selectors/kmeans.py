"""k-means: as many clusters as picks, and of each cluster the point nearest its centre.

Cost: ``O(n k d)`` time a step in faiss, ``O(n d)`` memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError
from querist.core.rng import generator
from querist.core.types import Generator, Int, Tensor
from querist.selectors.base import free_positions, refuse_impossible, shuffled
from querist.selectors.kmeans_pp import kmeans_pp
from querist.selectors.points import DensePoints, as_points


def kmeans(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    weights: Any = None,
    steps: int = 25,
) -> Int[Tensor, "k"]:
    """The point nearest the centre of each of ``k`` clusters, heaviest cluster first.

    Args:
        points: ``[n d]`` table (torch or numpy).
        k: how many clusters and picks.
        labelled: positions never returned; they take no part in the clustering.
        candidates: positions that are clustered and may be returned; all if ``None``.
        rng: draws the first centres (by :func:`kmeans_pp`), and picks for clusters that stay empty because there
            are fewer distinct points than ``k``; a generator with seed 0 if ``None``.
        weights: how much each point pulls its centre, ``[n]``, zero or more; all the same if ``None``.
        steps: times that the centres move.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open.
        NonFinite: NaN or infinity; names the position.

    Example:
        >>> points = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0]])
        >>> sorted(kmeans(points, k=2).tolist())[0]
        1
    """
    import faiss

    rng = generator(0) if rng is None else rng
    table = as_points(points)
    if not isinstance(table, DensePoints):
        raise DataError("k-means needs points written out", hint="pass points.dense(), or use kmeans_pp")
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    pull = _pull(weights, free)
    x = np.ascontiguousarray(table.table[free].numpy(force=True), dtype=np.float32)
    # Far from the origin faiss would lose the digits that tell the points apart.
    x -= x.mean(0)
    start = kmeans_pp(x, k=k, rng=rng).numpy()
    model = faiss.Kmeans(
        x.shape[1], k, niter=steps, seed=0, min_points_per_centroid=1, max_points_per_centroid=len(x) + 1
    )
    model.train(x, weights=pull, init_centroids=x[start])
    squared, cluster = (torch.from_numpy(answer[:, 0]) for answer in model.index.search(x, 1))

    # Sorted by cluster, then by distance: the first of each cluster is its pick.
    order = torch.argsort(squared, stable=True)
    order = order[torch.argsort(cluster[order], stable=True)]
    used, counts = torch.unique_consecutive(cluster[order], return_counts=True)
    picks = order[counts.cumsum(0) - counts]
    weight = torch.zeros(k, dtype=torch.float64).index_add_(0, cluster, torch.from_numpy(pull).double())
    picks = picks[torch.argsort(weight[used], descending=True, stable=True)]
    left = torch.ones(len(x), dtype=torch.bool)
    left[picks] = False
    rest = shuffled(torch.nonzero(left).flatten(), rng)[: k - len(picks)]
    return free[torch.cat([picks, rest]).to(free.device)]


def _pull(weights: Any, free: Tensor) -> np.ndarray:
    """Weights of the open points; all 1 where none of them weighs anything."""
    if weights is None:
        return np.ones(len(free), dtype=np.float32)
    pull = torch.as_tensor(weights).to(free.device)[free].numpy(force=True).astype(np.float32)
    if not np.isfinite(pull).all() or (pull < 0).any():
        raise DataError("a weight of k-means is negative or not finite", hint="give numbers of 0 or more")
    return pull if pull.any() else np.ones_like(pull)
