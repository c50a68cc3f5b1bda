"""Random: the label of each sample with the same chance. The baseline of streams.

Paper: zliobaite2014active (its Random). Cost: nothing; no model is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.types import Generator
from querist.streams.base import Choice, Passing, State, StreamPolicy


@dataclass(frozen=True, kw_only=True)
class Random(StreamPolicy):
    """Each sample with a chance of the budget: labels are a fair sample of the stream, wherever it drifts to.

    Formula:
        ask if ``u < budget``, ``u`` uniform

    Use it when:
        the labels must also show how good the model is, or that the stream has changed; and beside every other policy.

    Not when:
        labels are dear and most samples are plain.

    Example:
        >>> from querist.core.rng import generator
        >>> passing = Passing(number=1, confidence=0.5, classes=2, budget=1.0)
        >>> Random().choice(passing, {}, generator(0)).ask
        True
    """

    looks: ClassVar = False

    def choice(self, passing: Passing, state: State, rng: Generator) -> Choice:
        ask = float(torch.rand((), generator=rng, dtype=torch.float64)) < passing.budget
        return Choice(ask=ask, reason="drawn at random" if ask else "not drawn", state=state)
