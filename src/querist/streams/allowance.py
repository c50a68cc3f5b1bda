"""Allowance: how much of a label budget, given as a rate, is left at each moment of a stream.

Paper: zliobaite2014active, which estimates the labels asked among the last ``window`` samples by ``u_t = u_{t-1} (1 -
1 / window) + asked_t`` and goes on while ``u_t / window`` is under the rate. That alone lets a stream begin with a row
of labels that is not yet paid for, and then ask a little more than its rate. Here the estimate must allow a label, and
the count itself, which never exceeds the rate times the samples seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from querist.core.errors import BudgetError


@dataclass(kw_only=True)
class Allowance:
    """What a stream may still ask for.

    Args:
        rate: labels a sample, above 0 and up to 1 (``B`` of the paper).
        window: samples that the estimate looks back on (``w``).
        seen: samples so far.
        asked: labels asked so far.
        recent: estimate of those among the last ``window`` samples (``u``).

    Raises:
        BudgetError: a rate outside 0 to 1, or a window of less than one sample.

    Example:
        >>> allowance = Allowance(rate=0.5)
        >>> for _ in range(5):
        ...     allowance.pass_by(ask=allowance.left)
        >>> allowance.asked
        2
    """

    rate: float
    window: int = 100
    seen: int = 0
    asked: int = 0
    recent: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise BudgetError(f"a label budget of {self.rate} a sample was given", hint="give a rate above 0, up to 1")
        if self.window < 1:
            raise BudgetError(f"a window of {self.window} samples was given", hint="give 1 or more")

    @property
    def left(self) -> bool:
        """Whether the label of the next sample may be asked."""
        return self.asked + 1 <= self.rate * (self.seen + 1) and self.recent / self.window < self.rate

    def pass_by(self, *, ask: bool) -> None:
        """Note a sample, and whether its label was asked."""
        self.seen += 1
        self.asked += ask
        self.recent = self.recent * (1 - 1 / self.window) + ask
