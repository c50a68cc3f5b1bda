"""Regression: one number a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import torch

from querist.core.errors import DataError, UsageError
from querist.core.types import Float, Int, Tensor
from querist.tasks.base import Label, Task, refuse_unpaired


@dataclass(frozen=True)
class Regression(Task):
    """One number a row, in the unit of the labels. The row is its one unit.

    A text that is a number, such as the class name of a whole number, is read as that number.

    Metrics: ``rmse`` and ``mae`` (lower is better), ``r2`` (of a constant truth: 1 if hit exactly, else 0).

    Example:
        >>> task = Regression()
        >>> task.encode(3), task.outputs, task.metrics[0]
        (3.0, 1, 'rmse')
    """

    kind: ClassVar[str] = "regression"
    metrics = ("rmse", "mae", "r2")
    lower_is_better: ClassVar[tuple[str, ...]] = ("rmse", "mae")

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        if self.classes:
            raise UsageError(
                f"regression was given the classes {', '.join(map(str, self.classes[:5]))}", hint="it answers a number"
            )

    @property
    def outputs(self) -> int:
        return 1

    def encode(self, label: Label) -> float:
        if isinstance(label, str):
            label = _number(label)
        if not isinstance(label, Real) or isinstance(label, bool):
            raise DataError(f"the label {label!r} is no number", hint="regression labels are numbers")
        if not math.isfinite(label):
            raise DataError(f"the label {float(label)} is not finite", hint="leave that row unlabelled")
        return float(label)

    def decode(self, target: float) -> float:
        return float(target)

    def collate(self, targets: Sequence[float]) -> Float[Tensor, "b"]:
        return torch.tensor(targets, dtype=torch.float32)

    def losses(self, outputs: Float[Tensor, "b 1"], targets: Float[Tensor, "b"]) -> Float[Tensor, "b"]:
        return (outputs.squeeze(-1) - targets).square()

    def units(self, outputs: Float[Tensor, "... b 1"], counts: Int[Tensor, "b"] | None) -> Float[Tensor, "... b"]:
        return outputs.squeeze(-1)

    def decide(self, answers: Float[Tensor, "n"], offsets: Int[Tensor, "n_plus_1"] | None) -> list[float]:
        return [float(value) for value in answers.tolist()]

    def evaluate(
        self, answers: Float[Tensor, "n"], offsets: Int[Tensor, "n_plus_1"] | None, truth: Sequence[Label]
    ) -> dict[str, float]:
        refuse_unpaired(len(answers), len(truth))
        true = torch.tensor([self.encode(label) for label in truth], dtype=torch.float64)
        error = answers.cpu().double() - true
        squares = float(error.square().sum())
        spread = float((true - true.mean()).square().sum())
        return {
            "rmse": math.sqrt(squares / len(true)),
            "mae": float(error.abs().mean()),
            "r2": 1 - squares / spread if spread else float(squares == 0),
        }


def _number(text: str) -> float | str:
    """The number that a text is; the text where it is none."""
    try:
        return float(text)
    except ValueError:
        return text
