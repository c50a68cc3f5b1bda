"""Points that a selector measures distances between: a dense table, or outer products kept in their factors.

A last-layer gradient is ``coefficients[i] (x) embeddings[i]``: ``c * d`` numbers that never need to stand in
memory, because norms and products of outer products factor:

    |a (x) h|^2 = |a|^2 |h|^2          <a (x) h, a' (x) h'> = <a, a'> <h, h'>
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from querist.core.types import Float, Int, Tensor


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

    def squared_norms(self) -> Float[Tensor, "n"]:
        """Squared length of each point."""
        return self.left.square().sum(-1) * self.right.square().sum(-1)

    def products(self, pos: Int[Tensor, "q"]) -> Float[Tensor, "n q"]:
        """Inner product of every point with those at ``pos``."""
        return (self.left @ self.left[pos].T) * (self.right @ self.right[pos].T)

    def dense(self) -> Float[Tensor, "n p"]:
        """The points written out, ``p = c * d``. For tests and small tables."""
        return torch.einsum("nc,nd->ncd", self.left, self.right).flatten(1)
