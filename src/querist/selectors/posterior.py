"""What a linear model would still not know about every point, once some points are labelled.

Let ``f`` be a random linear function with unit prior, seen at some points with noise of variance ``s2``. Its variance
at ``x``, given what is seen, is ``v(x) = k(x, x) - k(x, S) (K_SS + s2 I)^-1 k(S, x)`` with ``k(x, y) = <x, y>``: a
pivot of the Cholesky factorisation of the kernel. Kept in features, and not in columns of the kernel, the factor takes
one vector a seen point instead of one number a row: memory is ``O(n + k p)`` and nothing is ``n`` by ``k``.
"""

from __future__ import annotations

import copy

import torch

from querist.core.types import Float, Int, Tensor
from querist.selectors.points import DensePoints, FactoredPoints, Points

TILE = 1 << 19
"""Numbers in double precision that stand in memory at once (4 MB: they stay in the cache of a core)."""
_ROUNDING = 1e-11
"""Share of a squared length below which a variance is rounding, and counts as 0."""
_COARSE = 1e-3
"""Noise from which on products in single precision do: their errors are a millionth of a squared length."""


class Posterior:
    """Variances that fall as points are seen, in double precision: pivots are small differences of large numbers.

    Where so much noise is added to each that rounding cannot matter, products are taken in the points' own precision.

    Args:
        points: one feature vector a row.
        noise: variance ``s2`` of what is seen, in mean squared lengths; 0 is plain orthogonalisation.
        tile: numbers in double precision that stand in memory at once.

    Example:
        >>> posterior = Posterior(DensePoints(table=torch.tensor([[2.0, 0.0], [1.0, 0.0], [0.0, 3.0]])))
        >>> posterior.see(torch.tensor([0]))
        >>> posterior.variance.tolist()
        [0.0, 0.0, 9.0]
    """

    def __init__(self, points: Points, *, noise: float = 0.0, tile: int = TILE) -> None:
        self.points, self._tile = points, tile
        self._dtype = points.dtype if noise >= _COARSE else torch.float64
        # Of the features in double precision: what is left of a length in the end may be a millionth of it.
        every = torch.arange(len(points), device=points.device)
        step = max(1, tile // width(points))
        self._norms = torch.cat([_at(points, pos, torch.float64).squared_norms for pos in every.split(step)])
        self.noise = noise * float(self._norms.mean())
        self.variance: Float[Tensor, "n"] = self._norms.clone()
        self._seen = torch.empty((0, width(points)), dtype=self._dtype, device=points.device)

    def copy(self) -> Posterior:
        """The same knowledge, to go on with apart."""
        other = copy.copy(self)
        other.variance = self.variance.clone()
        return other

    def part(self, pos: Int[Tensor, "q"]) -> Posterior:
        """The same knowledge of some points alone, gathered, to go on with apart."""
        other = copy.copy(self)
        other.points, other.variance, other._norms = self.points.take(pos), self.variance[pos], self._norms[pos]
        return other

    def covariance(self, pos: Int[Tensor, "b"]) -> Float[Tensor, "b b"]:
        """Posterior covariance of a few points."""
        return self._covariance(_at(self.points, pos, self._dtype)).double()

    def see(self, pos: Int[Tensor, "q"]) -> None:
        """Condition on points whose variance is above 0 (or any, where there is noise)."""
        self.see_points(self.points.take(pos))

    def see_points(self, points: Points) -> None:
        """Condition on points of any table, of which none may be known already unless there is noise."""
        if not len(points):
            return
        block = _at(points, slice(None), self._dtype)
        new = block.dense() if isinstance(block, FactoredPoints) else block.table
        new = new - self._project(block, self._seen) @ self._seen
        if self.noise == 0:
            new = new - (new @ self._seen.T) @ self._seen  # twice is enough for orthogonality
        pivots = self._covariance(block)
        pivots.diagonal().add_(self.noise)
        new = torch.linalg.solve_triangular(torch.linalg.cholesky(pivots), new, upper=False)
        self._seen = torch.cat([self._seen, new])
        step = max(1, self._tile // (self._seen.shape[1] + len(new) * (1 + _height(self.points))))
        for start in range(0, len(self.variance), step):
            rows = slice(start, min(start + step, len(self.variance)))
            self.variance[rows] -= self._project(_at(self.points, rows, self._dtype), new).square().sum(1)
        self.variance[self.variance <= _ROUNDING * self._norms] = 0

    def _covariance(self, block: Points) -> Float[Tensor, "b b"]:
        known = self._project(block, self._seen)
        return block.products_with(block) - known @ known.T  # type: ignore[arg-type]

    def _project(self, block: Points, onto: Float[Tensor, "q p"]) -> Float[Tensor, "r q"]:
        """Inner products of points with vectors of the factor."""
        if isinstance(block, DensePoints):
            return block.table @ onto.T
        c, d = block.left.shape[1], block.right.shape[1]
        thin = block.right @ onto.reshape(-1, d).T  # <h, w_c> of every class c, [r q * c]
        return torch.einsum("rqc,rc->rq", thin.reshape(len(block), -1, c), block.left)


def _at(points: Points, rows: slice | Tensor, dtype: torch.dtype) -> Points:
    """Some of the points, in a precision."""
    if isinstance(points, DensePoints):
        return DensePoints(table=points.rows(rows).to(dtype))
    block = points.take(rows)
    return FactoredPoints(left=block.left.to(dtype), right=block.right.to(dtype))


def _height(points: Points) -> int:
    return points.left.shape[1] if isinstance(points, FactoredPoints) else 1


def width(points: Points) -> int:
    """Numbers that a point has once it is written out."""
    return _height(points) * points.right.shape[1] if isinstance(points, FactoredPoints) else points.table.shape[1]
