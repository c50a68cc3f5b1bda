"""Labelled rows as a training sees them: encoded inputs, targets, and the network that is trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from querist.core.types import Float, Generator, Int, Tensor
from querist.models.inputs import Encoder, Stored
from querist.tasks.base import IGNORED, Task
from querist.training.augment import augmented
from querist.training.recipe import Recipe


@dataclass(frozen=True)
class Scale:
    """Regression targets are trained on with mean 0 and variance 1, and answered in the unit of the labels."""

    mean: float = 0.0
    std: float = 1.0

    @classmethod
    def of(cls, task: Task, targets: Sequence[Any]) -> Scale:
        """The scale of these targets; the identity for other tasks than regression."""
        if task.kind != "regression" or not len(targets):
            return cls()
        values = torch.tensor(targets, dtype=torch.float64)
        std = float(values.std(correction=0))
        return cls(mean=float(values.mean()), std=std if std > 0 else 1.0)

    def out(self, answers: Tensor) -> Tensor:
        """Answers of the network in the unit of the labels."""
        return answers if self == Scale() else answers * self.std + self.mean

    def out_head(self, head: Tensor) -> Tensor:
        """A last layer ``[c d+1]`` whose answers are in the unit of the labels."""
        return torch.cat([head[:, :-1] * self.std, self.out(head[:, -1:])], 1)


class LabelledRows:
    """A :class:`~querist.training.fit.Trainable`.

    Args:
        module: the network to train.
        task: turns labels into targets and outputs into losses.
        encoder: presents inputs.
        inputs: stored inputs of the labelled rows.
        targets: encoded labels.
        recipe: says how images are augmented.
        scale: of regression targets.
        device: where to train.
        validation: the same for held-out rows, if there are any.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        task: Task,
        encoder: Encoder,
        inputs: Stored,
        targets: Sequence[Any],
        recipe: Recipe,
        scale: Scale,
        device: torch.device,
        validation: LabelledRows | None = None,
    ) -> None:
        self.module, self.task, self.encoder, self.recipe = module, task, encoder, recipe
        self.device, self.validation = device, validation
        self._targets = [(target - scale.mean) / scale.std for target in targets] if scale != Scale() else list(targets)
        # Labelled sets are small: they are moved once, not batch by batch.
        self._inputs = tuple(tensor.to(device) for tensor in inputs)
        self._whole = None if task.kind == "tokens" else task.collate(self._targets).to(device)

    def __len__(self) -> int:
        return len(self._targets)

    def batch(self, pos: Int[Tensor, "b"], rng: Generator | None) -> tuple[tuple[Tensor, ...], Tensor]:
        at = pos.to(self.device)
        inputs = self.encoder.present(tuple(tensor[at] for tensor in self._inputs))
        images = inputs[0]
        if rng is not None and images.ndim == 4:
            photographs = images.shape[1] == 3 and min(images.shape[2:]) >= 32
            flip = photographs if self.recipe.flip is None else self.recipe.flip
            if self.recipe.shift or flip:
                inputs = (augmented(images, shift=self.recipe.shift, flip=flip, rng=rng), *inputs[1:])
        if self._whole is not None:
            return inputs, self._whole[at]
        return inputs, self.task.collate([self._targets[int(one)] for one in pos]).to(self.device)

    def losses(self, batch: tuple[tuple[Tensor, ...], Tensor]) -> Float[Tensor, "b"]:
        inputs, targets = batch
        outputs = self.module(*inputs)
        if self.task.kind == "tokens" and outputs.shape[1] != targets.shape[1]:
            # Networks that read one width for all rows answer for padding too.
            targets = nn.functional.pad(targets, (0, outputs.shape[1] - targets.shape[1]), value=IGNORED)
        return self.task.losses(outputs, targets)

    def validation_loss(self) -> float | None:
        return None if self.validation is None else self.validation.mean_loss()

    def mean_loss(self) -> float:
        """Mean loss of all rows, a block at a time."""
        blocks = torch.arange(len(self)).split(256)
        return sum(float(self.losses(self.batch(pos, None)).sum()) for pos in blocks) / len(self)
