"""What a stream policy sees of a passing sample, and what it says.

A policy is a frozen value, and what it learns on the way (a threshold) is plain data that it is handed and hands back.
So a stream that was cut goes on as if it had not been. It is asked only while there is budget: that a rate is kept to
is not its business but that of :class:`~querist.streams.allowance.Allowance`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from querist.core.types import Generator

State = dict[str, float]
"""What a policy has learned on the way, as plain data."""


@dataclass(frozen=True, kw_only=True)
class Passing:
    """One sample, when it passes.

    Args:
        number: its place in the stream, from 1.
        confidence: the highest class probability that the model gives it; ``1 / classes`` while there is no model.
        classes: how many there are.
        budget: share of the samples whose labels may be asked.
    """

    number: int
    confidence: float
    classes: int
    budget: float


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a policy says to a sample.

    Args:
        ask: whether its label is wanted.
        reason: why, or why not, in one short line.
        state: what the policy has learned by now.
    """

    ask: bool
    reason: str
    state: State = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StreamPolicy(ABC):
    """Decides about one sample at a time. Its fields are its options."""

    rows: ClassVar[tuple[str, ...]] = ("A15",)
    """Ids of the literature table that this class serves."""
    kind: ClassVar[str] = "stream"
    family: ClassVar[str] = "stream"
    paper: ClassVar[str] = "zliobaite2014active"
    """Key in ``refs.bib``."""
    survey: ClassVar[str] = "1.2"
    """Section of ren2021survey."""
    looks: ClassVar[bool] = True
    """Whether it looks at the model's confidence; a baseline does not."""
    known_gaps: ClassVar[dict[str, str]] = {}
    """Contract checks that do not hold, each with its reason. An unexpected pass fails."""

    def start(self) -> State:
        """What it knows before the first sample."""
        return {}

    @abstractmethod
    def choice(self, passing: Passing, state: State, rng: Generator) -> Choice:
        """Whether to ask for the label of a sample, with budget left for it.

        Args:
            passing: the sample.
            state: what :meth:`start`, or the choice before this one, handed out; never written to.
            rng: fresh for each sample.
        """
