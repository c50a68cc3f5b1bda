"""Variable randomized uncertainty: a following threshold, shaken for each sample, so that sure ones are asked at times.

Paper: zliobaite2014active (its RandVarUncertainty). Known difference: none in the rule; the default of ``deviation`` is
that of the authors' and scikit-activeml's programs. Cost: one forward pass a sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.types import Generator
from querist.streams.variable_uncertainty import VariableUncertainty


@dataclass(frozen=True, kw_only=True)
class VariableRandomized(VariableUncertainty):
    """Variable uncertainty with its threshold multiplied by a normal draw for each sample.

    A region where the model is sure and wrong is never asked about by a threshold. Shaken, it lets some of every region
    through, those near the boundary more often.

    Formula:
        ask if ``max_c p_c < theta eta``, ``eta ~ N(1, deviation^2)``; the threshold moves as for variable uncertainty

    Use it when:
        changes may come anywhere, not only near the boundary (zliobaite2014active).

    Not when:
        the stream does not change: part of the labels goes to samples that the model knows.

    Args:
        step: share by which the threshold moves (``s``).
        first: the threshold of the first sample.
        deviation: of the draw (``delta``); 0 is plain variable uncertainty.

    Example:
        >>> from querist.core.rng import generator
        >>> from querist.streams.base import Passing
        >>> policy, passing = VariableRandomized(), Passing(number=1, confidence=0.9, classes=2, budget=0.1)
        >>> len({policy.choice(passing, policy.start(), generator(seed)).ask for seed in range(9)})
        2
    """

    deviation: float = 1.0

    looks: ClassVar = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.deviation < 0:
            raise UsageError(f"a deviation of {self.deviation} was given", hint="give 0 or more")

    def noise(self, rng: Generator) -> float:
        return 1 + self.deviation * float(torch.randn((), generator=rng, dtype=torch.float64))
