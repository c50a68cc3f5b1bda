"""One forward pass over a batch that serves all views of a round."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import torch
from torch import nn

from querist.core.types import Int, Tensor
from querist.models.anatomy import Anatomy, FeatureTap, slow_attention
from querist.models.dropout import DropoutPasses
from querist.models.labelled import Scale
from querist.tasks.base import Task
from querist.views.base import View
from querist.views.embeddings import Embeddings
from querist.views.logit_samples import LogitSamples


class ForwardPass:
    """Answers to views, a batch at a time. Use it as a context: networks are watched while it is open.

    Member 0 runs once; its embeddings are picked up on the way, dropout samples repeat only what follows its first
    dropout, and the other members run once each where an ensemble is asked for.

    Args:
        members: trained networks, in evaluation mode.
        views: what is asked; all of them answered by networks.
        task: puts outputs into the unit table.
        scale: puts regression outputs into the unit of the labels.
        anatomy: of the networks.
        seed: of dropout masks.
    """

    def __init__(
        self,
        members: Sequence[nn.Module],
        views: Sequence[View],
        *,
        task: Task,
        scale: Scale,
        anatomy: Anatomy,
        seed: int,
    ) -> None:
        self.views, self.task, self.scale = views, task, scale
        sampled = [view for view in views if isinstance(view, LogitSamples)]
        self._main = members[0]
        self._others = members[1 : max((view.members for view in sampled), default=1)]
        self._draws = max((view.samples for view in sampled if view.source == "dropout"), default=0)
        wants_features = any(type(view) is Embeddings for view in views)
        self._tap = FeatureTap(module=self._main, last_layer=anatomy.last_layer) if wants_features else None
        self._passes = DropoutPasses(self._main, seed=seed) if self._draws else None
        self._stack = ExitStack()

    def __enter__(self) -> ForwardPass:
        self._stack.enter_context(slow_attention())
        for watch in (self._tap, self._passes):
            if watch is not None:
                self._stack.enter_context(watch)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, inputs: tuple[Tensor, ...], counts: Int[Tensor, "b"] | None) -> dict[View, Tensor]:
        """The answer to each view.

        Args:
            inputs: the networks' arguments.
            counts: units of each row; ``None`` where a row is its one unit.
        """

        def units(outputs: Tensor) -> Tensor:
            return self.task.units(self.scale.out(outputs), counts)

        mean = units(self._main(*inputs) if self._passes is None else self._passes.first(*inputs))
        features = None
        if self._tap is not None:
            features = self._tap.pooled(counts if self.task.kind == "tokens" else None)
        samples = {"ensemble": torch.stack([mean, *(units(other(*inputs)) for other in self._others)])}
        if self._passes is not None:
            samples["dropout"] = torch.stack([units(self._passes.sample(draw)) for draw in range(self._draws)])
        answers: dict[View, Tensor] = {}
        for view in self.views:
            if isinstance(view, LogitSamples):
                answers[view] = samples[view.source][: view.samples]
            elif features is not None and type(view) is Embeddings:
                answers[view] = features
            else:
                answers[view] = mean
        return answers
