"""k-DPP: sets drawn with a chance in proportion to the determinant of their kernel.

Paper: kulesza2011kdpps. The kernel ``L = F F^T`` has features of ``p`` numbers, so its eigenvectors come from the
``p x p`` matrix ``F^T F`` (the dual representation): first ``k`` of them are drawn through elementary symmetric
polynomials, then positions one at a time by the chain rule. Exact, no Markov chain. Cost: ``O(n p^2 + p^3)`` time once
and ``O(n p)`` a pick; ``O(n + p^2)`` memory beside the features.
"""

from __future__ import annotations

from typing import Any

import torch

from querist.core.errors import DataError
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, refuse_impossible, shuffled
from querist.selectors.memory import Memory
from querist.selectors.points import DensePoints, as_points

_TILE = 1 << 20
"""Numbers in double precision that stand in memory at once (8 MB)."""
_ROUNDING = 1e-12
"""Share of the largest eigenvalue (or of a whole chance) below which one is rounding, and counts as 0."""


def k_dpp(
    features: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    quality: Any = None,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions drawn as one set, ``A`` with a chance in proportion to ``det(L_A)``; their order is random.

    Long features are likely, similar ones never come together. Features of rank ``r`` allow ``r`` positions; if more
    are asked for, another set is drawn from what is left, and so on.

    Args:
        features: ``[n p]`` table (torch or numpy).
        k: how many.
        labelled: positions never returned. They repel nothing.
        candidates: positions that may be returned; all if ``None``.
        rng: draws; a generator with seed 0 if ``None``.
        quality: ``q`` of the paper, ``[n]``: how long each feature vector is taken to be, whatever its own length; that
            if ``None``.
        memory_mb: megabytes that may be taken beside the features; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open.
        NonFinite: NaN or infinity; names the position.
        DataError: features in factors.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> sorted(k_dpp(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), k=2).tolist())[1]
        2
    """
    rng = generator(0) if rng is None else rng
    points = as_points(features)
    if not isinstance(points, DensePoints):
        raise DataError("a k-DPP needs features written out", hint="pass points.dense(), or use max_det")
    free = free_positions(len(points), labelled, candidates, points.device)
    refuse_impossible(k, len(free))
    p = points.width
    # Numbers a row in double precision; the dual kernel with its vectors; sums of products; directions.
    held = 64 * len(points) + 8 * (4 * p * p + (p + 1) * (min(k, p) + 1) + 3 * p * min(k, p))
    tile = Memory("k_dpp", memory_mb, held=held).tile(_TILE, itemsize=8, least=8 * p)
    features = _Features(points, quality)
    picked = free[:0]
    while len(picked) < k:
        new = _draw_set(features, free, k - len(picked), rng, tile)
        if not len(new):  # zero vectors are all that is left
            new = shuffled(free, rng)[: k - len(picked)]
        picked = torch.cat([picked, new])
        free = free[~torch.isin(free, new)]
    return picked


class _Features:
    """Feature vectors in double precision, made as long as they shall be when they are read."""

    def __init__(self, points: DensePoints, quality: Any) -> None:
        self._points, self.width, self._scale = points, points.width, None
        if quality is not None:
            lengths = points.squared_norms.double().sqrt()
            wanted = torch.as_tensor(quality, dtype=torch.float64).to(lengths.device)
            self._scale = torch.where(lengths > 0, wanted / lengths, 0.0)

    def rows(self, pos: Int[Tensor, "q"]) -> Float[Tensor, "q p"]:
        block = self._points.rows(pos).double()
        return block if self._scale is None else block * self._scale[pos, None]


def _draw_set(features: _Features, free: Tensor, k: int, rng: Generator, tile: int) -> Int[Tensor, "q"]:
    """A draw of ``k`` positions, or of as many as the rank allows."""
    p = features.width
    blocks = free.split(max(1, tile // p)) if p else ()
    dual = torch.zeros((p, p), dtype=torch.float64, device=free.device)
    for pos in blocks:
        rows = features.rows(pos)
        dual += rows.T @ rows
    values, vectors = torch.linalg.eigh(dual)
    real = values > _ROUNDING * values.max() if len(values) else values > 0
    values, vectors = values[real], vectors[:, real]
    if not len(values):
        return free[:0]
    chosen = _draw_eigenvectors(values.log().cpu(), min(k, len(values)), rng)
    basis = vectors[:, chosen] / values[chosen].sqrt()  # rows times it: orthonormal columns
    # The chance of each position to be next, times how many are to come: its squared length outside the picks' span.
    chance = torch.cat([(features.rows(pos) @ basis).square().sum(1) for pos in blocks])
    places: list[int] = []
    directions = basis.new_empty((0, len(chosen)))
    while len(places) < len(chosen):
        chance[chance < _ROUNDING] = 0
        chance[places] = 0
        ends = chance.cumsum(0)
        if not float(ends[-1]) > 0:
            break
        draw = torch.rand((), generator=rng, dtype=torch.float64).to(ends.device) * ends[-1]
        # right=True: a draw of exactly an end belongs to the next position, so a chance of 0 is never hit.
        place = int(torch.searchsorted(ends, draw, right=True).clamp_max(len(ends) - 1))
        places.append(place)
        own = features.rows(free[place : place + 1])[0] @ basis
        for _ in range(2):  # twice is enough for orthogonality
            own = own - directions.T @ (directions @ own)
        own = own / own.norm()
        directions = torch.cat([directions, own[None]])
        along = basis @ own
        chance -= torch.cat([(features.rows(pos) @ along).square() for pos in blocks])
    return free[torch.tensor(places, dtype=torch.long, device=free.device)]


def _draw_eigenvectors(logs: Float[Tensor, "r"], k: int, rng: Generator) -> Int[Tensor, "k"]:
    """``k`` of the eigenvectors, a set with a chance in proportion to the product of its eigenvalues."""
    r = len(logs)
    # Log of the elementary symmetric polynomial of degree l in the first m eigenvalues: sums[m, l].
    sums = torch.full((r + 1, k + 1), -torch.inf, dtype=torch.float64)
    sums[:, 0] = 0
    for m in range(1, r + 1):
        sums[m, 1:] = torch.logaddexp(sums[m - 1, 1:], logs[m - 1] + sums[m - 1, :-1])
    draws = torch.rand(r, generator=rng, dtype=torch.float64).log()
    chosen: list[int] = []
    for m in range(r, 0, -1):
        left = k - len(chosen)
        if left and float(draws[m - 1]) < float(logs[m - 1] + sums[m - 1, left - 1] - sums[m, left]):
            chosen.append(m - 1)
    return torch.tensor(chosen)
