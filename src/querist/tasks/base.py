"""What a task must say: how labels become targets, what a network's output means, and how good it is.

A *unit* is what carries one answer: the row itself (classification, regression), a token (tagging), or a (row,
class) pair with two classes (multilabel). Networks answer rows; everything after them sees a flat unit table with
``offsets``, so scores and strategies are written once.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from typing import Any, ClassVar, Self

from querist.core.errors import DataError, UsageError
from querist.core.types import Float, Int, Tensor

Label = Any
"""A label as a person gives it, plain data: a class name, a list of names, a number, a list of tags."""

IGNORED = -100
"""Target of a unit that does not exist (padding); losses skip it."""


@dataclass(frozen=True)
class Task(ABC):
    """One kind of question. A frozen dataclass, so a task compares, prints and round-trips.

    Args:
        classes: class names in the order of the network's outputs; none for regression.

    Raises:
        UsageError: no classes where the task needs them, a name that is empty or no text, or one that comes twice.
    """

    classes: tuple[str, ...] = ()

    kind: ClassVar[str]
    """Registered name: classification, multilabel, regression, tokens."""
    lower_is_better: ClassVar[tuple[str, ...]] = ()
    """Metrics where less is better; more is better for all others."""

    def __post_init__(self) -> None:
        # Any sequence may be given; a frozen value keeps a tuple.
        object.__setattr__(self, "classes", tuple(self.classes))
        if not self.classes:
            raise UsageError(f"{self.kind} was given no classes", hint="name them in the order of the outputs")
        for name in self.classes:
            if not isinstance(name, str) or not name:
                raise UsageError(f"{name!r} is no class name", hint="class names are texts, write numbers as str")
        if len(self._positions) != len(self.classes):
            twice = next(name for name in self.classes if self.classes.count(name) > 1)
            raise UsageError(f"the class {twice!r} was given twice")

    @property
    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """Names that :meth:`evaluate` returns; the first is the default metric."""

    @property
    def outputs(self) -> int:
        """Width of the network's last layer: ``c``, or 1 for regression."""
        return len(self.classes)

    def to_state(self) -> dict[str, Any]:
        """This task as plain data; :func:`querist.tasks.from_state` reads it back."""
        return {"kind": self.kind, "classes": list(self.classes)}

    def with_classes(self, names: Iterable[str]) -> Self:
        """This task with the new ones of ``names`` at the end, so that old outputs keep their position."""
        known = dict.fromkeys(self.classes)
        return replace(self, classes=tuple(known | dict.fromkeys(names)))

    def check(self, payload: Any, label: Label) -> None:
        """Refuse a label that cannot be one of this payload.

        Raises:
            DataError: a label that :meth:`encode` refuses, or a list of tags of another length than the tokens.
        """
        self.encode(label)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: pos for pos, name in enumerate(self.classes)}

    def _position(self, name: Any) -> int:
        """Place of a class among the outputs; class names that are whole numbers may be given as such."""
        key = str(name) if isinstance(name, Integral) and not isinstance(name, bool) else name
        if isinstance(key, str) and key in self._positions:
            return self._positions[key]
        near = difflib.get_close_matches(str(key), self.classes, n=1, cutoff=0.5)
        shown = ", ".join(self.classes[:10]) + (f" and {len(self.classes) - 10} more" if len(self.classes) > 10 else "")
        hint = f"did you mean {near[0]!r}? known: {shown}" if near else f"known: {shown}"
        raise DataError(f"the label {name!r} is no class of this task", hint=hint)

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
            outputs: raw outputs of a mini-batch, padded where rows differ in length. Leading axes (samples) pass
                through.
            counts: units of each row, as :meth:`unit_counts` gives them.
        """

    @abstractmethod
    def decide(self, answers: Tensor, offsets: Int[Tensor, "n_plus_1"] | None) -> list[Label]:
        """Labels of all rows from unit probabilities ``[u c]`` (or values ``[n]``)."""

    @abstractmethod
    def evaluate(
        self, answers: Tensor, offsets: Int[Tensor, "n_plus_1"] | None, truth: Sequence[Label]
    ) -> dict[str, float]:
        """Each metric of ``metrics`` for these answers against the true labels.

        Raises:
            DataError: no rows, another number of answers than labels, or a label that is none of this task.
        """


def refuse_unpaired(answers: int, truth: int) -> None:
    """Raise :class:`DataError` unless there is one answer a true label, and at least one."""
    if answers != truth or not truth:
        raise DataError(f"cannot measure {answers} answers against {truth} true labels", hint="give one a row")
