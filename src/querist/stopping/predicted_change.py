"""Stop when the F-measure is forecast to change by next to nothing.

Paper: altschuler2019stopping. With ``a`` units that two models both put in a class, ``b`` only the first and ``c`` only
the second, and the second taken for the truth, the first would have an F-measure of ``2a / (2a + b + c)``; what is
missing to 1 is the forecast of the change. Known difference: the paper has one positive class, here every class takes
its turn and the mean counts; classes that neither model predicts are left out. Only the abstract could be read: the
formula, the epsilon of 0.005 and the window of 3 are not confirmed. Cost: a forward pass over the stop set a round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from querist.stopping.base import ANSWERS_WITH_CLASSES, PREDICTIONS, RoundSummary, Stopping, Verdict, told, too_few


@dataclass(frozen=True, kw_only=True)
class PredictedChange(Stopping):
    """Stop when the forecast change of the F-measure stays under a threshold that one can read as points of F.

    It counts the same disagreements as ``stabilising_predictions``, but every class weighs alike: a rare class that
    still moves keeps the campaign going.

    Formula:
        ``change = mean over classes of 1 - 2a / (2a + b + c)`` of rounds ``t - 1`` and ``t``; stop when its mean over
        the last ``rounds`` is under ``change``

    Use it when:
        classes are unbalanced and macro F is what counts, and no labels are to spare for validation.

    Not when:
        a class has a handful of rows in the stop set: one of them that changes sides is a large change.

    Args:
        change: forecast change that stops, in F from 0 to 1; the paper's epsilon of 0.005.
        rounds: over how many rounds its mean is taken, the paper's window of 3.

    Example:
        >>> rounds = [RoundSummary(labels=n, predictions=said) for n, said in [(20, (0, 1, 1)), (40, (0, 1, 0))]]
        >>> PredictedChange(rounds=1).judge(rounds).text
        'F is forecast to change by 0.333 over 1 round, stops under 0.005'
    """

    change: float = 0.005
    rounds: int = 3

    rows: ClassVar = ("K3", "S52")
    paper: ClassVar = "altschuler2019stopping"
    tasks: ClassVar = ANSWERS_WITH_CLASSES
    limits: ClassVar = {"change": (0, 1), "rounds": (1, float("inf"))}

    def needs(self) -> tuple[str, ...]:
        return (PREDICTIONS,)

    def judge(self, rounds: Sequence[RoundSummary]) -> Verdict:
        seen = [summary.predictions for summary in told(rounds) if summary.predictions][-self.rounds - 1 :]
        if len(seen) <= self.rounds:
            return too_few(len(seen), self.rounds + 1)
        mean = sum(f_change(before, now) for before, now in pairwise(seen)) / self.rounds
        stop = mean < self.change
        over = f"over {self.rounds} round{'s' if self.rounds > 1 else ''}"
        end = f"which is under {self.change:g}" if stop else f"stops under {self.change:g}"
        return Verdict(stop=stop, text=f"F is forecast to change by {mean:.3f} {over}, {end}")


def f_change(before: Sequence[int], now: Sequence[int]) -> float:
    """Forecast change of the macro F-measure between two models, from their classes for the same units.

    Example:
        >>> round(f_change([0, 1, 1], [0, 1, 0]), 3)
        0.333
    """
    both = Counter(a for a, b in zip(before, now, strict=True) if a == b)
    either = Counter(before) + Counter(now)
    return sum(1 - 2 * both[name] / count for name, count in either.items()) / len(either)
