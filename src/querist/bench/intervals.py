"""What a few seeds say of a number: its mean, and how far that may be trusted.

Two strategies that begin with the same rows and train with the same seeds share their luck, so they are compared seed
by seed: the interval of the differences is then much shorter than the difference of two intervals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from querist.core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean, and the ends of its interval.

    Args:
        mean: of the values.
        low: lower end; infinite where one value alone says nothing about the others.
        high: upper end.
    """

    mean: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """From the mean to an end."""
        return self.high - self.mean

    def holds(self, value: float) -> bool:
        """Whether ``value`` lies inside, ends included."""
        return self.low <= value <= self.high


def interval(values: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """Student's interval of a mean, which takes the values for draws from one bell curve.

    With three seeds and 95 % it is 2.5 standard deviations long to each side: three seeds do not say much, and the
    interval says so.

    Args:
        values: one a seed.
        confidence: share of such intervals that hold the true mean.

    Raises:
        UsageError: no values.

    Example:
        >>> found = interval([0.9, 0.91, 0.92])
        >>> round(found.mean, 3), round(found.low, 3), round(found.high, 3)
        (0.91, 0.885, 0.935)
    """
    if not values:
        raise UsageError("an interval was asked for of no values", hint="give one value a seed")
    n, mean = len(values), math.fsum(values) / len(values)
    if n == 1:
        return Interval(mean=mean, low=-math.inf, high=math.inf)
    from scipy.stats import t  # slow to load, and nobody else here needs it

    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = float(t.ppf(0.5 + confidence / 2, n - 1)) * spread / math.sqrt(n)
    return Interval(mean=mean, low=mean - half, high=mean + half)


def paired(values: Sequence[float], twin: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """The interval of ``values - twin``, seed by seed.

    Raises:
        UsageError: not as many values on both sides.

    Example:
        >>> found = paired([0.5, 0.7], [0.4, 0.6])
        >>> round(found.mean, 3), found.low > 0.09
        (0.1, True)
    """
    if len(values) != len(twin):
        raise UsageError(f"{len(values)} values were paired with {len(twin)}", hint="give both for the same seeds")
    differences = [value - other for value, other in zip(values, twin, strict=True)]
    return interval(differences, confidence=confidence)
