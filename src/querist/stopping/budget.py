"""Stop when the labels are spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from querist.stopping.base import RoundSummary, Stopping


@dataclass(frozen=True, kw_only=True)
class Budget(Stopping):
    """Stop at ``labels`` labels on the bill, the initial and the validation ones included.

    Example:
        >>> Budget(labels=100).reason([RoundSummary(labels=100)])
        'the budget of 100 labels is spent'
    """

    labels: int

    def reason(self, rounds: Sequence[RoundSummary]) -> str | None:
        if rounds and rounds[-1].labels >= self.labels:
            return f"the budget of {self.labels} labels is spent"
        return None
