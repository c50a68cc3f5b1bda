"""Experimental design: what one row more, or one less, would change in ``tr(X^-1 F)``, for many rows at once.

``X`` is the information at hand, ``F`` what it is to serve, and a row adds ``I(x) = V V^T`` to ``X``, of rank ``r``.
With ``M = X^-1`` two small tables tell what a row would change, ``A = V^T M V`` and ``B = V^T M F M V``: putting it in
takes ``tr(B (I + A)^-1)`` off the trace, taking it out adds ``tr(B (I - A)^-1)``. Each change of ``X`` moves the tables
of all rows by products with ``2 r`` vectors, so nothing is computed twice.
"""

from __future__ import annotations

import torch

from querist.core.types import Float, Tensor

LEAST = 1e-13
"""What is left of 1 at least where something up to 1 is taken from it in double precision."""


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
        self.product = self.inverse @ target @ self.inverse
        self._target = target

    @property
    def trace(self) -> float:
        """``tr(M F)``, never below 0."""
        return max(0.0, float(self.inverse.flatten() @ self._target.flatten()))

    @property
    def largest(self) -> float:
        """No less than the largest eigenvalue of ``M F``, and hardly more."""
        root, failed = torch.linalg.cholesky_ex(self.inverse)
        if int(failed):
            return self.trace
        rounding = len(root) * torch.finfo(root.dtype).eps * float(self.inverse.norm() * self._target.norm())
        return float(torch.linalg.eigvalsh(root.T @ self._target @ root)[-1]) + rounding

    def inner(self, inputs: Float[Tensor, "b d"], roots: Float[Tensor, "b r r"]) -> Float[Tensor, "b r r"]:
        """``V^T M V`` of some rows with these factors, from nothing."""
        return self._form(self.inverse, inputs, roots)

    def outer(self, inputs: Float[Tensor, "b d"], roots: Float[Tensor, "b r r"]) -> Float[Tensor, "b r r"]:
        """``V^T N V`` of some rows with these factors, from nothing."""
        return self._form(self.product, inputs, roots)

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
