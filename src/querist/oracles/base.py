"""What an oracle says, who says it, and what that costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from querist.core.events import Event, LabelGiven
from querist.pool.pool import Pool
from querist.tasks.base import Label

NOBODY: Mapping[int, Collection[str]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One label, and who gave it."""

    row: int
    label: Label
    annotator: str


class Oracle(ABC):
    """Who answers queries about the training rows of a pool.

    Args:
        pool: the rows that will be asked about.

    Raises:
        DataError: the pool does not hold what the answers are made from.
    """

    rows: ClassVar[tuple[str, ...]] = ()
    """Ids of the literature table that this class serves."""
    paper: ClassVar[str] = ""
    """Key in ``refs.bib``."""
    tasks: ClassVar[tuple[str, ...]] = ("classification", "multilabel", "regression", "tokens")
    """Kinds of task that it answers."""
    cost: ClassVar[str] = "nothing but the lookup"
    """Time and money."""
    known_gaps: ClassVar[dict[str, str]] = {}
    """Contract checks that do not hold, each with its reason. An unexpected pass fails."""

    name: ClassVar[str] = "oracle"
    """The annotator that the journal names, where there is but one."""

    votes = 1
    """Answers to each row that is asked: what a row costs on a budget of labels."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @abstractmethod
    def __call__(self, rows: np.ndarray) -> Sequence[Label]:
        """One label a row."""

    @property
    def annotators(self) -> tuple[str, ...]:
        """Everybody who may answer."""
        return (self.name,)

    def answers(
        self,
        rows: np.ndarray,
        *,
        given: Mapping[int, Collection[str]] = NOBODY,
        among: Collection[str] | None = None,
    ) -> list[Answer]:
        """What is said of ``rows``, and by whom; a row may come more than once.

        Args:
            rows: pool ids.
            given: who has answered a row already, and is not asked again where others are left.
            among: who may be asked; everybody if ``None``. No effect where there is but one annotator.
        """
        return [
            Answer(row=int(row), label=label, annotator=self.name) for row, label in zip(rows, self(rows), strict=True)
        ]

    def price(self, row: int, annotator: str) -> float:
        """What one answer costs, in whatever money the annotators were given in; 1 a label if nothing was said."""
        return 1.0

    def bill(self, events: Iterable[Event]) -> float:
        """What all labels cost that a journal's events tell of, those that were replaced or taken back too."""
        return sum(
            self.price(event.query.row, event.annotator)
            for event in events
            if isinstance(event, LabelGiven) and event.annotator in self.annotators
        )
