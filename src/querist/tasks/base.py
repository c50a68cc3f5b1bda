"""What a task must say: how labels become targets, what a network's output means, and how good it is.

A *unit* is what carries one answer: the row itself (classification, regression), a token (tagging), or a (row,
class) pair with two classes (multilabel). Networks answer rows; everything after them sees a flat unit table with
``offsets``, so scores and strategies are written once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from querist.core.types import Float, Int, Tensor

Label = Any
"""A label as a person gives it, plain data: a class name, a list of names, a number, a list of tags."""

IGNORED = -100
"""Target of a unit that does not exist (padding); losses skip it."""


class Task(ABC):
    """One kind of question. Subclasses are frozen dataclasses, so a task compares, prints and round-trips."""

    kind: ClassVar[str]
    """Registered name: classification, multilabel, regression, tokens."""
    metrics: ClassVar[tuple[str, ...]]
    """Names that :meth:`evaluate` returns; the first is the default metric. Higher is better for all of them but
    those in ``lower_is_better``."""
    lower_is_better: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Width of the network's last layer: ``c``, or 1 for regression."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the outputs; empty for regression."""
        return ()

    @abstractmethod
    def encode(self, label: Label) -> Any:
        """A label as a target: class position, 0/1 list, float, or list of class positions.

        Raises:
            DataError: the label does not belong to this task; says which do.
        """

    @abstractmethod
    def decode(self, target: Any) -> Label:
        """The inverse of :meth:`encode`."""

    @abstractmethod
    def collate(self, targets: Sequence[Any]) -> Tensor:
        """Targets of a mini-batch as one tensor: ``[b]``, ``[b c]``, or ``[b t]`` padded with :data:`IGNORED`."""

    @abstractmethod
    def losses(self, outputs: Tensor, targets: Tensor) -> Float[Tensor, "b"]:
        """One loss a row, from the network's raw outputs (``[b c]``, ``[b 1]``, ``[b t c]``) and collated targets."""

    def unit_counts(self, payloads: Sequence[Any]) -> Int[Tensor, "b"] | None:
        """Units of each payload; ``None`` where a row is its one unit."""
        return None

    @abstractmethod
    def units(self, outputs: Tensor, counts: Int[Tensor, "b"] | None) -> Tensor:
        """The network's outputs as a flat unit table: logits ``[u c]``, or values ``[n]`` for regression.

        Args:
            outputs: raw outputs of a mini-batch, padded where rows differ in length.
            counts: units of each row, as :meth:`unit_counts` gives them.
        """

    @abstractmethod
    def decide(self, answers: Tensor, offsets: Int[Tensor, "n_plus_1"] | None) -> list[Label]:
        """Labels of all rows from unit probabilities ``[u c]`` (or values ``[n]``)."""

    @abstractmethod
    def evaluate(
        self, answers: Tensor, offsets: Int[Tensor, "n_plus_1"] | None, truth: Sequence[Label]
    ) -> dict[str, float]:
        """Each metric of ``metrics`` for these answers against the true labels."""
