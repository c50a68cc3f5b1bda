"""What the published sources of posterior samples share: they are tried with several scores, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from querist.core.errors import UsageError
from querist.core.types import Float, Tensor
from querist.scores.bald import bald
from querist.scores.entropy import entropy
from querist.scores.mean_std import mean_std
from querist.scores.variance import variance
from querist.scores.variation_ratio import variation_ratio
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions

ACQUISITIONS: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    "bald": ("contradict each other", bald),
    "entropy": ("are together unsure", lambda prob_samples: entropy(prob_samples.mean(0))),
    "variation_ratio": ("vote against their majority", variation_ratio),
    "mean_std": ("move their probabilities", mean_std),
}
"""Scores of drawn networks by name, and what a network of a high score does."""


@dataclass(frozen=True, kw_only=True)
class Acquisition(ScoreStrategy):
    """A score of drawn networks that is chosen by name; the variance of their values in regression.

    Args:
        acquisition: ``bald``, ``entropy`` (of their mean), ``variation_ratio`` or ``mean_std``.
    """

    acquisition: str = "bald"

    tasks: ClassVar[tuple[str, ...]] = ("classification", "multilabel", "regression", "tokens")

    def __post_init__(self) -> None:
        if self.acquisition not in ACQUISITIONS:
            raise UsageError(
                f"drawn networks cannot be scored by {self.acquisition!r}",
                hint=f"choose one of {', '.join(ACQUISITIONS)}",
            )

    def score(self, samples: Float[Tensor, "s u *c"]) -> Float[Tensor, "u"]:
        # [s n] holds values, [s u c] distributions.
        return variance(samples) if samples.ndim == 2 else ACQUISITIONS[self.acquisition][1](samples)

    def reason(self, score: float, middle: float, at: Positions) -> str:
        if at.task == "regression":
            return f"the networks' predictions spread by {score**0.5:.3g} (pool median {middle**0.5:.3g})"
        over = "" if at.offsets is None else f", {self.aggregate} over its units"
        does = ACQUISITIONS[self.acquisition][0]
        word = self.acquisition.replace("_", " ")
        return f"the networks {does}: {word} {score:.3f}{over} (pool median {middle:.3f})"
