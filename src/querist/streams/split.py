"""Split: a share of the stream is asked at random, the rest by uncertainty.

Paper: zliobaite2014active (its Split). Known differences: the paper trains a change detector on the random part; here
the reasons say which part a label is of, so that a detector of one's own can be fed. ``share`` is that of
scikit-activeml's program. Cost: one forward pass a sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from querist.core.errors import UsageError
from querist.core.types import Generator
from querist.streams.base import Choice, Passing, State, StreamPolicy
from querist.streams.random import Random
from querist.streams.variable_uncertainty import VariableUncertainty


@dataclass(frozen=True, kw_only=True)
class Split(StreamPolicy):
    """Each sample falls into the random part or into the other one by chance.

    Labels that uncertainty chose are a crooked sample, and say nothing about how good the model is. Those of the random
    part do, so a change shows in them wherever it comes.

    Formula:
        with chance ``share`` as ``random``, else as ``variable_uncertainty``

    Use it when:
        the labels must both teach and watch over the model.

    Not when:
        the budget is a few labels in all: a tenth of them shows nothing.

    Args:
        share: of the stream that is asked at random (``v``).
        rest: the policy of the others.

    Example:
        >>> from querist.core.rng import generator
        >>> passing = Passing(number=1, confidence=0.9, classes=2, budget=0.1)
        >>> Split(share=1.0).choice(passing, Split().start(), generator(0)).reason
        'not drawn for the random part'
    """

    share: float = 0.1
    rest: StreamPolicy = field(default_factory=VariableUncertainty)

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise UsageError(f"a random share of {self.share} was given", hint="give a share from 0 to 1")

    def start(self) -> State:
        return self.rest.start()

    def choice(self, passing: Passing, state: State, rng: Generator) -> Choice:
        if float(torch.rand((), generator=rng, dtype=torch.float64)) >= self.share:
            return self.rest.choice(passing, state, rng)
        drawn = Random().choice(passing, state, rng)
        return Choice(ask=drawn.ask, reason=f"{drawn.reason} for the random part", state=state)
