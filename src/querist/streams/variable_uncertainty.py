"""Variable uncertainty: a threshold that follows the model, so that the budget is spent evenly over time.

Paper: zliobaite2014active (its VarUncertainty). Known difference: none in the rule. Cost: one forward pass a sample.
"""

from __future__ import annotations

from dataclasses import dataclass

from querist.core.errors import UsageError
from querist.core.types import Generator
from querist.streams.base import Choice, Passing, State, StreamPolicy
from querist.streams.fixed_uncertainty import compared


@dataclass(frozen=True, kw_only=True)
class VariableUncertainty(StreamPolicy):
    """The least sure samples of the time at hand: the threshold falls with each label and rises with each sample.

    When the model is sure of everything the threshold rises until something is asked all the same; when everything is
    unsure, as after a change, it falls. Steps up and down being alike, it comes to rest where half of the samples that
    pass while there is budget are asked: it keeps to the less sure half, and never asks more than every second sample.

    Formula:
        ask if ``max_c p_c < theta``; then ``theta <- theta (1 - step)``, else ``theta <- theta (1 + step)``

    Use it when:
        labels come at a rate and the stream may drift, above all near the boundary between classes.

    Not when:
        a change may come where the model is sure: samples far from the boundary are the last to be asked.
        ``variable_randomized`` and ``split`` look there too (zliobaite2014active). Just after a sudden change it gains
        nothing over labels at fixed times, whereas it does while a boundary moves slowly or not at all.

    Args:
        step: share by which the threshold moves (``s``).
        first: the threshold of the first sample.

    Example:
        >>> from querist.core.rng import generator
        >>> policy = VariableUncertainty(step=0.5)
        >>> said = policy.choice(Passing(number=1, confidence=0.9, classes=2, budget=0.1), policy.start(), generator(0))
        >>> said.ask, said.state
        (True, {'threshold': 0.5})
    """

    step: float = 0.01
    first: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.step < 1 or not self.first > 0:
            raise UsageError(
                f"a threshold of {self.first} with steps of {self.step} was given", hint="give steps between 0 and 1"
            )

    def start(self) -> State:
        return {"threshold": self.first}

    def choice(self, passing: Passing, state: State, rng: Generator) -> Choice:
        threshold = state["threshold"] * self.noise(rng)
        ask = passing.confidence < threshold
        moved = state["threshold"] * (1 - self.step if ask else 1 + self.step)
        return Choice(ask=ask, reason=compared(passing.confidence, threshold, ask), state={**state, "threshold": moved})

    def noise(self, rng: Generator) -> float:
        """What the threshold is multiplied by for one sample."""
        return 1.0
