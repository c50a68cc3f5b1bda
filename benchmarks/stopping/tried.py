"""Rules tried on recorded campaigns: where each would have stopped, what it spent, and what that cost.

The oracle knows the test score of every round and stops where labels and errors together cost least, the cost-based
optimum of pullarstrecker2022hitting: ``cost(t) = labels_t + worth * 100 * (1 - test accuracy_t)``, in labels, with
``worth`` the labels that a point of accuracy is worth to somebody. Regret is a rule's cost less the oracle's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmarks.stopping.recorded import VALIDATION, unpacked

from querist.stopping.base import VALIDATION as READS_VALIDATION
from querist.stopping.base import RoundSummary, Stopping
from querist.stopping.spelling import read_rules

WORTH = (5, 20, 100)
"""Labels that a point of accuracy is worth: to somebody who pays dearly for labels, or for errors."""

RULES = (
    "stabilising_predictions",
    "stabilising_predictions:agreement=0.95",
    "predicted_change",
    "predicted_change:change=0.05",
    "classification_change",
    "classification_change:share=0.02:rounds=3",
    "max_uncertainty",
    "overall_uncertainty",
    "overall_uncertainty:entropy=0.1",
    "expected_error",
    "expected_error:error=0.05",
    "selected_accuracy",
    "selected_accuracy:rounds=3",
    "expected_error:error=0.05+stabilising_predictions:agreement=0.95",
    "plateau",
    "learning_curve",
)
"""Each with its default options, and some with laxer ones; written down before any was tried."""


@dataclass(frozen=True)
class Campaign:
    """A recorded campaign.

    Args:
        curve: its kind.
        seed: of it.
        kept: its rounds as data.
    """

    curve: str
    seed: str
    kept: Mapping[str, Any]

    @cached_property
    def rounds(self) -> list[RoundSummary]:
        """As rules see them."""
        return unpacked(dict(self.kept))

    def cost(self, place: int, worth: float, extra: int = 0) -> float:
        """Labels and errors of a stop after a round, in labels."""
        return float(self.kept["labels"][place] + extra + worth * 100 * (1 - self.kept["test"][place]))

    def oracle(self, worth: float) -> int:
        """The round after which stopping costs least; the first of equals."""
        return min(range(len(self.kept["labels"])), key=lambda place: self.cost(place, worth))


@dataclass(frozen=True)
class Stop:
    """Where a rule stopped a campaign.

    Args:
        campaign: which.
        place: the round; the last one where the rule never stopped.
        stopped: whether it did.
        extra: validation labels that it bought.
    """

    campaign: Campaign
    place: int
    stopped: bool
    extra: int = 0

    @property
    def labels(self) -> int:
        """Spent, validation included."""
        return int(self.campaign.kept["labels"][self.place]) + self.extra

    def regret(self, worth: float) -> float:
        """Cost over the oracle's, in labels."""
        campaign = self.campaign
        return campaign.cost(self.place, worth, self.extra) - campaign.cost(campaign.oracle(worth), worth)

    def lost(self) -> float:
        """Points of accuracy below the mean of the last three rounds of the campaign."""
        end = self.campaign.kept["test"][-3:]
        return float(100 * (sum(end) / len(end) - self.campaign.kept["test"][self.place]))


def campaigns(kept: Mapping[str, Any]) -> list[Campaign]:
    """All that was recorded."""
    return [Campaign(curve, seed, found) for curve, cell in kept.items() for seed, found in cell["seeds"].items()]


def stop_of(rule: Stopping, campaign: Campaign) -> Stop:
    """Where ``rule`` stops; it is asked after every round, as in a run."""
    extra = VALIDATION if READS_VALIDATION in rule.needs() else 0
    for place in range(len(campaign.rounds)):
        if rule.judge(campaign.rounds[: place + 1]).stop:
            return Stop(campaign, place, stopped=True, extra=extra)
    return Stop(campaign, len(campaign.rounds) - 1, stopped=False, extra=extra)


def tried(kept: Mapping[str, Any]) -> dict[str, list[Stop]]:
    """Every rule on every campaign, and two budgets that nobody tuned."""
    known = {"metric": "accuracy", "labels": 10**9, "lower_is_better": False}
    found: dict[str, list[Stop]] = {}
    runs = campaigns(kept)
    for text in RULES:
        (rule,) = read_rules(text, known)
        found[text] = [stop_of(rule, campaign) for campaign in runs]
    for name, share in (("a quarter of the campaign", 0.25), ("the whole campaign", 1.0)):
        found[name] = [_budget(campaign, share) for campaign in runs]
    return found


def _budget(campaign: Campaign, share: float) -> Stop:
    labels: Sequence[int] = campaign.kept["labels"]
    return Stop(campaign, next(i for i, n in enumerate(labels) if n >= share * labels[-1]), stopped=True)
