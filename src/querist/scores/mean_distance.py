"""Mean distance: how far a row lies from some others, on average."""

from __future__ import annotations

import torch

from querist.core.types import Float, Tensor

_TILE = 1 << 20
"""Distances that stand in memory at once."""


def mean_distance(points: Float[Tensor, "n d"], reference: Float[Tensor, "q d"] | None = None) -> Float[Tensor, "n"]:
    """Mean Euclidean distance to the reference rows, ``1/q sum_l |x - l|`` (smailagic2018medal).

    Args:
        points: one vector a row, ``[n d]``.
        reference: the rows to be far from, ``[q d]``; ``points`` themselves if ``None``.

    Example:
        >>> mean_distance(torch.tensor([[0.0], [4.0]]), torch.tensor([[0.0], [1.0]]))
        tensor([0.5000, 3.5000])
    """
    others = points if reference is None else reference
    # Seen from their middle, so that a table far from the origin loses no digits.
    middle = others.mean(0)
    others = others - middle
    blocks = points.split(max(1, _TILE // max(1, len(others))))
    return torch.cat([torch.cdist(block - middle, others).mean(1) for block in blocks])


mean_distance.known_gaps = {  # type: ignore[attr-defined]
    "higher_means_ask_first": "it asks for what is far, and the row that the check wants first stands in a crowd",
}
