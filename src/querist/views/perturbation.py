"""Perturbation: how little an input must change for the network to guess another class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from querist.core.errors import UnknownName, UsageError
from querist.views.base import View

Attack = Literal["deep_fool", "fast_gradient"]
NEVER = 6e4
"""Length for a row whose guess no change was found to flip. Half precision still holds it."""


@dataclass(frozen=True, kw_only=True)
class Perturbation(View):
    """``[n]``: length of the smallest change found of what the network reads that makes it guess another class.

    In the unit of what the network reads: of standardised numbers or pixels, in their standard deviations.

    Args:
        by: ``deep_fool`` steps to the nearest boundary as it looks from where it stands (moosavi2016deepfool);
            ``fast_gradient`` moves each number by the same, wherever that raises the loss (goodfellow2015explaining,
            kurakin2017adversarial).
        steps: at most.
        classes: that ``deep_fool`` looks for a boundary with, the likeliest first, the guess among them.
        size: of a ``fast_gradient`` step, in each number.
        bound: how far ``fast_gradient`` may move a number.
    """

    by: Attack = "deep_fool"
    steps: int = 50
    classes: int = 10
    size: float = 0.05
    bound: float = 1.0

    instead: ClassVar[str] = (
        "words are numbers in a list, and no small change is made to those: choose least_disagree, which changes the "
        "last layer instead, or a frozen encoder, whose head reads embeddings"
    )

    def __post_init__(self) -> None:
        if self.by not in get_args(Attack):
            raise UnknownName("way to perturb", self.by, get_args(Attack))
        if self.steps < 1 or self.classes < 2:
            raise UsageError(
                f"a perturbation of {self.steps} steps among {self.classes} classes",
                hint="use 1 or more, and 2 or more",
            )
        if not (0 < self.size < math.inf and 0 < self.bound < math.inf):
            raise UsageError(f"steps of {self.size} within {self.bound}", hint="use numbers above 0")
