"""Class balance: any strategy, kept from asking for classes that have labels enough.

Paper: bengar2022class for the form ``expected`` (the selector says what differs, see
:func:`~querist.selectors.class_balance`). The form ``quota`` is an equal share of a batch for each guessed class, as in
emam2021active, but around any strategy, where they take the rows nearest to each class's boundary in feature space;
and it counts the labels that are there. Choi's VaB-AL (choi2021vab), which learns a generative model of the classes, is
not built. Cost: that of the strategy, and of the selector.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from querist.core.errors import ColdStart, UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.class_balance import class_balance
from querist.selectors.quota import quota
from querist.strategies import registry
from querist.strategies.base import ScoreStrategy, Strategy
from querist.views.base import Positions, View
from querist.views.labels import Labels
from querist.views.probs import Probs

FORMS = ("expected", "quota")


@dataclass(frozen=True, kw_only=True)
class ClassBalance(Strategy):
    """What another strategy asks for, as far as it brings the labels of all classes level.

    In a pool where one class is rare, a batch of unsure rows is mostly a batch of the common classes, because there
    are so many of them; the model stays poor at the rare one, and goes on not to find it. The guesses of the model say
    where rows of the rare class may be, and the labels so far say which class lacks them.

    Formula:
        ``argmin_z -s'z + balance |max((m + k) / c - counts, 0) - P'z|_1``, ``k`` rows in ``z`` (expected), or the
        strategy's own order under ``at_most = max(level - counts, 0)`` rows of each guessed class, with the lowest
        level that leaves ``k`` rows (quota)

    Use it when:
        classes are uneven and each of them matters as much as another (a mean over classes, say). ``expected`` goes
        around strategies that score rows, ``quota`` around any.

    Not when:
        the rare class has no label yet: a model that never guesses it gives it no chance either; use ``similar`` with a
        target, or a first batch that spreads (``cold_start``). Nor when accuracy over the pool as it is counts.

    Args:
        around: registered name of a strategy, or a strategy.
        form: ``expected`` counts chances, ``quota`` guesses.
        balance: what a label off balance costs in units of the score (``lambda`` of the paper; only ``expected``).

    Example:
        >>> from querist.views import Snapshot
        >>> probs = [[1, 0], [0.5, 0.5], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
        >>> snapshot = Snapshot.from_arrays(probs=probs, labels=[0, -1, -1, -1, -1])
        >>> ClassBalance(around="margin", form="quota")(snapshot, k=1).tolist()
        [4]
    """

    around: str | Strategy = "entropy"
    form: str = "expected"
    balance: float = 1.0

    rows: ClassVar = ("K7",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "bengar2022class"
    survey: ClassVar = "5"
    cost: ClassVar = "that of the strategy; then time O(n c) a dozen times or so, memory O(n)"
    tasks: ClassVar = ("classification",)

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise UsageError(f"there is no form {self.form!r} of balance", hint=f"choose {' or '.join(FORMS)}")
        if self.balance < 0:
            raise UsageError(f"a balance of {self.balance} was asked for", hint="give 0 or more")
        if self.form == "expected" and not isinstance(self.inner, ScoreStrategy):
            raise UsageError(f"{self.around} gives rows no score to weigh", hint="use form='quota'")

    @property
    def inner(self) -> Strategy:
        """The strategy that is kept in balance."""
        strategy: Strategy = registry[self.around]() if isinstance(self.around, str) else self.around
        return strategy

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Labels(), *self.inner.needs_for("classification"))

    def pick(
        self,
        probs: Float[Tensor, "n c"],
        labels: Int[Tensor, "n"],
        *views: Any,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> Int[Tensor, "k"]:
        inner = self.inner
        if inner.needs_labels and not len(at.labelled):
            raise ColdStart(f"{type(inner).__name__} compares with labelled rows and there are none")
        counts = _counts(labels, at, classes=probs.shape[1])
        if self.form == "quota":
            return self._within_quota(probs, counts, views, at=at, k=k, rng=rng)
        assert isinstance(inner, ScoreStrategy)
        pos, found = map(torch.cat, zip(*inner.candidate_scores(views, at), strict=True))
        scores = found.new_zeros(at.n).index_copy_(0, pos, found)
        return class_balance(
            scores, k=k, candidates=at.candidates, rng=rng, probs=probs, counts=counts, balance=self.balance
        )

    def _within_quota(
        self,
        probs: Float[Tensor, "n c"],
        counts: Int[Tensor, "c"],
        views: tuple[Any, ...],
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> Int[Tensor, "k"]:
        inner = self.inner
        guess = probs.argmax(-1)
        there = torch.bincount(guess[at.candidates], minlength=len(counts)).cpu()
        # What is only picked has no label, so a strategy that reads labels sees the labelled rows alone.
        fixed = any(isinstance(view, Labels) for view in inner.needs_for("classification"))

        def selector(_: Any, *, k: int, labelled: Tensor, candidates: Tensor, rng: Generator) -> Int[Tensor, "k"]:
            known = at.labelled if fixed else labelled.to(at.labelled)
            now = replace(at, candidates=candidates.to(at.candidates), labelled=known)
            return inner.pick(*views, at=now, k=k, rng=rng)

        return quota(
            guess,
            k=k,
            labelled=at.labelled,
            candidates=at.candidates,
            rng=rng,
            selector=selector,
            groups=guess,
            at_most=_room(counts, there, k)[: int(guess.max()) + 1],  # one for each group that quota sees
        )

    def reasons(
        self,
        probs: Float[Tensor, "n c"],
        labels: Int[Tensor, "n"],
        *views: Any,
        at: Positions,
        picked: Int[Tensor, "k"],
    ) -> list[str]:
        counts = _counts(labels, at, classes=probs.shape[1]).tolist()
        likely = probs[picked].max(-1)
        return [
            f"{chance:.0%} likely to be of class {guess}, which has {counts[guess]} of {sum(counts)} labels"
            for chance, guess in zip(likely.values.tolist(), likely.indices.tolist(), strict=True)
        ]


def _counts(labels: Int[Tensor, "n"], at: Positions, *, classes: int) -> Int[Tensor, "c"]:
    """Labels of each class so far."""
    return torch.bincount(labels[at.labelled].cpu(), minlength=classes)[:classes]


def _room(counts: Int[Tensor, "c"], there: Int[Tensor, "c"], k: int) -> Int[Tensor, "c"]:
    """How many more of each class: up to the lowest level at which that makes ``k`` rows.

    Example:
        >>> _room(torch.tensor([9, 1, 0]), torch.tensor([50, 50, 2]), 5).tolist()
        [0, 3, 4]
    """
    low, high = 0, int(counts.max()) + k
    while low < high:
        level = (low + high) // 2
        if int(torch.minimum((level - counts).clamp_min(0), there).sum()) >= k:
            high = level
        else:
            low = level + 1
    return (low - counts).clamp_min(0)
