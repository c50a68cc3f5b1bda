"""Random: every candidate with the same chance. The baseline that every other strategy must beat.

Paper: none; always report it, from the same initial rows and seeds. Cost: ``O(n)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from querist.core.types import Generator, Int, Tensor
from querist.selectors.base import shuffled
from querist.strategies.base import Strategy
from querist.views.base import Positions, View


@dataclass(frozen=True, kw_only=True)
class Random(Strategy):
    """Uniform draws without replacement. It asks nothing of a model, so its batch is an unbiased sample of the pool.

    Formula:
        ``k`` of the candidates, every set of ``k`` with the same chance

    Use it when:
        nothing is known yet, or the labels must also serve as a fair sample of the pool (to estimate an accuracy, say).
        Where a model is strongly regularised or learns from unlabelled rows too, other strategies show little or no
        advantage over it (munjal2022towards, mittal2019parting), and it costs nothing. Run it beside any other
        strategy.

    Not when:
        classes are rare: a class of one row in a hundred comes about once in a hundred labels. Nor where labels are
        dear and a model has learned enough to know where it is unsure.

    Example:
        >>> from querist.views import Snapshot
        >>> snapshot = Snapshot.from_arrays(raw=[[0.0]] * 5, labelled=[0])
        >>> sorted(Random()(snapshot, k=4, seed=0).tolist())
        [1, 2, 3, 4]
    """

    rows: ClassVar = ("A1",)
    family: ClassVar = "uncertainty"
    survey: ClassVar = "3.1"
    cost: ClassVar = "time O(n), memory O(n)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")
    deterministic: ClassVar = False
    known_gaps: ClassVar = {"meaning": "it is the chance that the others must beat"}

    def needs(self) -> tuple[View, ...]:
        return ()

    def pick(self, *views: Any, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return shuffled(at.candidates, rng)[:k]

    def reasons(self, *views: Any, at: Positions, picked: Int[Tensor, "k"]) -> list[str]:
        return [f"drawn at random from {len(at.candidates)} rows"] * len(picked)
