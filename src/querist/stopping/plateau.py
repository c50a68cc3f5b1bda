"""Stop when the validation score no longer grows.

Cost: none beyond the validation labels. No paper: it is early stopping, with labels in the place of steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from querist.stopping.base import VALIDATION, RoundSummary, Stopping, Verdict, too_few


@dataclass(frozen=True, kw_only=True)
class Plateau(Stopping):
    """Stop when the best validation score of the last ``patience`` rounds is not above the best before them.

    Needs validation labels, which are on the bill. Noise of a small validation set can stop too early: with ``v``
    labels an accuracy near 0.9 has a standard error of ``0.3 / sqrt(v)``. Rounds that brought no label (every row of
    them was skipped) do not count: training again until the score is luckier must not undo a stop.

    Formula:
        ``max(last patience scores) <= max(scores before) + at_least``

    Use it when:
        some hundred validation labels are there anyway.

    Not when:
        validation labels would have to be bought for it: as training labels they may be worth more than the stop
        saves.

    Args:
        metric: which validation metric.
        patience: rounds without gain.
        at_least: gain that counts, in the metric's own unit.
        lower_is_better: for errors.

    Example:
        >>> rounds = [RoundSummary(labels=n, validation={"accuracy": a}) for n, a in [(20, .5), (40, .7), (60, .7)]]
        >>> Plateau(metric="accuracy", patience=1).reason(rounds)
        'accuracy on validation has not grown for 1 round'
    """

    metric: str
    patience: int = 3
    at_least: float = 0.0
    lower_is_better: bool = False

    limits: ClassVar = {"patience": (1, math.inf), "at_least": (0, math.inf)}

    def needs(self) -> tuple[str, ...]:
        return (VALIDATION,)

    def judge(self, rounds: Sequence[RoundSummary]) -> Verdict:
        sign = -1.0 if self.lower_is_better else 1.0
        first: dict[int, float] = {}
        for summary in rounds:
            if self.metric in summary.validation:
                first.setdefault(summary.labels, sign * summary.validation[self.metric])
        values = list(first.values())
        if len(values) <= self.patience:
            return too_few(len(values), self.patience + 1)
        now, before = max(values[-self.patience :]), max(values[: -self.patience])
        rounds_text = "1 round" if self.patience == 1 else f"{self.patience} rounds"
        if now <= before + self.at_least:
            verb = "fallen" if self.lower_is_better else "grown"
            return Verdict(stop=True, text=f"{self.metric} on validation has not {verb} for {rounds_text}")
        gain = f"{self.metric} on validation is better by {now - before:.3f} than {rounds_text} ago"
        return Verdict(stop=False, text=f"{gain}, stops at {self.at_least:g}")
