"""Fisher information about a last layer, of single rows and of sums of them.

A softmax layer with input ``h`` and answer ``p`` has the information ``I(x) = (diag p - p p^T) (x) h h^T``. The first
factor has rank ``c - 1``, because only differences between classes count, so one class is left out and taken for the
zero of the others: ``I(x) = V V^T`` with ``V = W (x) h``, ``W`` being the Cholesky factor of the rest, known in closed
form (tanabe1992exact). A linear layer for regression has ``V = h``. ``V`` is never written out.
"""

from __future__ import annotations

import torch

from querist.core.errors import DataError
from querist.core.types import Float, Int, Tensor
from querist.selectors.points import DensePoints, Rows


class Information:
    """Information of each row of a table about the last layer, kept in factors.

    Args:
        inputs: what the layer sees, ``[n d]``.
        probs: what it answers, ``[n c]``; ``None`` for regression.
        tile: numbers in double precision that stand in memory at once.

    Raises:
        DataError: another number of rows, or no distribution; names the position.

    Example:
        >>> even, input = DensePoints(table=torch.tensor([[0.5, 0.5]])), DensePoints(table=torch.tensor([[2.0]]))
        >>> Information(input, even, tile=9).mean(torch.tensor([0])).item()   # p (1 - p) h^2
        1.0
    """

    def __init__(self, inputs: DensePoints, probs: DensePoints | None, *, tile: int) -> None:
        self.inputs, self.probs, self.tile = inputs, probs, tile
        self.width = inputs.width
        self.rank = rank(probs)
        """Directions in which one row informs, ``r``."""
        self.size = self.rank * self.width
        """Parameters of the layer that can be told apart, ``p = r d``."""
        if probs is not None:
            _refuse_no_distribution(probs, len(inputs), tile)

    @property
    def device(self) -> torch.device:
        """Where the table lives."""
        return self.inputs.device

    def factors(self, rows: Rows) -> tuple[Float[Tensor, "b d"], Float[Tensor, "b r r"]]:
        """``h`` and ``W`` of some rows, in double precision."""
        inputs = self.inputs.rows(rows).double()
        if self.probs is None:
            return inputs, inputs.new_ones(len(inputs), 1, 1)
        probs = self.probs.rows(rows).double()
        probs = probs / probs.sum(1, keepdim=True)
        left = probs.flip(1).cumsum(1).flip(1)  # what this class and the later ones have
        here, before, after = probs[:, :-1], left[:, :-1], left[:, 1:]
        tiny = torch.finfo(torch.float64).tiny
        column = (here / (before * after).clamp_min(tiny)).sqrt()
        roots = (-here[:, :, None] * column[:, None, :]).tril(-1)
        # Once nothing is left for later classes their own probabilities are 0, and so are their rows.
        roots.diagonal(dim1=1, dim2=2).copy_((here * after / before.clamp_min(tiny)).sqrt())
        return inputs, roots

    def prior(self, strength: float) -> Float[Tensor, "p p"]:
        """``strength`` times the identity over the parameters of all classes, as the differences see it."""
        c = self.rank + 1
        among = torch.eye(self.rank, dtype=torch.float64, device=self.device)
        if self.probs is not None:
            among -= 1 / c
        return torch.kron(strength * among, torch.eye(self.width, dtype=torch.float64, device=self.device))

    def ceilings(self, pos: Int[Tensor, "q"], strength: float) -> Float[Tensor, "q"]:
        """No less than ``tr(A (I + A)^-1)``, ``A = V^T X^-1 V``, for any ``X`` that holds the prior and information."""
        # A has at most the trace that the prior alone leaves it, and is worth most with that shared out evenly.
        found = []
        for some in pos.split(max(1, self.tile // (self.width + self.rank + 1))):
            total = self.inputs.rows(some).double().square().sum(1) / strength
            if self.probs is not None:
                probs = self.probs.rows(some).double()
                total *= 1 - (probs / probs.sum(1, keepdim=True)).square().sum(1)
            found.append(self.rank * total / (self.rank + total))
        return torch.cat(found)

    def mean(self, pos: Int[Tensor, "q"]) -> Float[Tensor, "p p"]:
        """Mean information of the rows at ``pos``; 0 without any."""
        r, d = self.rank, self.width
        total = torch.zeros(r, d, r, d, dtype=torch.float64, device=self.device)
        for some in pos.split(max(1, self.tile // (self.size + 2 * r * r))):
            inputs, roots = self.factors(some)
            among = roots @ roots.transpose(1, 2)
            for a in range(r):
                weighted = among[:, a, a:, None] * inputs[:, None]
                total[a, :, a:] += (inputs.T @ weighted.flatten(1)).view(d, r - a, d)
        for a in range(r):
            total[a + 1 :, :, a] = total[a, :, a + 1 :].transpose(0, 1)
        return total.view(self.size, self.size) / max(1, len(pos))


def rank(probs: DensePoints | None) -> int:
    """Directions in which one row informs a last layer."""
    return 1 if probs is None else max(0, probs.width - 1)


def _refuse_no_distribution(probs: DensePoints, n: int, tile: int) -> None:
    if len(probs) != n:
        raise DataError(f"{len(probs)} rows of probabilities were given for {n} points")
    step = max(1, tile // max(1, probs.width))
    for start in range(0, n, step):
        rows = probs.rows(slice(start, min(start + step, n)))
        off = torch.nonzero(((rows.sum(1) - 1).abs() > 1e-3) | (rows < 0).any(1)).flatten()
        if len(off):
            raise DataError(
                f"probabilities of position {start + int(off[0])} do not sum to one", hint="pass a softmax of scores"
            )
