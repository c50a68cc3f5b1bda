"""Stop when several rules agree to.

Paper: zhu2008multi combines its criteria this way, among others (a threshold that is lowered until no prediction
changes is not here). Cost: that of the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from querist.core.errors import UsageError
from querist.stopping.base import RoundSummary, Stopping, Verdict


@dataclass(frozen=True, kw_only=True)
class AllOf(Stopping):
    """Stop when all of some rules would.

    One rule's blind spot is seldom another's: an over-sure network looks certain from the start, but its predictions
    still change.

    Formula:
        ``stop = rule_1 and rule_2 and ...``

    Use it when:
        a rule alone stops too early. With a budget among them (``budget:labels=200+overall_uncertainty``) it is a
        number of labels before which nothing stops.

    Not when:
        one of the rules may never stop: then none does.

    Args:
        rules: two or more.

    Example:
        >>> from querist.stopping.budget import Budget
        >>> rule = AllOf(rules=(Budget(labels=20), Budget(labels=40)))
        >>> rule.judge([RoundSummary(labels=20)]).text
        'the budget of 20 labels is spent; but 20 of 40 labels'
    """

    rules: tuple[Stopping, ...]

    rows: ClassVar = ("K3",)
    paper: ClassVar = "zhu2008multi"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.rules) < 2:
            raise UsageError(f"{len(self.rules)} rules are to agree", hint="name two or more, as in a+b")

    @property
    def name(self) -> str:
        return "+".join(rule.name for rule in self.rules)

    def serves(self, task: str) -> bool:
        return all(rule.serves(task) for rule in self.rules)

    def needs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(need for rule in self.rules for need in rule.needs()))

    def judge(self, rounds: Sequence[RoundSummary]) -> Verdict:
        verdicts = [rule.judge(rounds) for rule in self.rules]
        done = "; ".join(verdict.text for verdict in verdicts if verdict.stop)
        open_ = "; ".join(verdict.text for verdict in verdicts if not verdict.stop)
        return Verdict(stop=not open_, text=f"{done}; but {open_}" if done and open_ else done or open_)
