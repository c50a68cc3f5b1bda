"""Cluster-Margin: of the rows with the smallest margins, a few of each cluster of the pool, small clusters first.

Paper: citovsky2021batch. Average linkage clusters the pool; the ``k_m`` rows of smallest margin are grouped by cluster,
and one of each cluster is drawn in turn, from the cluster that has fewest of them to the one that has most, and again,
until there are ``k``.

Average linkage needs all distances, so beyond ``cells`` rows it is replaced: k-means puts the rows into that many
cells, and average linkage joins cells, each with the weight of its rows, by the distances of their centres. Up to
``cells`` rows it is average linkage itself. Known differences: clusters are found anew for each batch, from the
embeddings that it is given, where the paper finds them once; they are cut at a number and not at a distance. The paper
sets the distance so that clusters have ten rows or more on average (known here at second hand); the number is that, but
at least ``k``, and of cells at most half as many as there are. Cost: ``O(cells^2)`` time and memory for the linkage,
``O(n cells d)`` time and ``O(n + 256 cells d)`` memory for the cells.
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
from querist.selectors.kmeans import Clusters
from querist.selectors.linkage import average_linkage, cut
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, DensePoints, Distances, Points, as_points
from querist.selectors.top_k import top_k

_ROWS = 10
"""Rows of a cluster, on average (the paper's choice)."""
_STEPS = 5
"""Times that centres of cells move: cells only have to be small."""


def cluster_margin(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    scores: Any = None,
    shortlist: float | None = None,
    clusters: int | None = None,
    cells: int = 1024,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions drawn from the clusters of the highest scores in turn.

    Args:
        points: ``[n d]`` table (torch or numpy, mapped from a file too); factored points, if they are few.
        k: how many (the paper's ``k_t``).
        labelled: positions never returned; they take no part in the clustering.
        candidates: positions that are clustered and may be returned; all if ``None``.
        rng: breaks ties, draws the rows of a cluster, and the cells; a generator with seed 0 if ``None``.
        scores: ``[n]``, higher for a smaller margin; if ``None``, all rows are taken in turn.
        shortlist: how many times ``k`` rows are taken in turn, ``k_m / k_t``. If ``None``, 10 times, but no more than
            an eighth of the open rows and no less than 1.25 times: both of the paper's choices (10 for a million rows
            of nine, 1.25 for batches of a tenth of the pool) come to that.
        clusters: how many; see above if ``None``. Rows that coincide are never set apart.
        cells: rows, or cells of rows, that linkage joins at most.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; a shortlist below 1; no clusters or cells.
        DataError: another number of scores; more factored points than cells.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> points, scores = torch.tensor([[0.0], [0.1], [9.0], [9.1]]), torch.tensor([4.0, 3.0, 2.0, 1.0])
        >>> sorted(cluster_margin(points, k=2, scores=scores, shortlist=1.5).tolist())[1]
        2
    """
    return cluster_margin_shares(
        points,
        k=k,
        labelled=labelled,
        candidates=candidates,
        rng=rng,
        scores=scores,
        shortlist=shortlist,
        clusters=clusters,
        cells=cells,
        memory_mb=memory_mb,
    )[0]


def cluster_margin_shares(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    scores: Any = None,
    shortlist: float | None = None,
    clusters: int | None = None,
    cells: int = 1024,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Int[Tensor, "k"]]:
    """:func:`cluster_margin`, and how many rows of the shortlist are in the cluster of each pick."""
    if shortlist is not None and shortlist < 1:
        raise UsageError(f"a shortlist of {shortlist} times the batch was asked for", hint="use 1 or more")
    if cells < 1 or (clusters is not None and clusters < 1):
        raise UsageError(f"{clusters} clusters of {cells} cells were asked for", hint="use 1 or more")
    rng = generator(0) if rng is None else rng
    table = as_points(points)
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    number = min(cells, len(free))
    memory = Memory("cluster_margin", memory_mb, held=48 * len(table) + 16 * number * (2 * number + table.width))
    short = free
    if scores is not None:
        values = torch.as_tensor(scores).detach().flatten().to(table.device)
        if len(values) != len(table):
            raise DataError(f"there are {len(values)} scores for {len(table)} points", hint="give one a point")
        size = int(max(1.25 * k, min(10 * k, len(free) / 8)) if shortlist is None else shortlist * k)
        short = top_k(values, k=min(size, len(free)), candidates=free, rng=rng)

    own, sizes, apart = _cells(table, free, cells=cells, rng=rng, memory=memory)
    if clusters is None:
        clusters = min(max(k, len(free) // _ROWS), number if number == len(free) else number // 2)
    report("cluster_margin", 1, of=2)
    joined = torch.from_numpy(cut(*average_linkage(apart, sizes), clusters=clusters))
    where = torch.searchsorted(free.cpu(), short.cpu())
    places, shares = _in_turn(joined[own[where]], rng)
    return short[places[:k].to(short.device)], shares[:k]


def _cells(
    table: Points, free: Tensor, *, cells: int, rng: Generator, memory: Memory
) -> tuple[Int[Tensor, "q"], Float[np.ndarray, "c"], Float[np.ndarray, "c c"]]:
    """The cell of each open point, how many points each cell holds, and how far the cells are apart."""
    tile = memory.tile(TILE, least=8 * table.width)
    if len(free) <= cells:
        # Each point is a cell of its own.
        own, sizes = torch.arange(len(free)), torch.ones(len(free), dtype=torch.long)
        few: Points = table.take(free)
    else:
        if not isinstance(table, DensePoints):
            raise DataError(
                f"{len(free)} points in factors are more than {cells} cells",
                hint="allow more cells, or pass points.dense()",
            )
        found = Clusters(table, free, k=cells, rng=rng, steps=_STEPS, memory_mb=memory.left_mb())
        used, own, sizes = torch.unique(found.own, return_inverse=True, return_counts=True)
        few = DensePoints(table=found.centres[used])
    distances = Distances(few, tile=tile)
    apart = torch.empty((len(few), len(few)), dtype=torch.float64)
    everything = torch.arange(len(few), device=few.device)
    for some in everything.split(max(1, tile // len(few))):
        apart[some.cpu()] = distances.between(some, everything).sqrt().double().cpu()
    apart = torch.maximum(apart, apart.T)  # rounding may have set the two apart
    return own, sizes.double().numpy(), apart.numpy()


def _in_turn(clusters: Int[Tensor, "s"], rng: Generator) -> tuple[Int[Tensor, "s"], Int[Tensor, "s"]]:
    """Places, one of each cluster in turn, the smallest cluster first, and the sizes of their clusters."""
    order = shuffled(torch.arange(len(clusters)), rng)
    _, own, counts = torch.unique(clusters[order], return_inverse=True, return_counts=True)
    # Of clusters of one size, the one that was drawn first.
    first = torch.full_like(counts, len(order)).scatter_reduce(0, own, torch.arange(len(order)), "amin")
    by_cluster = torch.argsort((counts * len(order) + first)[own], stable=True)
    _, lengths = torch.unique_consecutive(own[by_cluster], return_counts=True)
    turn = torch.arange(len(order)) - (lengths.cumsum(0) - lengths).repeat_interleave(lengths)
    chosen = by_cluster[torch.argsort(turn, stable=True)]
    return order[chosen], counts[own[chosen]]
