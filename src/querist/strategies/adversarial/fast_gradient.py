"""Fast gradient: ask for rows whose guess flips after the fewest steps that move every number by the same.

Papers: the attack is that of goodfellow2015explaining, iterated and bounded by kurakin2017adversarial; choosing rows by
it is ducoffe2018adversarial with a cheaper attack, as public programs offer it. Known difference: of the last step only
as much counts as flips the guess, so that rows which flip in one step are told apart. Cost: at most ``steps`` times two
forward passes and one backward pass, however many classes there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Tensor
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.perturbation import NEVER, Perturbation


@dataclass(frozen=True, kw_only=True)
class FastGradient(ScoreStrategy):
    """Rows by the length of a change made of equal steps up the slope of the loss, until the guess flips.

    The change raises the loss fastest for what its largest number is, which is not the shortest way: lengths are longer
    than those of ``deep_fool``. It needs one slope a step where ``deep_fool`` needs one a class.

    Formula:
        ``argmin_x |r(x)|``, ``r`` the sum of the steps ``size sign(dloss(guess) / dx)``, each number within ``bound``,
        until the guess flips

    Use it when:
        ``deep_fool`` would be asked and classes are many, or the network stands against such attacks by training.

    Not when:
        ``deep_fool`` can be paid: its lengths are nearer to the distance that is meant (moosavi2016deepfool). What else
        speaks against distances of inputs holds here too.

    Args:
        steps: at most.
        size: of a step, in each number that the network reads.
        bound: how far a number may be moved.

    Example:
        >>> from querist.views import Snapshot
        >>> FastGradient()(Snapshot.from_arrays(perturbations=[2.0, 0.1, 0.7]), k=1).tolist()
        [1]
    """

    steps: int = 50
    size: float = 0.05
    bound: float = 1.0

    family: ClassVar = "adversarial"
    paper: ClassVar = "kurakin2017adversarial"
    survey: ClassVar = "3.1.5"
    cost: ClassVar = "time O(n), memory O(n); the view: steps backward passes"
    tasks: ClassVar = ("classification",)

    def __post_init__(self) -> None:
        self.needs()  # refuses what cannot be

    def needs(self) -> tuple[View, ...]:
        return (Perturbation(by="fast_gradient", steps=self.steps, size=self.size, bound=self.bound),)

    def score(self, lengths: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        return -lengths

    def reason(self, score: float, middle: float, at: Positions) -> str:
        if score <= -NEVER:
            return "no change within the bound flips its guess"
        return f"steps of {-score:.3g} in all flip its guess (pool median {-middle:.3g})"
