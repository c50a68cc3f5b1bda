"""What happens while a run runs, as values that a listener may show. The loop itself prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from querist.stopping.base import Verdict


@dataclass(frozen=True, kw_only=True)
class ProgressEvent:
    """Something that a person watching would like to know."""


@dataclass(frozen=True, kw_only=True)
class RunStarted(ProgressEvent):
    """A run begins, or goes on.

    Args:
        arms: strategies that are compared, the first one the person's own.
        seeds: seeds of each arm.
        budget: labels of each campaign.
        notes: what was guessed or found in the data.
    """

    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    budget: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stage(ProgressEvent):
    """A step of a round, with the share of it that is done (0 to 1)."""

    arm: str
    seed: int
    text: str
    share: float


@dataclass(frozen=True, kw_only=True)
class RoundEnded(ProgressEvent):
    """A round was labelled, trained and measured.

    Args:
        arm: strategy.
        seed: seed of the campaign.
        round: number of the round, 0 for the initial labels.
        labels: labels on the bill.
        budget: labels that the campaign may spend.
        metric: name of the metric.
        value: its value on the test rows.
        done: share of the whole run's labels that are spent, 0 to 1.
        seconds_left: guess of the whole run's remaining time.
        stands: where each stopping rule stands, by name.
    """

    arm: str
    seed: int
    round: int
    labels: int
    budget: int
    metric: str
    value: float
    done: float
    seconds_left: float
    stands: dict[str, Verdict] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Advised(ProgressEvent):
    """An advisor took another strategy than before.

    Args:
        arm: what it is called in the run.
        seed: seed of the campaign.
        labels: labels on the bill when it did.
        strategy: who chooses from now on.
        why: half a sentence that goes on after "because".
    """

    arm: str
    seed: int
    labels: int
    strategy: str
    why: str


@dataclass(frozen=True, kw_only=True)
class RunEnded(ProgressEvent):
    """All campaigns are done."""

    seconds: float


Listener = Callable[[ProgressEvent], None]


def silent(event: ProgressEvent) -> None:
    """The listener that shows nothing."""
