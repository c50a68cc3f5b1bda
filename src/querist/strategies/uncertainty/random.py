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
