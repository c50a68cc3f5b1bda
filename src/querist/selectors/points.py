"""Points that a selector measures distances between: a dense table, or outer products kept in their factors.

A last-layer gradient is ``coefficients[i] (x) embeddings[i]``: ``c * d`` numbers that never need to stand in
memory, because norms and products of outer products factor:

    |a (x) h|^2 = |a|^2 |h|^2          <a (x) h, a' (x) h'> = <a, a'> <h, h'>

Distances of both kinds come from the same two questions: ``|x - y|^2 = |x|^2 + |y|^2 - 2 <x, y>``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError, NonFinite
from querist.core.types import Float, Int, Tensor

_TILE = 1 << 22
"""Numbers of a table of products that stand in memory at once (16 MB)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FactoredPoints:
    """``n`` outer products, kept as two thin tables.

    Args:
        left: ``a`` of each point, ``[n c]``.
        right: ``h`` of each point, ``[n d]``.

    Example:
        >>> a, h = torch.tensor([[1.0, -1.0]]), torch.tensor([[3.0, 4.0]])
        >>> FactoredPoints(left=a, right=h).squared_norms().item()   # 2 * 25
        50.0
    """

    left: Float[Tensor, "n c"]
    right: Float[Tensor, "n d"]

    def __len__(self) -> int:
        return self.left.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the tables live."""
        return self.left.device

    def squared_norms(self) -> Float[Tensor, "n"]:
        """Squared length of each point."""
        return _squared_lengths(self.left) * _squared_lengths(self.right)

    def products(self, pos: Int[Tensor, "q"], rows: slice | Tensor = slice(None)) -> Float[Tensor, "r q"]:
        """Inner product of every point (or those at ``rows``) with those at ``pos``."""
        return (self.left[rows] @ self.left[pos].T) * (self.right[rows] @ self.right[pos].T)

    def dense(self) -> Float[Tensor, "n p"]:
        """The points written out, ``p = c * d``. For tests and small tables."""
        return torch.einsum("nc,nd->ncd", self.left, self.right).flatten(1)


@dataclass(frozen=True, kw_only=True, eq=False)
class DensePoints:
    """``n`` vectors, one a row; the same questions as :class:`FactoredPoints`.

    Args:
        table: ``[n d]``, floating point.
    """

    table: Float[Tensor, "n d"]

    def __len__(self) -> int:
        return self.table.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the table lives."""
        return self.table.device

    def squared_norms(self) -> Float[Tensor, "n"]:
        """Squared length of each point."""
        return _squared_lengths(self.table)

    def products(self, pos: Int[Tensor, "q"], rows: slice | Tensor = slice(None)) -> Float[Tensor, "r q"]:
        """Inner product of every point (or those at ``rows``) with those at ``pos``."""
        return self.table[rows] @ self.table[pos].T


Points = DensePoints | FactoredPoints


def as_points(points: Any) -> Points:
    """``points`` as something distances can be asked of; a table is viewed, not copied, where its type allows.

    Args:
        points: ``[n d]`` torch tensor or numpy array (memory-mapped too), or factored points.

    Raises:
        DataError: not a table of numbers.
        NonFinite: NaN or infinity; names the first position.
    """
    if isinstance(points, FactoredPoints):
        _refuse_non_finite(points.squared_norms())
        return points
    if isinstance(points, np.ndarray):
        with warnings.catch_warnings():
            # Nothing here writes to the points, so a read-only array is as good as any.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            points = torch.from_numpy(points)
    table = torch.as_tensor(points)
    if table.ndim != 2:
        raise DataError(f"points have the shape {list(table.shape)}", hint="give one vector a row, [n d]")
    if table.dtype not in (torch.float32, torch.float64):
        table = table.float()
    dense = DensePoints(table=table)
    _refuse_non_finite(dense.squared_norms())
    return dense


class Distances:
    """Squared Euclidean distances between points, safe against rounding.

    A difference of large numbers is noise below their last digit. What is under that bound counts as 0, so
    duplicates are exactly 0 apart and no distance is negative. A dense table that lies far from the origin loses
    digits for nothing: it is moved to its mean first (the one case in which a copy is made).

    Example:
        >>> apart = Distances(as_points(torch.tensor([[0.0, 3.0], [4.0, 0.0], [0.0, 3.0]])))
        >>> apart.between(torch.tensor([0]), torch.tensor([1, 2])).tolist()
        [[25.0, 0.0]]
    """

    def __init__(self, points: Points) -> None:
        self.norms = points.squared_norms()
        if isinstance(points, DensePoints) and len(points):
            mean = points.table.mean(0)
            if float(mean.square().sum()) > 0.9 * float(self.norms.mean()):
                points = DensePoints(table=points.table - mean)
                self.norms = points.squared_norms()
        self.points = points
        self._noise = 8 * torch.finfo(self.norms.dtype).eps

    def between(self, rows: slice | Tensor, pos: Int[Tensor, "q"]) -> Float[Tensor, "r q"]:
        """Squared distance of each of ``rows`` to each of ``pos``."""
        size = self.norms[rows, None] + self.norms[pos]
        squared = torch.add(size, self.points.products(pos, rows), alpha=-2)
        return squared.masked_fill_(squared <= self._noise * size, 0)

    def nearest(self, so_far: Float[Tensor, "n"], pos: Int[Tensor, "q"]) -> None:
        """Lower ``so_far`` in place to the squared distance of every point to the nearest of ``pos``."""
        n, step = len(so_far), max(1, _TILE // max(1, min(len(pos), 256)))
        for block in pos.split(256) if len(pos) else ():
            for start in range(0, n, step):
                rows = slice(start, min(start + step, n))
                torch.minimum(so_far[rows], self.between(rows, block).amin(1), out=so_far[rows])


def _squared_lengths(table: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    # Block by block: the squares are as large as the table.
    rows = max(1, _TILE // max(1, table.shape[1]))
    return torch.cat([block.square().sum(-1) for block in table.split(rows)])


def _refuse_non_finite(norms: Float[Tensor, "n"]) -> None:
    bad = torch.nonzero(~torch.isfinite(norms))
    if len(bad):
        raise NonFinite("the vector", int(bad[0]))
