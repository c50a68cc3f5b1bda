"""Points that a selector measures distances between: a dense table, or outer products kept in their factors.

A last-layer gradient is ``coefficients[i] (x) embeddings[i]``: ``c * d`` numbers that never need to stand in
memory, because norms and products of outer products factor:

    |a (x) h|^2 = |a|^2 |h|^2          <a (x) h, a' (x) h'> = <a, a'> <h, h'>

Distances of both kinds come from the same two questions: ``|x - y|^2 = |x|^2 + |y|^2 - 2 <x, y>``. Tables may be mapped
from files and hold half-precision or whole numbers: rows are read, and made float32, a block at a time.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError, NonFinite
from querist.core.types import Float, Int, Shaped, Tensor
from querist.selectors.memory import note_rows

TILE = 1 << 20
"""Numbers of a table of products that stand in memory at once (4 MB: about the cache of a core)."""
_SOME = 4096
"""Rows, spread over the table, that tell where it lies."""
Rows = slice | Tensor
"""Some rows: a slice is viewed where it can be, positions are gathered."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FactoredPoints:
    """``n`` outer products, kept as two thin tables.

    Args:
        left: ``a`` of each point, ``[n c]``.
        right: ``h`` of each point, ``[n d]``.

    Example:
        >>> a, h = torch.tensor([[1.0, -1.0]]), torch.tensor([[3.0, 4.0]])
        >>> FactoredPoints(left=a, right=h).squared_norms.item()   # 2 * 25
        50.0
    """

    left: Shaped[Tensor, "n c"]
    right: Shaped[Tensor, "n d"]

    def __len__(self) -> int:
        return self.left.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the tables live."""
        return self.left.device

    @property
    def dtype(self) -> torch.dtype:
        """What is computed in."""
        return torch.promote_types(_precision(self.left), _precision(self.right))

    @property
    def width(self) -> int:
        """Numbers that a point is kept in."""
        return self.left.shape[1] + self.right.shape[1]

    def take(self, rows: Rows) -> FactoredPoints:
        """Some of the points, as points."""
        return FactoredPoints(left=_rows(self.left, rows, self.dtype), right=_rows(self.right, rows, self.dtype))

    @cached_property
    def squared_norms(self) -> Float[Tensor, "n"]:
        """Squared length of each point."""
        return (_lengths(self.left, self.dtype) * _lengths(self.right, self.dtype)).square()

    def products(self, pos: Int[Tensor, "q"], rows: Rows = slice(None)) -> Float[Tensor, "r q"]:
        """Inner product of every point (or those at ``rows``) with those at ``pos``."""
        return self.take(rows).products_with(self.take(pos))

    def products_with(self, others: FactoredPoints) -> Float[Tensor, "r q"]:
        """Inner product of every point with every one of the others."""
        left, right = (_rows(table, slice(None), self.dtype) for table in (self.left, self.right))
        return products(left, others.left).mul_(products(right, others.right))

    def dense(self) -> Float[Tensor, "n p"]:
        """The points written out, ``p = c * d``. For tests and small tables."""
        whole = self.take(slice(None))
        return torch.einsum("nc,nd->ncd", whole.left, whole.right).flatten(1)


@dataclass(frozen=True, kw_only=True, eq=False)
class DensePoints:
    """``n`` vectors, one a row; the same questions as :class:`FactoredPoints`.

    Args:
        table: ``[n d]`` numbers of any kind.
        origin: ``[d]``, subtracted from every row as it is read; nothing if ``None``.
        scale: ``[n]``, by which a row is then multiplied; 1 if ``None``.
    """

    table: Shaped[Tensor, "n d"]
    origin: Float[Tensor, "d"] | None = None
    scale: Float[Tensor, "n"] | None = None

    def __len__(self) -> int:
        return self.table.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the table lives."""
        return self.table.device

    @property
    def dtype(self) -> torch.dtype:
        """What is computed in."""
        return _precision(self.table)

    @property
    def width(self) -> int:
        """Numbers that a point is kept in."""
        return self.table.shape[1]

    def rows(self, rows: Rows = slice(None)) -> Float[Tensor, "r d"]:
        """Some rows as they are computed with; a view of the table where nothing has to be done to them."""
        block = _rows(self.table, rows, self.dtype)
        if self.origin is not None:
            block = block - self.origin
        return block if self.scale is None else block * self.scale[rows, None]

    def take(self, rows: Rows) -> DensePoints:
        """Some of the points, as points."""
        return DensePoints(table=self.rows(rows))

    @cached_property
    def squared_norms(self) -> Float[Tensor, "n"]:
        """Squared length of each point."""
        lengths = _lengths(self.table, self.dtype, self.origin)
        return (lengths if self.scale is None else lengths * self.scale).square()

    def products(self, pos: Int[Tensor, "q"], rows: Rows = slice(None)) -> Float[Tensor, "r q"]:
        """Inner product of every point (or those at ``rows``) with those at ``pos``."""
        return products(self.rows(rows), self.rows(pos))

    def products_with(self, others: DensePoints) -> Float[Tensor, "r q"]:
        """Inner product of every point with every one of the others."""
        return products(self.rows(), others.rows())


