"""One forward pass over a batch that serves all views of a round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import torch
from torch import nn

from querist.core.rng import child_seed
from querist.core.types import Float, Int, Tensor
from querist.models.anatomy import Anatomy, FeatureTap, slow_attention
from querist.models.dropout import DropoutPasses
from querist.models.labelled import Scale
from querist.models.laplace import LastLayerPosterior
from querist.tasks.base import Task
from querist.views.base import View
from querist.views.embeddings import Embeddings
from querist.views.logit_samples import LogitSamples


class ForwardPass:
    """Answers to views, a batch at a time. Use it as a context: networks are watched while it is open.

    Member 0 runs once; its embeddings are picked up on the way, and drawn last layers read them. Dropout samples repeat
    only what follows a network's first dropout, and the other members run once each where an ensemble is asked for.

    Args:
        members: trained networks, in evaluation mode.
        views: what is asked; all of them answered by networks.
        task: puts outputs into the unit table.
        scale: puts regression outputs into the unit of the labels.
        anatomy: of the networks.
        seed: of dropout masks and drawn weights.
        last_layer: posterior of member 0's last layer, where samples of it are asked for.
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
        last_layer: LastLayerPosterior | None = None,
    ) -> None:
        self.views, self.task, self.scale = views, task, scale
        self._sampled = [view for view in views if isinstance(view, LogitSamples)]
        self._members = members[: max((view.members for view in self._sampled), default=1)]
        self._draws = [max(map(self._masks(i), self._sampled), default=0) for i in range(len(self._members))]
        self._passes: dict[int, DropoutPasses] = {
            # Network 0 has the masks that it has alone.
            i: DropoutPasses(self._members[i], seed=child_seed(seed, "member", i) if i else seed)
            for i, draws in enumerate(self._draws)
            if draws
        }
        self._heads = self._drawn(last_layer, seed)
        wants_features = self._heads is not None or any(type(view) is Embeddings for view in views)
        self._tap = FeatureTap(module=members[0], last_layer=anatomy.last_layer) if wants_features else None
        self._stack = ExitStack()

    @staticmethod
    def _masks(member: int) -> Callable[[LogitSamples], int]:
        """How many dropout samples of one network a view holds: networks take turns."""
        sources = ("dropout", "dropout_ensemble")
        return lambda view: len(range(member, view.samples, view.members)) if view.source in sources else 0

    def _drawn(self, last_layer: LastLayerPosterior | None, seed: int) -> Float[Tensor, "s r w"] | None:
        samples = max((view.samples for view in self._sampled if view.source == "laplace"), default=0)
        if not samples or last_layer is None:
            return None
        like = next(self._members[0].parameters())
        return last_layer.draw(seed=seed, samples=samples).to(like.device, like.dtype)

    def __enter__(self) -> ForwardPass:
        self._stack.enter_context(slow_attention())
        for watch in (self._tap, *self._passes.values()):
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

        plain: list[Tensor] = []
        masked: list[list[Tensor]] = []
        features = by_heads = None
        for i, member in enumerate(self._members):
            passes = self._passes.get(i)
            plain.append(units(member(*inputs) if passes is None else passes.first(*inputs)))
            if self._tap is not None and not i:  # before samples pass it by
                features = self._tap.pooled(counts if self.task.kind == "tokens" else None)
                by_heads = self._by_heads(self._tap.seen)
            masked.append([] if passes is None else [units(passes.sample(draw)) for draw in range(self._draws[i])])
        answers: dict[View, Tensor] = {}
        for view in self.views:
            if not isinstance(view, LogitSamples):
                answers[view] = features if features is not None and type(view) is Embeddings else plain[0]
            elif view.source == "ensemble":
                answers[view] = torch.stack(plain[: view.samples])
            elif by_heads is not None and view.source == "laplace":
                answers[view] = units(by_heads[: view.samples])
            else:
                m = view.members
                answers[view] = torch.stack([masked[j % m][j // m] for j in range(view.samples)])
        return answers

    def _by_heads(self, seen: Tensor | None) -> Float[Tensor, "s ..."] | None:
        """What each drawn last layer makes of the embeddings."""
        if self._heads is None or seen is None:
            return None
        s, r, _ = self._heads.shape
        d = seen.shape[-1]
        flat = self._heads.flatten(0, 1)
        bias = flat[:, d] if flat.shape[1] > d else None
        return nn.functional.linear(seen, flat[:, :d], bias).unflatten(-1, (s, r)).movedim(-2, 0)
