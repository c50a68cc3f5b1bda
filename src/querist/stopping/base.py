"""What a stopping rule sees and says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class RoundSummary:
    """One closed round.

    Args:
        labels: labels on the bill when it closed.
        validation: metrics on the validation rows, empty where there are none. Test metrics are never shown to a
            rule: a label that decides when to stop has been used.
    """

    labels: int
    validation: dict[str, float] = field(default_factory=dict)


class Stopping(ABC):
    """A frozen rule over the rounds so far."""

    @abstractmethod
    def reason(self, rounds: Sequence[RoundSummary]) -> str | None:
        """Why to stop now, or ``None`` to go on."""
