"""Fixed uncertainty: ask whenever the model is less sure than a threshold that stays.

Paper: zliobaite2014active, as the plain form of selective sampling (lewis1994sequential; cohn1994improving asks where
networks that fit the labels disagree). Where no threshold is given it is ``1 / c + budget (1 - 1 / c)``, as in
scikit-activeml; the text of the paper could not be had to confirm it. Cost: one forward pass a sample.
"""

from __future__ import annotations

from dataclasses import dataclass

from querist.core.errors import UsageError
from querist.core.types import Generator
from querist.streams.base import Choice, Passing, State, StreamPolicy


@dataclass(frozen=True, kw_only=True)
class FixedUncertainty(StreamPolicy):
    """Samples whose best class has a probability below a threshold.

    Formula:
        ask if ``max_c p_c < threshold``

    Use it when:
        the stream does not drift, the probabilities are calibrated, and a sample that the model is sure of must never
        cost a label.

    Not when:
        the model grows sure: it then asks for nothing, and a drift into a region where it is sure and wrong is never
        noticed (zliobaite2014active).

    Args:
        threshold: highest class probability that is still asked (``theta``); by the budget if ``None``.

    Example:
        >>> from querist.core.rng import generator
        >>> FixedUncertainty().choice(Passing(number=1, confidence=0.5, classes=2, budget=0.1), {}, generator(0)).ask
        True
    """

    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise UsageError(f"a threshold of {self.threshold} was given", hint="give a probability above 0")

    def choice(self, passing: Passing, state: State, rng: Generator) -> Choice:
        least = 1 / passing.classes
        threshold = least + passing.budget * (1 - least) if self.threshold is None else self.threshold
        ask = passing.confidence < threshold
        return Choice(ask=ask, reason=compared(passing.confidence, threshold, ask), state=state)


def compared(confidence: float, threshold: float, ask: bool) -> str:
    """A confidence beside its threshold, in words.

    Example:
        >>> compared(0.5, 0.75, True)
        'its best class has probability 0.500, below the threshold of 0.750'
    """
    return f"its best class has probability {confidence:.3f}, {'below' if ask else 'not below'} the threshold of " + (
        f"{threshold:.3f}"
    )
