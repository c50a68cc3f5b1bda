"""Multilabel: any number of classes a row, each a yes or a no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from querist.core.errors import DataError
from querist.core.types import Float, Int, Tensor
from querist.tasks.base import Label, Task, refuse_unpaired
from querist.tasks.metrics import macro_f1, micro_f1


@dataclass(frozen=True)
class Multilabel(Task):
    """Any of ``c`` classes a row, answered by ``c`` logistic outputs.

    A unit is a (row, class) pair with two classes, absent and present: the logits ``(0, z)``, whose softmax is the
    logistic function of ``z``. So every score of a distribution serves here too. Units of a row stand together.

    Metrics: ``micro_f1``, ``macro_f1``, ``subset_accuracy`` (rows whose whole set is right).

    Args:
        classes: names in the order of the outputs.

    Example:
        >>> task = Multilabel(["red", "round", "ripe"])
        >>> task.encode(["ripe", "red"]), task.decode([1, 0, 1])
        ([1, 0, 1], ['red', 'ripe'])
        >>> task.units(torch.tensor([[2.0, -1.0, 0.0]]), None).tolist()
        [[0.0, 2.0], [0.0, -1.0], [0.0, 0.0]]
    """

    kind: ClassVar[str] = "multilabel"
    metrics = ("micro_f1", "macro_f1", "subset_accuracy")

    def encode(self, label: Label) -> list[int]:
        if isinstance(label, str) or not isinstance(label, Sequence):
            raise DataError(f"the label {label!r} is no list of classes", hint="give a list, empty if none applies")
        target = [0] * self.outputs
        for name in label:
            target[self._position(name)] = 1
        return target

    def decode(self, target: Sequence[int]) -> list[str]:
        return [name for name, present in zip(self.classes, target, strict=True) if present]

    def collate(self, targets: Sequence[Any]) -> Float[Tensor, "b c"]:
        return torch.tensor(targets, dtype=torch.float32).reshape(len(targets), self.outputs)

    def losses(self, outputs: Float[Tensor, "b c"], targets: Float[Tensor, "b c"]) -> Float[Tensor, "b"]:
        loss = torch.nn.functional.binary_cross_entropy_with_logits
        return loss(outputs, targets.to(outputs.dtype), reduction="none").mean(-1)

    def unit_counts(self, payloads: Sequence[Any]) -> Int[Tensor, "b"]:
        return torch.full((len(payloads),), self.outputs, dtype=torch.long)

    def units(self, outputs: Float[Tensor, "... b c"], counts: Int[Tensor, "b"] | None) -> Float[Tensor, "... u 2"]:
        return torch.stack([torch.zeros_like(outputs), outputs], -1).flatten(-3, -2)

    def decide(self, answers: Float[Tensor, "u 2"], offsets: Int[Tensor, "n_plus_1"] | None) -> list[list[str]]:
        return [self.decode(present) for present in self._present(answers).tolist()]

    def evaluate(
        self, answers: Float[Tensor, "u 2"], offsets: Int[Tensor, "n_plus_1"] | None, truth: Sequence[Label]
    ) -> dict[str, float]:
        guess = self._present(answers)
        refuse_unpaired(len(guess), len(truth))
        true = self.collate([self.encode(label) for label in truth]).to(guess)
        counts = ((guess & true).sum(0), true.sum(0), guess.sum(0))
        return {
            "micro_f1": micro_f1(*counts),
            "macro_f1": macro_f1(*counts),
            "subset_accuracy": float((guess == true).all(-1).double().mean()),
        }

    def _present(self, answers: Tensor) -> Tensor:
        """Whether each class is more likely present than not, ``[n c]``."""
        return answers[:, 1].reshape(-1, self.outputs) > 0.5