Points = DensePoints | FactoredPoints


def products(rows: Float[Tensor, "r d"], columns: Float[Tensor, "q d"]) -> Float[Tensor, "r q"]:
    """Inner product of every row with every column, where they live and in the type they have.

    The one place that chooses how products are computed: by torch, on the CPU too, where NumPy's library is a little
    faster for large blocks. Two libraries in one computation are two sets of threads, which wait for work by spinning
    and take the cores from each other (docs/decisions/0007-one-set-of-threads.md has the figures).

    Example:
        >>> products(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]])).tolist()
        [[11.0, 2.0]]
    """
    if len(columns) == 1 and rows.device.type == "cpu":
        # One column is read by one thread; a second column, though thrown away, brings in the others. It has to be a
        # column of its own: one that is expanded is first copied into an order that is five to twenty times slower.
        return (rows @ columns.repeat(2, 1).T)[:, :1]
    return rows @ columns.T


def as_points(points: Any) -> Points:
    """``points`` as something distances can be asked of; the table is viewed, never copied.

    Args:
        points: ``[n d]`` torch tensor or numpy array (mapped from a file too), or points made of one.

    Raises:
        DataError: not a table of numbers.
        NonFinite: NaN or infinity; names the first position.
    """
    made = points if isinstance(points, DensePoints | FactoredPoints) else DensePoints(table=as_table(points))
    _refuse_non_finite(made.squared_norms)
    return made


def as_table(array: Any, *, axes: str | None = "n d") -> Tensor:
    """An array as a tensor that shares its memory.

    Args:
        array: torch tensor or numpy array, mapped from a file too.
        axes: what it must have; anything if ``None``.

    Raises:
        DataError: not numbers, or another number of axes.
    """
    if isinstance(array, np.ndarray):
        if array.dtype.kind not in "fiub":
            raise DataError(f"an array of {array.dtype} holds no numbers", hint="give floating-point numbers")
        with warnings.catch_warnings():
            # Nothing here writes to the points, so a read-only array is as good as any.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            native = array.astype(array.dtype.newbyteorder("="), copy=False)
            array = torch.from_numpy(native if min(native.strides, default=0) >= 0 else native.copy())
    table = torch.as_tensor(array)
    if axes is not None and table.ndim != len(axes.split()):
        what = {"n d": "points", "n": "scores"}.get(axes, "samples")
        raise DataError(f"{what} have the shape {list(table.shape)}", hint=f"give [{axes}]")
    return table.detach()


def unit(points: Points) -> Points:
    """The same directions, all of length 1; zero vectors stay what they are. No table is copied."""
    lengths = points.squared_norms.sqrt()
    scale = torch.where(lengths > 0, 1 / lengths, torch.zeros_like(lengths))
    if isinstance(points, FactoredPoints):
        return FactoredPoints(left=_rows(points.left, slice(None), points.dtype) * scale[:, None], right=points.right)
    return DensePoints(
        table=points.table, origin=points.origin, scale=scale if points.scale is None else scale * points.scale
    )


