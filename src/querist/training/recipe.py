"""How to train: one frozen set of numbers, the same for every round of a run and for its random twin."""

from __future__ import annotations

from dataclasses import dataclass

from querist.core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Optimiser, length and stopping rule of one training.

    A labelled set of 20 rows has one batch an epoch, so a number of epochs alone would leave it untrained: the
    length is ``max(steps, epochs * batches an epoch)``.

    Args:
        steps: least number of optimiser steps.
        epochs: least number of passes over the labelled rows.
        batch: rows a step; all rows where there are fewer.
        lr: peak learning rate of AdamW. It rises over the first tenth of the steps and falls to zero along a
            half cosine.
        weight_decay: decoupled weight decay, on matrices and kernels only (not on biases, norms and embeddings).
        clip: gradients are scaled down to this norm.
        converged: training stops after half of its steps or later, when the mean loss over the last pass falls
            below this. Regression targets are standardised, so there it is a share of the variance.
        checks: how often a validation set is looked at, over the whole training.
        patience: with a validation set, training stops after this many looks without a better loss, and the best
            weights are restored.
        shift: largest shift of image augmentation, as a share of the side; 0 for none.
        flip: whether image augmentation mirrors left and right. ``None`` mirrors colour images of 32 pixels or more
            (photographs) and no others (a mirrored digit is no digit); the ready image networks use that.
    """

    steps: int = 300
    epochs: int = 20
    batch: int = 32
    lr: float = 2e-3
    weight_decay: float = 0.01
    clip: float = 5.0
    converged: float = 0.002
    checks: int = 20
    patience: int = 5
    shift: float = 0.0
    flip: bool | None = False

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "checks", "patience"):
            if getattr(self, name) < 1:
                raise UsageError(f"a recipe has {name} = {getattr(self, name)}", hint="use 1 or more")
        if not self.lr > 0:
            raise UsageError(f"a recipe has lr = {self.lr}", hint="use a number over 0")
        if not 0 <= self.shift < 0.5:
            raise UsageError(f"a recipe has shift = {self.shift}", hint="use a share of the side from 0 to below 0.5")

    def length(self, rows: int) -> int:
        """Optimiser steps for this many labelled rows.

        Example:
            >>> Recipe(steps=100, epochs=10, batch=32).length(20), Recipe(steps=100, epochs=10, batch=32).length(3200)
            (100, 1000)
        """
        return max(self.steps, self.epochs * -(-rows // self.batch))
