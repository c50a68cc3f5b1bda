"""Stop when not even the most unsure row is unsure.

Paper: zhu2010confidence. Known differences: the paper looks at all unlabelled rows, here it is those of the stop set,
so the most unsure of all may be missed; entropies are divided by the largest possible, so that a threshold means the
same for two classes and for a hundred. The paper's default could not be confirmed; 0.01 is what others use for it.
Cost: a forward pass over the stop set a round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from querist.stopping.base import ANSWERS_WITH_CLASSES, DOUBT, RoundSummary, Stopping, Verdict, told, too_few


@dataclass(frozen=True, kw_only=True)
class MaxUncertainty(Stopping):
    """Stop when the highest entropy among unlabelled rows is small: nothing worth asking is left.

    Formula:
        ``max_x H(p(y | x)) / log c <= entropy``

    Use it when:
        the model's probabilities can be believed and rows really are beyond doubt when all is learned.

    Not when:
        some rows cannot be told (noise, overlapping classes): one of them is enough to go on for ever. Nor where the
        network is sure of everything from the start.

    Args:
        entropy: of the most unsure unit, in shares of the largest possible.

    Example:
        >>> from querist.stopping.base import Doubt
        >>> seen = [RoundSummary(labels=20, doubt=Doubt(mean_entropy=0.1, max_entropy=0.8, expected_error=0.05))]
        >>> MaxUncertainty().judge(seen).text
        'the most unsure row has entropy 0.800, stops at 0.01'
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
        value = seen[-1].max_entropy
        stop = value <= self.entropy
        end = f"which is at most {self.entropy:g}" if stop else f"stops at {self.entropy:g}"
        return Verdict(stop=stop, text=f"the most unsure row has entropy {value:.3f}, {end}")