def centred(points: DensePoints) -> DensePoints:
    """The points as they are, or, where they lie far from the origin, as seen from the mean of some of them."""
    some = points.rows(slice(None, None, 1 + len(points) // _SOME))
    if not len(some) or points.scale is not None:
        return points
    middle = some.mean(0)
    far = float(middle.square().sum()) > 0.9 * float(some.square().sum(1).mean())
    return DensePoints(table=points.table, origin=middle) if far else points


class Distances:
    """Squared Euclidean distances between points, safe against rounding.

    A difference of large numbers is noise below their last digit. What is under that bound counts as 0, so
    duplicates are exactly 0 apart and no distance is negative. A dense table that lies far from the origin loses
    digits for nothing: the mean of some rows is taken off each block as it is read.

    Args:
        points: what lies apart.
        tile: numbers of a table of distances that stand in memory at once.
        norms: squared lengths of the points, where they are known already.

    Example:
        >>> apart = Distances(as_points(torch.tensor([[0.0, 3.0], [4.0, 0.0], [0.0, 3.0]])))
        >>> apart.between(torch.tensor([0]), torch.tensor([1, 2])).tolist()
        [[25.0, 0.0]]
    """

    def __init__(self, points: Points, *, tile: int = TILE, norms: Tensor | None = None) -> None:
        self.tile = tile
        if norms is None and isinstance(points, DensePoints):
            points = centred(points)
        self.norms = points.squared_norms if norms is None else norms
        self.points = points
        self._noise = 8 * torch.finfo(self.norms.dtype).eps

    def __len__(self) -> int:
        return len(self.norms)

    def take(self, rows: Rows) -> Distances:
        """Distances between some of the points, which are gathered: worth it where they are asked for often."""
        return Distances(self.points.take(rows), tile=self.tile, norms=self.norms[rows])

    def between(self, rows: Rows, pos: Int[Tensor, "q"]) -> Float[Tensor, "r q"]:
        """Squared distance of each of ``rows`` to each of ``pos``."""
        return self._squared(self.points.products(pos, rows), self.norms[rows], self.norms[pos])

    def to(self, others: Distances, rows: Rows = slice(None)) -> Float[Tensor, "r q"]:
        """Squared distance of every point (or those at ``rows``) to every one of the others."""
        mine = self.points.take(rows).products_with(others.points)  # type: ignore[arg-type]
        return self._squared(mine, self.norms[rows], others.norms)

    def nearest(self, so_far: Float[Tensor, "n"], pos: Int[Tensor, "q"]) -> None:
        """Lower ``so_far`` in place to the squared distance of every point to the nearest of ``pos``."""
        for some in pos.split(256) if len(pos) else ():
            others = self.take(some)
            step = max(1, self.tile // max(len(some), self.points.width))
            for start in range(0, len(so_far), step):
                rows = slice(start, min(start + step, len(so_far)))
                torch.minimum(so_far[rows], self.to(others, rows).amin(1), out=so_far[rows])

    def _squared(self, inner: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        size = rows[:, None] + columns
        squared = torch.add(size, inner, alpha=-2, out=inner)
        return squared.masked_fill_(squared <= size.mul_(self._noise), 0)


def _precision(table: Tensor) -> torch.dtype:
    return torch.float64 if table.dtype == torch.float64 else torch.float32


def _rows(table: Tensor, rows: Rows, dtype: torch.dtype) -> Tensor:
    block = table[rows].to(dtype)
    note_rows(len(block), block.numel())
    return block


def _lengths(table: Tensor, dtype: torch.dtype, origin: Tensor | None = None) -> Float[Tensor, "n"]:
    if table.dtype == dtype and origin is None:
        return torch.linalg.vector_norm(table, dim=1)
    blocks = table.split(max(1, TILE // max(1, table.shape[1])))
    made = (block.to(dtype) if origin is None else block - origin for block in blocks)
    return torch.cat([torch.linalg.vector_norm(block, dim=1) for block in made])


def _refuse_non_finite(norms: Float[Tensor, "n"]) -> None:
    bad = torch.nonzero(~torch.isfinite(norms))
    if len(bad):
        raise NonFinite("the vector", int(bad[0]))
