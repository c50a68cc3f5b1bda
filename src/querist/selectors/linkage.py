"""Average linkage: join the two clusters that are nearest on average, again and again.

The update of lance1967general gives the mean distance to a joined cluster from those to its parts, each counted as
often as it has members, so it is exact for cells of many points, too. Chains of nearest neighbours (murtagh1983survey)
find the same joins as a search for the nearest pair would, because a join never brings a cluster nearer to another.
Cost: ``O(c^2)`` time and memory for ``c`` cells, in a loop over cells: meant for a bounded number of them.
"""

from __future__ import annotations

import numpy as np

from querist.core.types import Float, Int


def average_linkage(
    apart: Float[np.ndarray, "c c"], sizes: Float[np.ndarray, "c"]
) -> tuple[Int[np.ndarray, "joins 2"], Float[np.ndarray, "joins"]]:
    """The ``c - 1`` joins, the nearest first, and the mean distances at which they happen.

    Args:
        apart: distances between cells, symmetric to the last digit; the table is used up.
        sizes: points in each cell.

    Returns:
        Pairs of cells, one of each cluster that is joined, and heights.

    Example:
        >>> x = np.array([[0.0], [1.0], [5.0]])
        >>> pairs, heights = average_linkage(np.abs(x - x.T), np.ones(3))
        >>> pairs.tolist(), heights.tolist()   # 4.5 = (5 + 4) / 2
        ([[1, 0], [2, 0]], [1.0, 4.5])
    """
    sizes = sizes.astype(np.float64)
    np.fill_diagonal(apart, np.inf)
    pairs = np.empty((len(apart) - 1, 2), dtype=np.int64)
    heights = np.empty(len(pairs))
    left = np.ones(len(apart), dtype=bool)
    chain: list[int] = []
    for join in range(len(pairs)):
        if not chain:
            chain.append(int(left.argmax()))
        while True:
            end = chain[-1]
            nearest = int(apart[end].argmin())
            # Of equals the one before, or the chain would run in circles.
            if len(chain) > 1 and apart[end, chain[-2]] <= apart[end, nearest]:
                break
            chain.append(nearest)
        gone, kept = chain.pop(), chain.pop()
        gone, kept = max(gone, kept), min(gone, kept)
        pairs[join] = gone, kept
        heights[join] = apart[gone, kept]
        mean = (sizes[gone] * apart[gone] + sizes[kept] * apart[kept]) / (sizes[gone] + sizes[kept])
        mean[kept] = np.inf
        apart[kept], apart[:, kept] = mean, mean
        apart[gone], apart[:, gone] = np.inf, np.inf
        sizes[kept] += sizes[gone]
        left[gone] = False
    order = np.argsort(heights, kind="stable")
    return pairs[order], heights[order]


def cut(
    pairs: Int[np.ndarray, "joins 2"], heights: Float[np.ndarray, "joins"], *, clusters: int
) -> Int[np.ndarray, "c"]:
    """The cluster of each cell when there are ``clusters`` of them, or fewer where cells coincide.

    Example:
        >>> cut(np.array([[1, 0], [2, 0]]), np.array([1.0, 4.5]), clusters=2).tolist()
        [0, 0, 1]
    """
    joined = max(len(pairs) + 1 - clusters, int((heights <= 0).sum()))
    parent = np.arange(len(pairs) + 1)
    for gone, kept in pairs[:joined].tolist():
        parent[_root(parent, gone)] = _root(parent, kept)
    roots = [_root(parent, cell) for cell in range(len(parent))]
    return np.unique(roots, return_inverse=True)[1]


def _root(parent: np.ndarray, cell: int) -> int:
    while parent[cell] != cell:
        parent[cell] = parent[parent[cell]]
        cell = parent[cell]
    return int(cell)
