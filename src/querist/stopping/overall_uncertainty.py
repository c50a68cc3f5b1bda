"""Stop when unlabelled rows are sure on average.

Paper: zhu2008multi, zhu2010confidence. Known differences: the paper looks at all unlabelled rows, here it is those of
the stop set; entropies are divided by the largest possible, so that a threshold means the same for two classes and for
a hundred. The paper's default could not be confirmed; 0.01 is what others use for it. Cost: a forward pass over the
stop set a round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from querist.stopping.base import ANSWERS_WITH_CLASSES, DOUBT, RoundSummary, Stopping, Verdict, told, too_few


@dataclass(frozen=True, kw_only=True)
class OverallUncertainty(Stopping):
    """Stop when the mean entropy of unlabelled rows is small.

    The mean forgives the few rows that nobody can tell, over which ``max_uncertainty`` would go on for ever.

    Formula:
        ``mean_x H(p(y | x)) / log c <= entropy``

    Use it when:
        the model's probabilities are calibrated and the classes hardly overlap.

    Not when:
        classes overlap, so that the mean stays high with any number of labels; or the network is over-sure, as one
        that fits its labels without loss is, and the rule stops long before the curve is flat.

    Args:
        entropy: mean over units, in shares of the largest possible.

    Example:
        >>> from querist.stopping.base import Doubt
        >>> seen = [RoundSummary(labels=20, doubt=Doubt(mean_entropy=0.1, max_entropy=0.8, expected_error=0.05))]
        >>> OverallUncertainty().judge(seen).text
        'mean entropy 0.100, stops at 0.01'
    """

    entropy: float = 0.01

    rows: ClassVar = ("K3",)
    paper: ClassVar = "zhu2010confidence"
    tasks: ClassVar = ANSWERS_WITH_CLASSES
    limits: ClassVar = {"entropy": (0, 1)}

    def needs(self) -> tuple[str, ...]:
        return (DOUBT,)

    def judge(self, rounds: Sequence[RoundSummary]) -> Verdict:
        seen = [summary.doubt for summary in told(rounds) if summary.doubt is not None]
        if not seen:
            return too_few(0, 1)
        value = seen[-1].mean_entropy
        stop = value <= self.entropy
        end = f"which is at most {self.entropy:g}" if stop else f"stops at {self.entropy:g}"
        return Verdict(stop=stop, text=f"mean entropy {value:.3f}, {end}")
