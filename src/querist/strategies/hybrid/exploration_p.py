"""Exploration-P: part of the batch where the model is unsure, the rest where it has never been.

Paper: yin2017similarity. Confirmed from its abstract: one part of the batch is maximally uncertain and minimally
redundant, the other most diverse from the labelled rows. From second hand: the two greedy rules below, and that the
first part grows linearly from round to round up to a limit. Not confirmed, and assumed: ``alpha``, the limit, how fast
it is reached, what the P stands for, and that the first part is picked first. Known differences: the similarity is the
cosine of embeddings, where the paper trains a second projection by pairs; a round is counted as ``k`` labels. Cost: one
forward pass, then a pass over the embeddings a pick.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.progress import report
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.entropy import entropy
from querist.selectors.base import shuffled
from querist.selectors.cosines import cosines_with
from querist.selectors.k_center import k_center
from querist.selectors.points import Points, as_points, unit
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.blocks import in_blocks
from querist.views.embeddings import Embeddings
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class ExplorationP(Strategy):
    """Unsure rows that are unlike each other, then rows that are unlike everything labelled or picked.

    The boundary that few labels give is not the true one, so asking along it is a waste; with many labels it is near,
    and asking elsewhere is. The share of the batch that goes to the boundary therefore grows with the labels.

    Formula:
        ``argmax H(x) - alpha max_S cos(x, s)`` for ``m = upper k min(1, |L| / (k rounds))`` rows, then
        ``argmin max_{L + S} cos(x, s)``

    Use it when:
        the campaign starts from very few labels and will go on for many rounds, so that one strategy must serve both
        ends.

    Not when:
        the pool has outliers: whatever the second rule finds first is one (yehuda2022active). With ``upper`` of 1 and
        many labels it is entropy with a penalty, which ``badge`` does without a knob (ash2020badge).

    Args:
        alpha: how much likeness to the rows of the batch counts against entropy.
        upper: share of the batch that goes to unsure rows at most (the paper's limit of ``m``).
        rounds: batches of labels after which that share is reached.
        aggregate: how the entropies of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> probs, z = [[1, 0], [0.5, 0.5], [0.6, 0.4], [1, 0]], [[1.0, 0.0], [1.0, 0.1], [0.9, 0.5], [0.0, 1.0]]
        >>> snapshot = Snapshot.from_arrays(probs=probs, embeddings=z, labelled=[0])
        >>> ExplorationP(rounds=0.5, upper=0.5)(snapshot, k=2).tolist()
        [1, 3]
    """

    alpha: float = 1.0
    upper: float = 0.8
    rounds: float = 5.0
    aggregate: str = "mean"

    rows: ClassVar = ("B1",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "yin2017similarity"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(n (m + k) d), memory O(n)"
    tasks: ClassVar = ("classification", "multilabel", "tokens")

    def __post_init__(self) -> None:
        if not 0 <= self.upper <= 1:
            raise UsageError(f"the upper share of unsure rows is {self.upper}", hint="choose between 0 and 1")
        if not self.rounds > 0:
            raise UsageError(f"the upper share was to be reached in {self.rounds} rounds", hint="use more than 0")

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Embeddings())

    def unsure_rows(self, *, labelled: int, k: int) -> int:
        """How many of ``k`` rows are picked by the first rule when so many are labelled."""
        return round(self.upper * k * min(1.0, labelled / (k * self.rounds)))

    def pick(
        self, probs: Float[Tensor, "u c"], embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> Int[Tensor, "k"]:
        unsure = at.per_row(in_blocks(entropy, probs), how=self.aggregate)
        points = as_points(embeddings)
        first = self._exploit(unsure, points, at=at, k=self.unsure_rows(labelled=len(at.labelled), k=k), rng=rng)
        if len(first) == k:
            return first
        # On the sphere the least cosine is the largest distance.
        taken = torch.cat([at.labelled, first])
        rest = k_center(unit(points), k=k - len(first), labelled=taken, candidates=at.candidates, rng=rng)
        return torch.cat([first, rest])

    def _exploit(
        self, unsure: Float[Tensor, "n"], points: Points, *, at: Positions, k: int, rng: Generator
    ) -> Int[Tensor, "k"]:
        free = shuffled(at.candidates, rng)  # the first of equals is then a random one
        value = unsure[free].clone()
        likeness = torch.full_like(value, -torch.inf)
        places: list[int] = []
        for _ in range(k):
            report("exploration_p", len(places), of=k)
            place = int((value - self.alpha * likeness if places else value).argmax())
            places.append(place)
            torch.maximum(likeness, cosines_with(points, free[place, None])[free, 0], out=likeness)
            value[place] = -torch.inf
        return free[places]

    def reasons(
        self, probs: Float[Tensor, "u c"], embeddings: Float[Tensor, "n d"], *, at: Positions, picked: Int[Tensor, "k"]
    ) -> list[str]:
        unsure = at.per_row(in_blocks(entropy, probs), how=self.aggregate)
        middle = float(unsure[at.candidates].median())
        boundary = self.unsure_rows(labelled=len(at.labelled), k=len(picked))
        return [
            f"exploitation: unsure (entropy {float(unsure[pos]):.3g}, pool median {middle:.3g}) and unlike the batch"
            if order < boundary
            else "exploration: unlike all that is labelled or asked"
            for order, pos in enumerate(picked)
        ]
