"""DFAL: ask for rows that the smallest adversarial attack needs to change least.

Paper: ducoffe2018adversarial, by the attack of moosavi2016deepfool. Known differences: only the likeliest ``classes``
are attacked towards, as the attack's authors do; the way to the boundary counts without the 2% that carry an attack
past it; the attacked copy ``x + r``, which the paper adds to the labelled set under the label of ``x``, is not added
(``querist.models.perturb`` makes it). Cost: a few steps of two forward passes and ``classes - 1`` backward passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Tensor
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.perturbation import NEVER, Perturbation


@dataclass(frozen=True, kw_only=True)
class DeepFool(ScoreStrategy):
    """Rows by the length of the smallest change of their input that makes the network guess another class.

    What an SVM's margin is to a linear model: the distance to the decision boundary, in the space of inputs. A
    network's boundary is curved and that distance unknown, but an adversarial attack is a path to it: each step goes to
    the nearest boundary that the network would have if it were as linear as it looks from there.

    Formula:
        ``argmin_x |r(x)|``, ``r`` the sum of the steps ``min_c |f_c - f_guess| / |w_c - w_guess|`` along ``w_c -
        w_guess``, ``w_c = df_c / dx``, until the guess flips

    Use it when:
        inputs are images or tables, classes are few, and probabilities are not to be trusted: where a network is sure
        of everything, distances still tell rows apart. In the paper, which asks ten rows at a time and adds the
        attacked copies too, it learned faster than core-set and than drawn networks (ducoffe2018adversarial).

    Not when:
        inputs are words (there is no small change of a word); batches are large, since nothing keeps its rows apart
        (ash2020badge); labels are few, and the boundary nowhere near its place (hacohen2022active). The distance
        is that of pixels: it is short for pale pictures.

    Args:
        steps: of the attack at most.
        classes: that are attacked towards, the likeliest, the guess among them.

    Example:
        >>> from querist.views import Snapshot
        >>> DeepFool()(Snapshot.from_arrays(perturbations=[2.0, 0.1, 0.7]), k=2).tolist()
        [1, 2]
    """

    steps: int = 50
    classes: int = 10

    rows: ClassVar = ("E1",)
    family: ClassVar = "adversarial"
    paper: ClassVar = "ducoffe2018adversarial"
    survey: ClassVar = "3.1.5"
    cost: ClassVar = "time O(n), memory O(n); the view: steps times c backward passes"
    tasks: ClassVar = ("classification",)

    def __post_init__(self) -> None:
        self.needs()  # refuses what cannot be

    def needs(self) -> tuple[View, ...]:
        return (Perturbation(by="deep_fool", steps=self.steps, classes=self.classes),)

    def score(self, lengths: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        return -lengths

    def reason(self, score: float, middle: float, at: Positions) -> str:
        if score <= -NEVER:
            return "no change that flips its guess was found"
        return f"a change of its input by {-score:.3g} flips the guess (pool median {-middle:.3g})"
