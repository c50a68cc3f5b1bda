"""Laws of growth: what a few small jobs took, and what a large one will.

Time and memory of a selection are sums of few parts, which are known beforehand; only their shares are not. Choosing
the parts by akaike1974new keeps noise from being made large by a long way to the job.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from querist.planning.trials import Job, Trial

LEAST_MB = 0.2
"""The smallest tiles."""


class Law:
    """A sum of few parts, none below 0, that comes near some values: errors count by their share of a value.

    A part is taken in only if it explains more than chance would.

    Args:
        parts: what each value is made of, ``[t p]``: a start, what grows with the pool, what grows with its square.
        values: ``[t]``, not below 0.
        noise: what any value may be wrong by, beside a share of it.
        share: that share.

    Example:
        >>> law = Law([(1, n, n * n) for n in (1, 2, 3, 4)], [3 + 2 * n * n for n in (1, 2, 3, 4)], share=1e-6)
        >>> round(law((1, 10, 100))), round(law.growth((1, 10, 100)), 2)
        (203, 1.97)
    """

    def __init__(
        self,
        parts: Sequence[tuple[float, ...]],
        values: Sequence[float],
        *,
        noise: float = 0.0,
        share: float = 0.1,
    ) -> None:
        table, wanted = np.array(parts, dtype=np.float64), np.array(values, dtype=np.float64)
        weights = 1 / np.maximum(wanted + noise, max(1e-3 * wanted.max(), 1e-9))
        scale = np.maximum(table.max(0), 1e-9)
        self._shares = _fewest(table / scale * weights[:, None], wanted * weights, share) / scale

    def __call__(self, parts: tuple[float, ...]) -> float:
        return float(self._shares @ np.array(parts))

    def growth(self, parts: tuple[float, ...]) -> float:
        """The power of the pool's size with which the value grows, there."""
        start, linear, square = self._shares * np.array(parts)
        return float((linear + 2 * square) / max(start + linear + square, 1e-12))


def _fewest(table: np.ndarray, wanted: np.ndarray, share: float) -> np.ndarray:
    """Factors of the columns, none below 0, by Akaike's measure: of fit, and of how many there are."""
    best, least = np.zeros(table.shape[1]), np.inf
    for bits in range(1, 1 << table.shape[1]):
        columns = [column for column in range(table.shape[1]) if bits >> column & 1]
        found = np.linalg.lstsq(table[:, columns], wanted, rcond=None)[0]
        off = float(((table[:, columns] @ found - wanted) ** 2).mean())
        measure = len(wanted) * np.log(off + share**2) + 2 * len(columns)
        if (found >= 0).all() and measure < least:
            best, least = np.zeros(table.shape[1]), measure
            best[columns] = found
    return best


def work(job: Job) -> tuple[float, ...]:
    """What time is made of: a start, looks at every row, and looks at every row for each pick and labelled row."""
    return 1.0, job.n, job.n * (job.k + job.m)


def size(job: Job) -> tuple[float, ...]:
    """What memory is made of: a start, numbers a row, and vectors a pick."""
    return 1.0, job.n, job.k


def held_law(trials: Sequence[Trial]) -> Law:
    """Megabytes that selectors say they must hold, by :func:`size`: no measurement, so exact."""
    return Law([size(trial.job) for trial in trials], [trial.held_mb for trial in trials], share=1e-4)
