"""Stop when the learning curve, drawn on, promises next to nothing.

Paper: cortes1993learning for the form of the curve; when to stop by it is ours. Cost: validation labels, and
milliseconds a round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from querist.stopping.base import VALIDATION, RoundSummary, Stopping, Verdict
from querist.stopping.power_law import PowerLaw, quantiles

POINTS = 5
"""Measured rounds before which nothing is forecast."""
LOW, HIGH = 0.05, 0.95
"""Ends of intervals."""
FAR = 20
"""Times the labels so far beyond which no forecast is believed."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """A number of labels with its 90 % interval; infinite beyond twenty times the labels so far."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class LearningCurve(Stopping):
    """Stop when ``more`` labels would gain less than ``gain``, even at the better end of the forecast.

    All power laws that fit the validation scores so far are drawn on, each with what the scores say of it. Noise makes
    the forecast wide, and a wide forecast does not stop. With a ``target`` it also says how many labels are still
    needed.

    Formula:
        ``error(n) = a + b n^-c``, ``a, b >= 0``; stop when ``P(error(n) - error((1 + more) n) < gain) >= 0.95``, or
        when the middle forecast of the target is reached

    Use it when:
        there are validation labels drawn at random, and it matters what the next thousand labels would buy.

    Not when:
        there are fewer than five rounds, or the score leaps (a class is found late): no power law knows of it. Nor on
        labels that the strategy chose: a score on those says nothing about other rows.

    Args:
        metric: which validation metric; one where 1 is best, or an error with ``lower_is_better``.
        gain: too little to go on for, in the metric's own unit.
        more: labels ahead, as a share of those on the bill.
        target: of the metric, at which to stop as well; ``None`` for none.
        lower_is_better: for errors, which fall towards 0 or higher.

    Example:
        >>> seen = [RoundSummary(labels=n, validation={"accuracy": 0.95 - 2 / n}) for n in range(20, 220, 20)]
        >>> LearningCurve(metric="accuracy").reason(seen)
        '50% more labels would gain 0.004 (at most 0.004), which is under 0.01'
        >>> LearningCurve(metric="accuracy", target=0.945).needed(seen)
        Forecast(middle=129.0, low=94.0, high=876.0)
    """

    metric: str
    gain: float = 0.01
    more: float = 0.5
    target: float | None = None
    lower_is_better: bool = False

    rows: ClassVar = ("K3",)
    paper: ClassVar = "cortes1993learning"
    limits: ClassVar = {"gain": (0, math.inf), "more": (1e-6, 1e6), "target": (-math.inf, math.inf)}

    def needs(self) -> tuple[str, ...]:
        return (VALIDATION,)

    def judge(self, rounds: Sequence[RoundSummary]) -> Verdict:
        points = self._points(rounds)
        if len(points) < POINTS:
            return Verdict(stop=False, text=f"not enough evidence: needs {POINTS} measured rounds, has {len(points)}")
        law, now = _law(points), list(points)[-1]
        ahead = law.at(now) - law.at((1 + self.more) * now)
        middle, high = quantiles(ahead, law.weights, (0.5, HIGH))
        gains = f"{self.more:.0%} more labels would gain {middle:.3f} (at most {high:.3f})"
        needed = self.needed(rounds)
        if needed is not None and needed.middle <= 0:
            return Verdict(stop=True, text=f"the learning curve has reached {self.target:g}")
        far = "" if needed is None else f"; {self.target:g} {_in_words(needed)}"
        if high < self.gain:
            return Verdict(stop=True, text=f"{gains}, which is under {self.gain:g}{far}")
        return Verdict(stop=False, text=f"{gains}, stops under {self.gain:g}{far}")

    def needed(self, rounds: Sequence[RoundSummary]) -> Forecast | None:
        """Labels that the target still needs, 0 once it is reached; ``None`` without a target or enough evidence."""
        points = self._points(rounds)
        if self.target is None or len(points) < POINTS:
            return None
        law, now = _law(points), list(points)[-1]
        total = law.labels_for(self._error(self.target))
        ends = quantiles(np.where(total > FAR * now, math.inf, total) - now, law.weights, (LOW, 0.5, HIGH))
        low, middle, high = (end if end == math.inf else float(max(math.ceil(end - 1e-9), 0)) for end in ends)
        return Forecast(middle=middle, low=low, high=high)

    def _points(self, rounds: Sequence[RoundSummary]) -> dict[int, float]:
        """Labels -> error, of the first measurement with so many labels."""
        points: dict[int, float] = {}
        for summary in rounds:
            if self.metric in summary.validation:
                points.setdefault(summary.labels, max(self._error(summary.validation[self.metric]), 0.0))
        return points

    def _error(self, value: float) -> float:
        return value if self.lower_is_better else 1 - value


def _law(points: dict[int, float]) -> PowerLaw:
    return PowerLaw(list(points), list(points.values()))


def _in_words(needed: Forecast) -> str:
    """How far a target is.

    Example:
        >>> _in_words(Forecast(middle=120, low=80, high=400)), _in_words(Forecast(middle=120, low=80, high=math.inf))
        ('needs about 120 more labels (80 to 400)', 'needs about 120 more labels (80 or more)')
    """
    if needed.middle == math.inf:
        return "is not in sight"
    end = f"{needed.low:.0f} or more" if needed.high == math.inf else f"{needed.low:.0f} to {needed.high:.0f}"
    return f"needs about {needed.middle:.0f} more labels ({end})"
