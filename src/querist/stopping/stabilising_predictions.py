"""Stop when models that follow each other say the same: Cohen's kappa on a set of rows without labels.

Paper: bloodgood2009method; what agreement says about the score is bloodgood2013analysis's. Known differences: the stop
set is drawn from all training rows, and rows that are labelled later stay in it; what the paper did with those could
not be confirmed. Where both models put every unit in one class, kappa is 0/0 and counts as full agreement. Cost: a
forward pass over the stop set a round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from querist.stopping.base import ANSWERS_WITH_CLASSES, PREDICTIONS, RoundSummary, Stopping, Verdict, told, too_few


@dataclass(frozen=True, kw_only=True)
class StabilisingPredictions(Stopping):
    """Stop when successive models agree on what they predict, over several rounds.

    A model whose answers no longer change has no use for more labels of the kind that it asks for. Raw agreement would
    be high from the start where one class is common, so what chance would give is taken off.

    Formula:
        ``kappa = (agreed - by chance) / (1 - by chance)`` of rounds ``t - 1`` and ``t``; stop when its mean over the
        last ``rounds`` is at least ``agreement``

    Use it when:
        there are no labels to spare for validation. A kappa above ``T`` also bounds by how much the F-measure of the
        two models can differ: ``4 (1 - T) / T`` (bloodgood2013analysis).

    Not when:
        batches are small beside what is labelled: a few rows move no model, which looks like an end. A network that
        is trained from new weights each round disagrees with itself on the same labels, and may never reach 0.99.

    Args:
        agreement: mean kappa that stops; the paper's 0.99.
        rounds: over how many rounds the mean is taken, the paper's window ``k``.

    Example:
        >>> rounds = [RoundSummary(labels=n, predictions=said) for n, said in [(20, (0, 1, 1)), (40, (0, 1, 1))]]
        >>> StabilisingPredictions(rounds=1).reason(rounds)
        'agreement 1.000 over 1 round has reached 0.99'
    """

    agreement: float = 0.99
    rounds: int = 3

    rows: ClassVar = ("K1", "S52")
    paper: ClassVar = "bloodgood2009method"
    tasks: ClassVar = ANSWERS_WITH_CLASSES
    limits: ClassVar = {"agreement": (-1, 1), "rounds": (1, float("inf"))}

    def needs(self) -> tuple[str, ...]:
        return (PREDICTIONS,)

    def judge(self, rounds: Sequence[RoundSummary]) -> Verdict:
        seen = [summary.predictions for summary in told(rounds) if summary.predictions][-self.rounds - 1 :]
        if len(seen) <= self.rounds:
            return too_few(len(seen), self.rounds + 1)
        mean = sum(kappa(before, now) for before, now in pairwise(seen)) / self.rounds
        stop = mean >= self.agreement
        over = f"over {self.rounds} round{'s' if self.rounds > 1 else ''}"
        end = f"has reached {self.agreement:g}" if stop else f"stops at {self.agreement:g}"
        return Verdict(stop=stop, text=f"agreement {mean:.3f} {over}{' ' if stop else ', '}{end}")


def kappa(before: Sequence[int], now: Sequence[int]) -> float:
    """Cohen's kappa of two models' classes for the same units.

    Example:
        >>> round(kappa([0, 0, 0, 1, 1], [0, 1, 0, 1, 0]), 3)
        0.167
    """
    n = len(now)
    agreed = sum(a == b for a, b in zip(before, now, strict=True)) / n
    one, other = Counter(before), Counter(now)
    chance = sum(count * other[name] for name, count in one.items()) / n**2
    return (agreed - chance) / (1 - chance) if chance < 1 else 1.0
