"""What two learning curves say about labels: where a value was reached, what was saved, how high they ran.

A curve is a sequence of points ``(labels, value)`` in the order of their labels, usually the mean over seeds. Nothing
here knows a metric by name: whether lower is better is said by ``lower_is_better``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from querist.core.errors import UsageError

Point = tuple[float, float]
Curve = Sequence[Point]


def labels_at(curve: Curve, value: float, *, lower_is_better: bool = False) -> float | None:
    """Where the curve, drawn with straight lines, first reaches ``value``; ``None`` if it never does.

    Two arms are compared between the points at which they were measured, so that the answer does not jump by a whole
    batch. A curve that starts at the value or better answers with its first count: it needed that many or fewer.

    Example:
        >>> round(labels_at([(20, 0.6), (40, 0.8)], 0.7), 6)
        30.0
    """
    before: Point | None = None
    for labels, found in curve:
        if _reached(found, value, lower_is_better):
            if before is None:
                return float(labels)
            share = (value - before[1]) / (found - before[1])
            return before[0] + share * (labels - before[0])
        before = (labels, found)
    return None


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What two arms paid for the same value of the metric.

    Args:
        value: the value both are asked for.
        labels: labels that the arm needed; ``None`` where it did not get there.
        twin: labels that its twin needed.
    """

    value: float
    labels: float | None
    twin: float | None

    @property
    def saved(self) -> float | None:
        """Labels saved; negative where the arm needed more."""
        return None if self.labels is None or self.twin is None else self.twin - self.labels

    @property
    def share(self) -> float | None:
        """The same as a share of the twin's labels."""
        return None if self.saved is None or not self.twin else self.saved / self.twin


def labels_saved(
    curve: Curve, twin: Curve, *, values: Sequence[float] | None = None, lower_is_better: bool = False
) -> list[Saved]:
    """Labels that each of two arms needed for equal values of the metric.

    Args:
        curve: the arm.
        twin: what it is compared with.
        values: where to compare; by default a quarter, a half, three quarters and all of the way from the twin's
            first value to its last.

    Example:
        >>> [saved] = labels_saved([(20, 0.5), (40, 0.9)], [(20, 0.5), (60, 0.9)], values=[0.9])
        >>> saved.labels, saved.twin, saved.saved
        (40.0, 60.0, 20.0)
    """
    if values is None:
        first, last = twin[0][1], twin[-1][1]
        # A twin that learned nothing has no way to divide.
        values = [last] if first == last else [first + (last - first) * part for part in (0.25, 0.5, 0.75)] + [last]
    return [
        Saved(
            value=value,
            labels=labels_at(curve, value, lower_is_better=lower_is_better),
            twin=labels_at(twin, value, lower_is_better=lower_is_better),
        )
        for value in values
    ]


def area_under_curve(curve: Curve) -> float:
    """The curve's mean height: its area by trapezia over the span of its labels, so in the metric's own unit.

    Example:
        >>> area_under_curve([(20, 0.5), (40, 0.9), (80, 0.9)])
        0.8333333333333334
    """
    if not curve:
        raise UsageError("a curve without points has no area", hint="run at least one round")
    span = curve[-1][0] - curve[0][0]
    if span == 0:
        return float(curve[-1][1])
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(curve)) / span


def _reached(value: float, target: float, lower_is_better: bool) -> bool:
    return value <= target if lower_is_better else value >= target
