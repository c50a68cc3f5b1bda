"""Likeness of two points as a function of how far they are apart: within a ball or not, or a Gaussian.

A kernel writes over a tile of inner products, in few passes, because ``n^2`` numbers go through it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

from querist.core.errors import UsageError
from querist.core.types import Float, Tensor


class Kernel(Protocol):
    """Likeness of two points: 1 where they coincide, less the farther they are apart, never below 0."""

    whole: ClassVar[bool]
    """Whether it is either 0 or 1, so that its sums are free of rounding."""

    @property
    def scale(self) -> float:
        """Distance at which it falls."""
        ...

    def __call__(self, inner: Float[Tensor, "r q"], rows: Float[Tensor, "r 1"], columns: Float[Tensor, "q"]) -> Tensor:
        """Likeness, written over inner products; ``rows`` and ``columns`` are half the squared norms."""
        ...


@dataclass(frozen=True)
class Ball:
    """1 within a radius, else 0.

    Args:
        radius: the largest distance that counts as near, 0 or more.
    """

    radius: float
    whole: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.radius >= 0:
            raise UsageError(f"the radius of a ball is {self.radius}", hint="give 0 or more")

    @property
    def scale(self) -> float:
        return self.radius

    def __call__(self, inner: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        return inner.sub_(columns).ge_(rows - 0.5 * self.radius**2)


@dataclass(frozen=True)
class Gaussian:
    """``exp(-|x - y|^2 / sigma^2)``.

    Args:
        sigma: distance at which the likeness is ``1/e``, above 0.
    """

    sigma: float
    whole: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 < self.sigma < math.inf:
            raise UsageError(f"the sigma of a Gaussian is {self.sigma}", hint="give a number above 0")

    @property
    def scale(self) -> float:
        return self.sigma

    def __call__(self, inner: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        return inner.sub_(columns).sub_(rows).clamp_max_(0).mul_(2 / self.sigma**2).exp_()
