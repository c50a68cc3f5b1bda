"""Stop when the labels, the money or the time is spent.

Cost: none. No paper: what a campaign may spend is decided outside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from querist.core.errors import UsageError
from querist.stopping.base import RoundSummary, Stopping, Verdict

_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Budget(Stopping):
    """Stop before the next label would cost more than there is.

    Labels are on the bill whoever they serve, the initial and the validation ones too. The machine's time of the next
    round is not known before it ran; that of the longest round so far stands for it.

    Formula:
        ``n <= labels``; ``price n + price_an_hour h <= money``; ``seconds_a_label n / 3600 + h <= hours``, with ``n``
        labels on the bill and ``h`` hours of the machine

    Use it when:
        always: every other rule can be wrong.

    Not when:
        what counts is a score: a budget does not know whether the last thousand labels taught anything.

    Args:
        labels: in all.
        money: in all, in any currency; ``None`` for no limit.
        price: of a label, in that currency.
        price_an_hour: of the machine.
        hours: of people and the machine together; ``None`` for no limit.
        seconds_a_label: that a person takes.

    Example:
        >>> Budget(labels=100).reason([RoundSummary(labels=100)])
        'the budget of 100 labels is spent'
        >>> Budget(labels=100, money=3.0, price=0.05).room([RoundSummary(labels=20)])
        40
    """

    labels: int
    money: float | None = None
    price: float = 0.0
    price_an_hour: float = 0.0
    hours: float | None = None
    seconds_a_label: float = 0.0

    limits: ClassVar = {
        "labels": (1, math.inf),
        "money": (0, math.inf),
        "price": (0, math.inf),
        "price_an_hour": (0, math.inf),
        "hours": (0, math.inf),
        "seconds_a_label": (0, math.inf),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.money is not None and not self.price and not self.price_an_hour:
            raise UsageError(f"budget has money = {self.money:g} and nothing costs any", hint="give price=0.05")

    @property
    def of_labels_alone(self) -> bool:
        """Whether neither money nor time has a limit."""
        return self.money is None and self.hours is None

    def judge(self, rounds: Sequence[RoundSummary]) -> Verdict:
        rooms = self._rooms(rounds)
        spent = next((name for name, room in rooms.items() if room < 1), None)
        if rounds and spent is not None:
            if spent == "labels":
                return Verdict(stop=True, text=f"the budget of {self.labels} labels is spent")
            text = f"{self._spent(spent, rounds):.2f} of {getattr(self, spent):g} {spent} spent, no further label fits"
            return Verdict(stop=True, text=text)
        labels = rounds[-1].labels if rounds else 0
        parts = [f"{labels} of {self.labels} labels"]
        parts += [f"{self._spent(name, rounds):.2f} of {getattr(self, name):g} {name}" for name in list(rooms)[1:]]
        return Verdict(stop=False, text=", ".join(parts))

    def room(self, rounds: Sequence[RoundSummary]) -> int:
        return max(0, int(min(self._rooms(rounds).values())))

    def _rooms(self, rounds: Sequence[RoundSummary]) -> dict[str, float]:
        """Labels that may still be bought under each limit."""
        rooms: dict[str, float] = {"labels": self.labels - (rounds[-1].labels if rounds else 0)}
        times = [0.0, *(summary.seconds for summary in rounds)]
        longest = max((later - before for before, later in pairwise(times)), default=0.0) / 3600
        for name, a_label, an_hour in (
            ("money", self.price, self.price_an_hour),
            ("hours", self.seconds_a_label / 3600, 1.0),
        ):
            if (limit := getattr(self, name)) is not None:
                left = limit - self._spent(name, rounds) - an_hour * longest
                free = math.inf if left > -_ROUNDING else 0
                rooms[name] = math.floor(min(left / a_label + _ROUNDING, 1e15)) if a_label else free
        return rooms

    def _spent(self, name: str, rounds: Sequence[RoundSummary]) -> float:
        last = rounds[-1] if rounds else RoundSummary(labels=0)
        hours = last.seconds / 3600
        if name == "money":
            return self.price * last.labels + self.price_an_hour * hours
        return self.seconds_a_label * last.labels / 3600 + hours
