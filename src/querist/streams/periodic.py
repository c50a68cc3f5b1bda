"""Periodic: the label of every so-manieth sample. The other baseline of streams.

Paper: none; zliobaite2014active draws instead. Cost: nothing; no model is asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Generator
from querist.streams.base import Choice, Passing, State, StreamPolicy


@dataclass(frozen=True, kw_only=True)
class Periodic(StreamPolicy):
    """A label whenever one more is earned: evenly spread, and the budget is spent to the last label.

    Formula:
        ask sample ``t`` if ``floor(budget t) > floor(budget (t - 1))``

    Use it when:
        somebody labels at fixed times, or a random twin would spend another number of labels.

    Not when:
        the stream has a rhythm of its own: it then sees the same beat every time.

    Example:
        >>> from querist.core.rng import generator
        >>> ask = [Periodic().choice(Passing(number=t, confidence=1.0, classes=2, budget=0.5), {}, generator(0)).ask
        ...        for t in (1, 2, 3, 4)]
        >>> ask
        [False, True, False, True]
    """

    looks: ClassVar = False
    paper: ClassVar = ""

    def choice(self, passing: Passing, state: State, rng: Generator) -> Choice:
        ask = math.floor(passing.budget * passing.number) > math.floor(passing.budget * (passing.number - 1))
        return Choice(ask=ask, reason="its turn" if ask else "not its turn", state=state)
