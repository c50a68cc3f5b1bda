"""Stop when the model had the labels right that were just bought.

Paper: zhu2010confidence. Known difference: the guesses of several rounds can be taken together, since a small batch
says little. The paper's default could not be confirmed; 0.9 is what others use for it. Cost: a forward pass over the
batch a round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from querist.stopping.base import GUESSES, RoundSummary, Stopping, Verdict, told, too_few


@dataclass(frozen=True, kw_only=True)
class SelectedAccuracy(Stopping):
    """Stop when the model guesses the answers to its own hardest questions.

    The rows that a strategy asks for are those that it takes for the hardest. If the model of the round before has
    even them right, the easier rest is known.

    Formula:
        ``right / asked >= accuracy`` over the rows of the last ``rounds``, predicted before their labels were told

    Use it when:
        the strategy asks for unsure rows one by one and batches are large enough to measure an accuracy on.

    Not when:
        rows are asked for diversity or at random: these are no harder than others, and the rule reads the plain
        accuracy. Nor where labels are noisy near the boundary, which caps what can be guessed.

    Args:
        accuracy: share of right guesses that stops, 0 to 1.
        rounds: whose rows are taken together; the paper's 1.

    Example:
        >>> from querist.stopping.base import Guesses
        >>> seen = [RoundSummary(labels=20), RoundSummary(labels=40, guesses=Guesses(right=13, of=20))]
        >>> SelectedAccuracy().judge(seen).text
        '65% of the last 20 labels were guessed, stops at 90%'
    """

    accuracy: float = 0.9
    rounds: int = 1

    rows: ClassVar = ("K3",)
    paper: ClassVar = "zhu2010confidence"
    tasks: ClassVar = ("classification",)
    limits: ClassVar = {"accuracy": (0, 1), "rounds": (1, float("inf"))}

    def needs(self) -> tuple[str, ...]:
        return (GUESSES,)

    def judge(self, rounds: Sequence[RoundSummary]) -> Verdict:
        seen = [summary.guesses for summary in told(rounds) if summary.guesses is not None][-self.rounds :]
        if len(seen) < self.rounds:
            return too_few(len(seen), self.rounds, " after the first")
        right, asked = sum(each.right for each in seen), sum(each.of for each in seen)
        share = right / asked
        stop = share >= self.accuracy
        end = f"which is at least {100 * self.accuracy:g}%" if stop else f"stops at {100 * self.accuracy:g}%"
        return Verdict(stop=stop, text=f"{share:.0%} of the last {asked} labels were guessed, {end}")
