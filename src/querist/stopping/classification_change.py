"""Stop when no row changes its predicted class from one round to the next.

Paper: zhu2008multi. Known difference: the paper looks at all unlabelled rows, here it is the stop set. Cost: a forward
pass over the stop set a round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from querist.stopping.base import ANSWERS_WITH_CLASSES, PREDICTIONS, RoundSummary, Stopping, Verdict, told, too_few


@dataclass(frozen=True, kw_only=True)
class ClassificationChange(Stopping):
    """Stop when the last labels moved no decision boundary across a row.

    Formula:
        ``changed = share of units whose class in round t is not that in t - 1``; stop when it is at most ``share`` in
        each of the last ``rounds``

    Use it when:
        the model is stable (a linear one, a warm start) and its last points are worth their labels.

    Not when:
        networks are trained from new weights each round: some rows on a boundary always change sides. Give a
        ``share`` then, or take ``stabilising_predictions``.

    Args:
        share: units that may change, 0 to 1; the paper's 0.
        rounds: for how many rounds; the paper's 1.

    Example:
        >>> rounds = [RoundSummary(labels=n, predictions=said) for n, said in [(20, (0, 1, 1)), (40, (0, 1, 1))]]
        >>> ClassificationChange().reason(rounds)
        '0.0% of predictions changed in the last round, which is at most 0%'
    """

    share: float = 0.0
    rounds: int = 1

    rows: ClassVar = ("K3",)
    paper: ClassVar = "zhu2008multi"
    tasks: ClassVar = ANSWERS_WITH_CLASSES
    limits: ClassVar = {"share": (0, 1), "rounds": (1, float("inf"))}

    def needs(self) -> tuple[str, ...]:
        return (PREDICTIONS,)

    def judge(self, rounds: Sequence[RoundSummary]) -> Verdict:
        seen = [summary.predictions for summary in told(rounds) if summary.predictions][-self.rounds - 1 :]
        if len(seen) <= self.rounds:
            return too_few(len(seen), self.rounds + 1)
        most = max(changed(before, now) for before, now in pairwise(seen))
        when = "in the last round" if self.rounds == 1 else f"in one of {self.rounds} rounds"
        if stop := most <= self.share:
            return Verdict(
                stop=stop, text=f"{most:.1%} of predictions changed {when}, which is at most {100 * self.share:g}%"
            )
        return Verdict(stop=False, text=f"{most:.1%} of predictions changed {when}, stops at {100 * self.share:g}%")


def changed(before: Sequence[int], now: Sequence[int]) -> float:
    """Share of units whose class is another one now.

    Example:
        >>> changed([0, 1, 1, 2], [0, 1, 2, 2])
        0.25
    """
    return sum(a != b for a, b in zip(before, now, strict=True)) / len(now)
