"""Density: how alike a row is to the rest of the pool."""

from __future__ import annotations

import torch

from querist.core.types import Float, Tensor


def density(points: Float[Tensor, "n d"], reference: Float[Tensor, "q d"] | None = None) -> Float[Tensor, "n"]:
    """Mean cosine to the reference rows, ``1/U sum_u cos(x, u)`` (settles2008analysis); -1 to 1.

    A mean of products with unit vectors is the product with their mean, so no ``n x n`` table is made: the price
    is ``O(n d)``. A zero vector has the cosine 0 with everything.

    Args:
        points: one vector a row, ``[n d]``.
        reference: the rows to be alike to, ``[q d]``; ``points`` themselves if ``None``.

    Example:
        >>> density(torch.tensor([[2.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
        tensor([0.6667, 0.6667, 0.3333])
    """
    return mean_cosine(points, mean_direction(points if reference is None else reference))


def mean_direction(points: Float[Tensor, "n d"]) -> Float[Tensor, "d"]:
    """The mean of the unit vectors; a zero vector counts as one."""
    # The weights 1/|u| in a product with the table: the unit vectors themselves are never stored.
    return (_inverse_lengths(points) @ points) / len(points)


def mean_cosine(points: Float[Tensor, "n d"], direction: Float[Tensor, "d"]) -> Float[Tensor, "n"]:
    """The product of each unit vector with a direction; with a mean direction, the mean of its cosines."""
    return (points @ direction) * _inverse_lengths(points)


def _inverse_lengths(points: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    lengths = torch.linalg.vector_norm(points, dim=-1)
    return torch.where(lengths > 0, 1 / lengths.clamp_min(torch.finfo(points.dtype).tiny), torch.zeros_like(lengths))
