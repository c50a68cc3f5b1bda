"""Adapters: how Querist trains somebody's model and asks it questions.

An adapter owns a recipe (network, optimiser, steps) and, after ``fit``, weights. It never sees a hidden label: the
loop hands it the labels that were told.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from querist.core.types import Int, Tensor
from querist.pool.pool import Pool
from querist.tasks.base import Label, Task
from querist.views.base import View

Progress = Callable[[float], None]
"""Called with the share done, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class FitReport:
    """What a training did.

    Args:
        steps: optimiser steps taken (0 for models without any).
        loss: mean training loss at the end.
        seconds: wall time.
    """

    steps: int
    loss: float
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """What one forward pass over some rows said.

    Args:
        views: the answer to each view that was asked.
        offsets: ``[n + 1]``, where each row's units start; ``None`` where a row is its one unit.
    """

    views: dict[View, Any]
    offsets: Int[Tensor, "n_plus_1"] | None = None


class Adapter(ABC):
    """A model that can be trained on labelled rows and answers views.

    The life of one: ``prepare(pool, task)`` once, then ``fit`` each round and ``answer`` or ``predict`` after it.
    """

    storable: bool = True
    """Whether :meth:`save` can keep the weights (safetensors, never pickle)."""

    untrained: str = "the inputs as they are"
    """What the view ``Raw`` holds: all there is to choose the first rows by."""

    @property
    def refits(self) -> bool:
        """Whether the same labels and seed train the same weights again, whatever was trained before."""
        return True

    @property
    def fixed_embeddings(self) -> bool:
        """Whether embeddings are the same whatever was trained, and so as good with few labels as with many."""
        return False

    @property
    def found(self) -> dict[str, Any]:
        """What was found by itself (device, batch size), to be kept with a run."""
        return {}

    @abstractmethod
    def prepare(self, pool: Pool, task: Task) -> None:
        """Look once at the unlabelled payloads and the task: vocabulary, means, input and output width.

        Forgets any training. Preparing again for the same pool and task is cheap.
        """

    @abstractmethod
    def fit(
        self,
        pool: Pool,
        rows: np.ndarray,
        labels: Sequence[Label],
        *,
        seed: int,
        members: int = 1,
        validation: tuple[np.ndarray, Sequence[Label]] | None = None,
        progress: Progress | None = None,
    ) -> FitReport:
        """Train on ``rows`` with ``labels``; the same arguments give the same weights.

        Args:
            pool: where payloads are read from.
            rows: pool ids, ``[m]``.
            labels: one a row.
            seed: initial weights, data order, dropout. Member ``i`` of an ensemble has its own child seed, and
                member 0 is the network that a single training with this seed gives.
            members: networks to train side by side, for ensemble views.
            validation: rows and labels for early stopping; they are on the bill.
            progress: called with the share done.

        Raises:
            QueristError: the loss became NaN or infinite.
        """

    @abstractmethod
    def answers(self, view: View) -> bool:
        """Whether :meth:`answer` takes this view (derived views are computed elsewhere from those it takes)."""

    @abstractmethod
    def answer(
        self,
        views: Sequence[View],
        pool: Pool,
        rows: np.ndarray,
        *,
        seed: int,
        progress: Progress | None = None,
    ) -> Answers:
        """All ``views`` of ``rows`` from one forward pass (plus the stochastic tails of samples).

        Rows are independent: two halves asked apart with one seed equal the whole. ``seed`` draws dropout masks.
        """

    @abstractmethod
    def predict(self, pool: Pool, rows: np.ndarray) -> tuple[Tensor, Int[Tensor, "n_plus_1"] | None]:
        """Unit probabilities ``[u c]`` (or values ``[n]``) of member 0, and offsets; what evaluation and people see."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Fingerprint of the weights: changes whenever they do; ``""`` before the first fit."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write weights and what ``prepare`` learned (safetensors and JSON, never pickle)."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what :meth:`save` wrote, into an adapter with the same recipe that was prepared for the same pool.

        Raises:
            DataError: nothing there, or weights of another shape.
        """
