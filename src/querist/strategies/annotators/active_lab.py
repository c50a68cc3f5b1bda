"""ActiveLab: ask for a new row, or once more about a row whose label is in doubt, whichever is less sure.

Paper: goh2023activelab, on the weights of goh2022crowdlab. Known differences: the temperature is the minimum of the
cross-entropy, where the authors' program tries two dozen; the variant for several models is left out. Where no row has
two answers the label's chance is the model's, as that program has it. Cost: one forward pass, then O(n c + v).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.errors import DataError
from querist.core.progress import report
from querist.core.types import Float, Generator, Int, Tensor
from querist.crowd.crowdlab import pooled, voices
from querist.crowd.temperature import temperature, tempered
from querist.crowd.votes import Votes
from querist.selectors.memory import note_rows
from querist.selectors.top_k import top_k
from querist.strategies.base import Strategy
from querist.views.answers import Answers
from querist.views.base import Positions, View
from querist.views.blocks import block_rows, widened
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class ActiveLab(Strategy):
    """Rows by how little is known of their label, from the model and from everybody who has answered.

    A row's certainty is a mean of voices: the model's chance for its label, that of each annotator who answered, and
    one voice more that knows nothing. The more have spoken, the less the last one counts, so another answer to a row is
    asked for only where those so far contradict each other, or the model. New rows are measured with the same rule.

    Formula:
        lowest ``(w_M p_M(y) + sum_j w_j p_j(y) + w / c) / (w_M + sum_j w_j + w)``; ``y`` the likeliest label, ``p_j``
        the chance that a vote is the consensus (or the rest of it, shared by the other classes), ``w_M`` and ``w_j``
        CROWDLAB's weights of the model and of the row's annotators, ``w`` the mean of the ``w_j``

    Use it when:
        several people label, they err, and rows may be labelled more than once (``Session(overlap=3)``): in
        goh2023activelab it reached an accuracy with far fewer labels than relabelling by rule or never.

    Not when:
        labels are right at the first time (it is then least confidence), or nobody overlaps: weights of annotators can
        only be learned from rows that two have labelled. A model that knows its labels by heart agrees with every
        mistake: the paper judges labels by a model that had not seen them, a session's has (give a snapshot for that).

    Example:
        Rows 0 and 1 are labelled twice, and on row 1 the two disagree; row 2 has no label.

        >>> from querist.views import Snapshot
        >>> probs = [[0.9, 0.1], [0.6, 0.4], [0.9, 0.1], [0.1, 0.9]]
        >>> answers = [[0, 0], [0, 1], [-1, -1], [1, 1]]
        >>> ActiveLab()(Snapshot.from_arrays(probs=probs, answers=answers, candidates=range(4)), k=1).tolist()
        [1]
    """

    rows: ClassVar = ("S47",)
    family: ClassVar = "annotators"
    paper: ClassVar = "goh2023activelab"
    survey: ClassVar = "5"
    cost: ClassVar = "time O(n c + v), memory O(n + m c) for v answers to m rows"
    relabels: ClassVar = True

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Answers())

    def pick(
        self, probs: Float[Tensor, "n c"], answers: Int[Tensor, "v 3"], *, at: Positions, k: int, rng: Generator
    ) -> Int[Tensor, "k"]:
        return top_k(-self.certainties(probs, answers, at=at), k=k, candidates=at.candidates, rng=rng)

    def reasons(
        self, probs: Float[Tensor, "n c"], answers: Int[Tensor, "v 3"], *, at: Positions, picked: Int[Tensor, "k"]
    ) -> list[str]:
        certainties = self.certainties(probs, answers, at=at)
        given = torch.zeros(at.n, dtype=torch.long, device=answers.device)
        given.index_add_(0, answers[:, 0], torch.ones_like(answers[:, 0]))
        middle = float(certainties[at.candidates].median())
        return [
            f"{f'{count} answered, and it is still' if count else 'nobody answered, it is'} sure to {sure:.3f} "
            f"(pool median {middle:.3f})"
            for sure, count in zip(certainties[picked].tolist(), given[picked].tolist(), strict=True)
        ]

    def certainties(
        self, probs: Float[Tensor, "n c"], answers: Int[Tensor, "v 3"], *, at: Positions
    ) -> Float[Tensor, "n"]:
        """The paper's ``s`` of every candidate and of every row with answers; NaN where nobody will look.

        Raises:
            DataError: an answer names a class that the model has no chance for.
        """
        c = probs.shape[1]
        rows, place = answers[:, 0].unique(return_inverse=True)
        who, number = answers[:, 1].unique(return_inverse=True)
        if len(answers) and int(answers[:, 2].max()) >= c:
            raise DataError(f"an answer names class {int(answers[:, 2].max())}, the model knows {c}")
        names = tuple(map(str, who.tolist()))
        votes = Votes(rows=place, annotators=number, classes=answers[:, 2], n=len(rows), c=c, names=names)
        model = widened(probs[rows])
        weights = voices(votes, model)
        degrees = 1.0
        if weights.agreement is not None:
            degrees = temperature(votes, model)
            model = tempered(model, degrees)
            weights = voices(votes, model)
        blank = float(weights.annotators.mean()) if len(who) else 1.0

        certainties = torch.full((at.n,), torch.nan, dtype=torch.float64, device=probs.device)
        for pos in at.candidates.split(block_rows(c)):
            report("ActiveLab", int(pos[0]), of=at.n)
            note_rows(len(pos), len(pos) * c)
            best = tempered(widened(probs[pos]), degrees).amax(1)
            certainties[pos] = self._with_blank(best.double(), weights.model, blank, c)
        if len(rows):
            if weights.agreement is None:
                told = answers[place.argsort(), 2]  # one answer a row, in the order of the rows
                sure = model.double().gather(1, told[:, None])[:, 0]
            else:
                sure = pooled(votes, model, weights).amax(1)
            heard = weights.model + votes.per_row(weights.annotators[number])
            certainties[rows] = self._with_blank(sure, heard, blank, c)
        return certainties

    @staticmethod
    def _with_blank(sure: Tensor, weight: Tensor | float, blank: float, c: int) -> Tensor:
        """A mean of what is known and of one more voice that knows nothing."""
        return (weight * sure + blank / c) / (weight + blank)
