"""Classification: one class a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.types import Float, Int, Tensor
from querist.tasks.base import Label, Task, refuse_unpaired
from querist.tasks.metrics import macro_f1


@dataclass(frozen=True)
class Classification(Task):
    """One of ``c`` classes a row, answered by a softmax. The row is its one unit.

    Metrics: ``accuracy``; ``balanced_accuracy`` (mean recall of the classes that are true somewhere); ``macro_f1``;
    ``log_loss`` (in nats, lower is better).

    Args:
        classes: names in the order of the outputs.

    Example:
        >>> task = Classification(["cat", "dog"])
        >>> task.encode("dog"), task.decode(0)
        (1, 'cat')
        >>> task.encode("dgo")
        Traceback (most recent call last):
        querist.core.errors.DataError: the label 'dgo' is no class of this task; did you mean 'dog'? known: cat, dog
    """

    kind: ClassVar[str] = "classification"
    metrics = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss")
    lower_is_better: ClassVar[tuple[str, ...]] = ("log_loss",)

    def encode(self, label: Label) -> int:
        return self._position(label)

    def decode(self, target: int) -> str:
        return self.classes[int(target)]

    def collate(self, targets: Sequence[int]) -> Int[Tensor, "b"]:
        return torch.tensor(targets, dtype=torch.long)

    def losses(self, outputs: Float[Tensor, "b c"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b"]:
        return torch.nn.functional.cross_entropy(outputs, targets, reduction="none")

    def units(self, outputs: Float[Tensor, "... b c"], counts: Int[Tensor, "b"] | None) -> Float[Tensor, "... b c"]:
        return outputs

    def decide(self, answers: Float[Tensor, "n c"], offsets: Int[Tensor, "n_plus_1"] | None) -> list[str]:
        return [self.classes[pos] for pos in answers.argmax(-1).tolist()]

    def evaluate(
        self, answers: Float[Tensor, "n c"], offsets: Int[Tensor, "n_plus_1"] | None, truth: Sequence[Label]
    ) -> dict[str, float]:
        refuse_unpaired(len(answers), len(truth))
        true = self.collate([self.encode(label) for label in truth]).to(answers.device)
        guess = answers.argmax(-1)
        right = guess == true
        of_true, of_guess, hits = (torch.bincount(x, minlength=self.outputs) for x in (true, guess, true[right]))
        seen = of_true > 0
        chance = answers.double().gather(1, true[:, None])
        # One certain mistake must not make the mean infinite: the floor is the rounding of single precision.
        return {
            "accuracy": float(right.double().mean()),
            "balanced_accuracy": float((hits[seen].double() / of_true[seen]).mean()),
            "macro_f1": macro_f1(hits, of_true, of_guess),
            "log_loss": float(-chance.clamp(min=torch.finfo(torch.float32).eps).log().mean()),
        }
