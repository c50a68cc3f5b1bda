"""What a stopping rule sees and says.

A rule is a frozen value and a pure function of the closed rounds. What it may see of a round is plain data that is
stored with the round, so a resumed run stops where the first one would have, and a recorded one can be judged by any
rule afterwards.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from querist.core.errors import UsageError

PREDICTIONS, DOUBT, GUESSES, VALIDATION = "predictions", "doubt", "guesses", "validation"
"""What rules may need to see of a round besides its labels and seconds: names of fields of :class:`RoundSummary`."""

ANSWERS_WITH_CLASSES = ("classification", "multilabel", "tokens")
"""Tasks whose units have classes to agree on and to be unsure between."""


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """How unsure the model is about the units of the stop set that have no label yet.

    Args:
        mean_entropy: of the predicted distributions, from 0 (sure) to 1 (all classes alike), whatever their number.
        max_entropy: of the most unsure unit.
        expected_error: one minus the highest probability, on average: how often the model thinks it is wrong.
    """

    mean_entropy: float
    max_entropy: float
    expected_error: float


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """What the model of the round before had said about the rows of this one, before their labels were told.

    Args:
        right: rows that it had right.
        of: rows in all.
    """

    right: int
    of: int


@dataclass(frozen=True, kw_only=True)
class RoundSummary:
    """One closed round.

    Args:
        labels: labels on the bill when it closed.
        validation: metrics on the validation rows, empty where there are none. Test metrics are never shown to a
            rule: a label that decides when to stop has been used.
        predictions: class of each unit of the stop set. The stop set is a draw of training rows that is made once for
            the whole campaign; its labels are never looked at.
        doubt: on the stop set.
        guesses: on the rows of this round; ``None`` for the first one, which no model had seen.
        seconds: of the machine (training, views, selection), of all rounds up to this one.
    """

    labels: int
    validation: dict[str, float] = field(default_factory=dict)
    predictions: tuple[int, ...] = ()
    doubt: Doubt | None = None
    guesses: Guesses | None = None
    seconds: float = 0.0

    def evidence(self) -> dict[str, Any]:
        """What was seen on the stop set and on the new rows, as plain data; nothing for what was not looked at."""
        said: dict[str, Any] = {}
        if self.predictions:
            said[PREDICTIONS] = list(self.predictions)
        for name, found in ((DOUBT, self.doubt), (GUESSES, self.guesses)):
            if found is not None:
                said[name] = dict(vars(found))
        return said

    @classmethod
    def of(
        cls, *, labels: int, validation: Mapping[str, float], seconds: float, evidence: Mapping[str, Any]
    ) -> RoundSummary:
        """A round with the :meth:`evidence` that was stored."""
        return cls(
            labels=labels,
            validation=dict(validation),
            seconds=seconds,
            predictions=tuple(evidence.get(PREDICTIONS, ())),
            doubt=Doubt(**evidence[DOUBT]) if DOUBT in evidence else None,
            guesses=Guesses(**evidence[GUESSES]) if GUESSES in evidence else None,
        )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a rule says after a round.

    Args:
        stop: whether to stop now.
        text: where it stands, in one line: what was measured, and at what it stops.
    """

    stop: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class Stopping(ABC):
    """A frozen rule over the rounds so far.

    Raises:
        UsageError: an option outside its :attr:`limits`.
    """

    rows: ClassVar[tuple[str, ...]] = ()
    """Rows of the literature table."""
    paper: ClassVar[str] = ""
    """Key in ``docs/refs.bib``."""
    tasks: ClassVar[tuple[str, ...]] = (*ANSWERS_WITH_CLASSES, "regression")
    """Tasks that it has a meaning for."""
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {}
    """Option -> smallest and largest value that make sense."""

    def __post_init__(self) -> None:
        for name, (low, high) in self.limits.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                above = f"from {low:g} to {high:g}" if high < math.inf else f"of {low:g} or more"
                raise UsageError(f"{self.name} has {name} = {value}", hint=f"give one {above}")

    @property
    def name(self) -> str:
        """Registered name."""
        return type(self).__module__.rpartition(".")[2]

    def serves(self, task: str) -> bool:
        """Whether it has a meaning for a kind of task."""
        return task in self.tasks

    def needs(self) -> tuple[str, ...]:
        """What it must see of each round: ``predictions``, ``doubt``, ``guesses``, ``validation``."""
        return ()

    @abstractmethod
    def judge(self, rounds: Sequence[RoundSummary]) -> Verdict:
        """Whether to stop after these rounds, and where the rule stands."""

    def reason(self, rounds: Sequence[RoundSummary]) -> str | None:
        """Why to stop now, or ``None`` to go on."""
        verdict = self.judge(rounds)
        return verdict.text if verdict.stop else None

    def room(self, rounds: Sequence[RoundSummary]) -> int | None:
        """Labels that may still be bought without breaking the rule; ``None`` if it sets no limit."""
        return None


def told(rounds: Sequence[RoundSummary]) -> list[RoundSummary]:
    """The rounds that brought labels.

    Training again on the same labels, with better or worse luck, must not undo a stop: of rounds with the same number
    of labels the first one counts.

    Example:
        >>> [each.labels for each in told([RoundSummary(labels=n) for n in (20, 40, 40, 60)])]
        [20, 40, 60]
    """
    first: dict[int, RoundSummary] = {}
    for summary in rounds:
        first.setdefault(summary.labels, summary)
    return list(first.values())


def too_few(have: int, need: int, which: str = "") -> Verdict:
    """Nothing can be said yet.

    Example:
        >>> too_few(0, 1, " after the first").text
        'needs 1 round after the first, has 0'
    """
    return Verdict(stop=False, text=f"needs {need} round{'' if need == 1 else 's'}{which}, has {have}")
