"""Stop when the model expects to make few errors.

Paper: zhu2008learning, zhu2010confidence (minimum expected error). Known difference: the paper looks at all unlabelled
rows, here it is those of the stop set. The paper's default could not be confirmed; 0.01 is what others use for it.
Cost: a forward pass over the stop set a round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from querist.stopping.base import ANSWERS_WITH_CLASSES, DOUBT, RoundSummary, Stopping, Verdict, told, too_few


@dataclass(frozen=True, kw_only=True)
class ExpectedError(Stopping):
    """Stop when the error that the model expects of itself on unlabelled rows is small.

    Formula:
        ``mean_x (1 - max_y p(y | x)) <= error``

    Use it when:
        an error rate is the goal, probabilities are calibrated, and there are no labels for validation.

    Not when:
        the network is over-sure: it then expects a fraction of the errors that it makes. Where the goal is below what
        the classes' overlap allows, it never stops.

    Args:
        error: expected share of wrong units, 0 to 1.

    Example:
        >>> from querist.stopping.base import Doubt
        >>> seen = [RoundSummary(labels=20, doubt=Doubt(mean_entropy=0.1, max_entropy=0.8, expected_error=0.05))]
        >>> ExpectedError(error=0.05).reason(seen)
        'the model expects 5.0% errors, which is at most 5%'
    """

    error: float = 0.01

    rows: ClassVar = ("K3",)
    paper: ClassVar = "zhu2010confidence"
    tasks: ClassVar = ANSWERS_WITH_CLASSES
    limits: ClassVar = {"error": (0, 1)}

    def needs(self) -> tuple[str, ...]:
        return (DOUBT,)

    def judge(self, rounds: Sequence[RoundSummary]) -> Verdict:
        seen = [summary.doubt for summary in told(rounds) if summary.doubt is not None]
        if not seen:
            return too_few(0, 1)
        value = seen[-1].expected_error
        stop = value <= self.error
        end = f"which is at most {100 * self.error:g}%" if stop else f"stops at {100 * self.error:g}%"
        return Verdict(stop=stop, text=f"the model expects {value:.1%} errors, {end}")
