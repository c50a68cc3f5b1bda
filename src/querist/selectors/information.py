"""Fisher information about a last layer: of single rows, of sums of them, and what one row more changes.

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

LEAST = 1e-13
"""What is left of 1 at least where something up to 1 is taken from it in double precision."""


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


class Design:
    """``M = X^-1`` and ``N = M F M``, where ``X`` is the information at hand and ``F`` what it is to serve.

    What is minimised is ``tr(M F)``. One row changes both by rank ``r``: with ``K = (I + V^T M V)^-1 = C C^T``,
    ``U = M V C`` and ``P = N V C - U (C^T V^T N V C) / 2``, putting it in makes them ``M - U U^T`` and
    ``N - U P^T - P U^T``, and taking it out (``I - V^T M V``) the same with plus signs.

    Args:
        precision: ``X``, ``[p p]``.
        target: ``F``, ``[p p]``.
        rank: ``r`` of a row.
    """

    def __init__(self, precision: Float[Tensor, "p p"], target: Float[Tensor, "p p"], *, rank: int) -> None:
        self._rank, self._width = rank, len(precision) // rank
        self.inverse = torch.cholesky_inverse(torch.linalg.cholesky(precision))
        self.trace = float((self.inverse * target).sum())
        self.product = self.inverse @ target @ self.inverse

    def within(
        self, inputs: Float[Tensor, "b d"], roots: Float[Tensor, "b r r"]
    ) -> tuple[Float[Tensor, "b r r"], Float[Tensor, "b r r"]]:
        """``V^T M V`` and ``V^T N V`` of some rows with these factors, from nothing."""
        return self._form(self.inverse, inputs, roots), self._form(self.product, inputs, roots)

    def change(
        self,
        vector: Float[Tensor, "d"],
        root: Float[Tensor, "r r"],
        inner: Float[Tensor, "r r"],
        outer: Float[Tensor, "r r"],
        *,
        sign: int,
    ) -> Float[Tensor, "d 2*r*r"]:
        """Put a row with these factors in (``sign`` 1) or take it out (-1).

        Args:
            vector: its ``h``.
            root: its ``W``.
            inner: its ``V^T M V``, as of now.
            outer: its ``V^T N V``.
            sign: 1 or -1.

        Returns:
            ``U`` and ``P`` side by side: what every other row has to be multiplied with.
        """
        r, d = self._rank, self._width
        values, vectors = torch.linalg.eigh(inner)
        # Never 0: a row that nearly all is known from cannot be taken out by more than rounding allows.
        half = vectors * (1 + sign * values).clamp_min(LEAST).rsqrt()
        moved = [table.view(-1, r, d) @ vector @ (root @ half) for table in (self.inverse, self.product)]
        moved[1] -= 0.5 * sign * moved[0] @ (half.T @ outer @ half)
        self.inverse.addmm_(moved[0], moved[0].T, alpha=-sign)
        both = torch.cat([moved[0], moved[1]], 1)
        self.product.addmm_(both, both.roll(r, 1).T, alpha=-sign)
        return both.view(r, d, 2 * r).transpose(0, 1).reshape(d, -1)

    def _form(self, table: Tensor, inputs: Tensor, roots: Tensor) -> Tensor:
        r, d = self._rank, self._width
        blocks = table.view(r, d, r, d)
        plain = roots.new_empty(len(inputs), r, r)
        for a in range(r):
            half = (inputs @ blocks[a, :, a:].reshape(d, -1)).view(len(inputs), r - a, d)
            plain[:, a, a:] = half.mul_(inputs[:, None]).sum(2)
            plain[:, a + 1 :, a] = plain[:, a, a + 1 :]
        return roots.transpose(1, 2) @ plain @ roots


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
