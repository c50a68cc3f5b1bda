"""One training: optimiser steps on anything that knows its module, its batches and its losses.

The same arguments give the same weights. Modules such as dropout can only draw from torch's global generators, so a
training seeds them inside a fork and puts them back as they were.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from querist.core.errors import QueristError, UsageError
from querist.core.rng import child_seed, generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.training.recipe import Recipe


class Trainable(Protocol):
    """What a training needs to know of a model and its labelled rows."""

    module: nn.Module
    """Whose parameters are trained, in place."""

    def __len__(self) -> int:
        """Labelled rows."""

    def batch(self, pos: Int[Tensor, "b"], rng: Generator) -> Any:
        """The labelled rows at ``pos``, ready for :meth:`losses`; ``rng`` is for augmentation."""

    def losses(self, batch: Any) -> Float[Tensor, "b"]:
        """One loss a row, with gradients."""

    def validation_loss(self) -> float | None:
        """Mean loss on held-out rows (the module is in evaluation mode); ``None`` if there are none."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training did: optimiser ``steps`` taken, and the mean ``loss`` over the last pass."""

    steps: int
    loss: float


class Training(Protocol):
    """A training of your own, in the place of :func:`fit` with a recipe: another optimiser, a paper's schedule.

    It finds the module in training mode and the global generators seeded, so dropout repeats. It must not use any
    other source of chance than those and ``seed``: a run that was cut off is gone on with by training again.
    """

    def __call__(self, trainable: Trainable, *, seed: int, progress: Callable[[float], None] | None = None) -> Trained:
        """Train ``trainable.module`` in place."""


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Global generators seeded inside, and put back afterwards; cuDNN keeps to its repeatable kernels."""
    devices = [device] if device.type == "cuda" else []
    cudnn = torch.backends.cudnn
    with torch.random.fork_rng(devices=devices), cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        torch.random.manual_seed(seed)
        yield


def fit(trainable: Trainable, recipe: Recipe, *, seed: int, progress: Callable[[float], None] | None = None) -> Trained:
    """Train ``trainable.module`` in place.

    Args:
        trainable: module, batches and losses.
        recipe: optimiser, length and stopping rule.
        seed: data order, augmentation, dropout. Initial weights are the caller's.
        progress: called with the share done.

    Raises:
        UsageError: no labelled row, or nothing to train in the module.
        QueristError: the loss became NaN or infinite.
    """
    m = len(trainable)
    if m < 1:
        raise UsageError("a training was asked for without labelled rows", hint="label a few first")
    module = trainable.module
    parameters = [p for p in module.parameters() if p.requires_grad]
    if not parameters:
        raise UsageError(f"{type(module).__name__} has no parameter to train", hint="set requires_grad on some")
    steps = recipe.length(m)
    optimiser = torch.optim.AdamW(_groups(module, recipe), lr=recipe.lr, fused=_fusable(parameters))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    orders, augmentation = generator(seed, "order"), generator(seed, "augment")
    batches = _orders(m, min(recipe.batch, m), orders)
    per_pass = -(-m // recipe.batch)
    best = _Best(module, trainable, recipe.patience)
    look_every = max(1, steps // recipe.checks)
    recent: list[float] = []
    step = 0
    with seeded(child_seed(seed, "modules"), parameters[0].device):
        module.train()
        for step in range(1, steps + 1):
            losses = trainable.losses(trainable.batch(next(batches), augmentation))
            loss = losses.mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, recipe.clip)
            optimiser.step()
            schedule.step()
            recent = [*recent[-per_pass + 1 :], loss.item()] if per_pass > 1 else [loss.item()]
            if not math.isfinite(recent[-1]):
                raise QueristError(
                    f"the training loss became {recent[-1]} at step {step} of {steps}",
                    hint=f"use a lower learning rate than {recipe.lr:g}, or look at the inputs",
                )
            mean = sum(recent) / len(recent)
            if progress is not None and step % look_every == 0:
                progress(step / steps)
            if step % look_every == 0 and best.look():
                break
            # Not in the first half: one lucky batch while the weights still move fast says little.
            if 2 * step >= steps and len(recent) == per_pass and mean < recipe.converged:
                break
    best.restore()
    module.eval()
    if progress is not None:
        progress(1.0)
    return Trained(steps=step, loss=mean)


class _Best:
    """The weights with the lowest validation loss so far. Does nothing where there is no validation set."""

    def __init__(self, module: nn.Module, trainable: Trainable, patience: int) -> None:
        self.module, self.trainable, self.patience = module, trainable, patience
        self.loss, self.looks = math.inf, 0
        self.weights: dict[str, Any] | None = None

    def look(self) -> bool:
        """Whether it is time to stop."""
        self.module.eval()
        with torch.no_grad():
            loss = self.trainable.validation_loss()
        self.module.train()
        if loss is None:
            return False
        self.looks += 1
        if loss < self.loss:
            self.loss, self.looks = loss, 0
            self.weights = copy.deepcopy(self.module.state_dict())
        return self.looks >= self.patience

    def restore(self) -> None:
        if self.weights is not None:
            self.module.load_state_dict(self.weights)


def _rate(step: int, steps: int) -> float:
    """Share of the peak learning rate: up over a tenth of the way, then down along a half cosine."""
    warm_up = max(1, steps // 10)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def _orders(m: int, b: int, rng: Generator) -> Iterator[Int[Tensor, "b"]]:
    """Batches of one size without end: random orders of all rows, one after the other."""
    left = torch.empty(0, dtype=torch.long)
    while True:
        while len(left) < b:
            left = torch.cat([left, torch.randperm(m, generator=rng)])
        yield left[:b]
        left = left[b:]


def _groups(module: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Parameters that decay and those that do not."""
    embeddings = {id(m.weight) for m in module.modules() if isinstance(m, nn.Embedding)}
    trained = [p for p in module.parameters() if p.requires_grad]
    decayed = [p for p in trained if p.ndim > 1 and id(p) not in embeddings]
    kept = {id(p) for p in decayed}
    others = [p for p in trained if id(p) not in kept]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def _fusable(parameters: list[nn.Parameter]) -> bool:
    """Whether AdamW may run as one kernel: several times faster on small networks."""
    return all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in parameters)
