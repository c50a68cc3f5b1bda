"""Noisy annotators: a made-up crowd in which each errs in his own way, at his own price.

Papers: confusion matrices dawid1979maximum, clicks without a look hovy2013learning, prices huang2017cost. Cost: a draw
an answer.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from querist.core.errors import PoolExhausted, UsageError
from querist.core.rng import numpy_generator
from querist.oracles.base import NOBODY, Answer
from querist.oracles.simulated import Simulated
from querist.pool.pool import Pool
from querist.pool.truth import class_names
from querist.tasks.base import Label

_SPREAD = 0.5
"""Spread of the logarithm of the seconds that a label takes: two thirds lie within a factor of 1.6."""


@dataclass(frozen=True, kw_only=True)
class Annotator:
    """How one annotator answers.

    Args:
        name: as the journal has it.
        accuracy: chance of a right class, one for all or one a true class (1 where a class is not named). Where the
            answer is a list, that of each tag, or of each class being there or not. Of numbers, 1 less the error's
            standard deviation in those of the pool.
        confusion: what is said where a class is true, and how often: ``{"cat": {"dog": 0.3, "cat": 0.7}}``; goes
            before ``accuracy``.
        looks: chance to look at all; without a look every class is as likely. 0 is somebody who clicks at random.
        price: of a label; of a second where ``seconds`` are given.
        seconds: that a label takes, in the mean; each row has its own, the same for each time it is asked.

    Raises:
        UsageError: a chance outside 0 to 1, a confusion that does not sum to one, a price or seconds below 0.
    """

    name: str
    accuracy: float | Mapping[str, float] = 1.0
    confusion: Mapping[str, Mapping[str, float]] | None = None
    looks: float = 1.0
    price: float = 1.0
    seconds: float | None = None

    def __post_init__(self) -> None:
        own = self.accuracy.values() if isinstance(self.accuracy, Mapping) else [self.accuracy]
        said = [chance for line in (self.confusion or {}).values() for chance in line.values()]
        for chance in (*own, self.looks, *said):
            if not 0 <= chance <= 1:
                raise UsageError(f"{self.name} cannot have a chance of {chance}", hint="use 0 to 1")
        for true, line in (self.confusion or {}).items():
            if not math.isclose(sum(line.values()), 1, abs_tol=1e-6):
                raise UsageError(f"what {self.name} says of {true!r} sums to {sum(line.values()):g}", hint="make it 1")
        if self.price < 0 or (self.seconds is not None and not self.seconds > 0):
            raise UsageError(f"{self.name} costs {self.price} and takes {self.seconds} s", hint="use more than that")

    def accuracy_on(self, true: str) -> float:
        """Chance to name this class where it is true."""
        return self.accuracy.get(true, 1.0) if isinstance(self.accuracy, Mapping) else self.accuracy


CROWD = (
    Annotator(name="ann", accuracy=0.9),
    Annotator(name="bob", accuracy=0.75),
    Annotator(name="cid", accuracy=0.6),
)
"""Who answers if nobody is named."""


class NoisyAnnotators(Simulated):
    """True labels, as people of different skill and diligence would give them.

    What an annotator says of a row, and the seconds it takes, are drawn by the seed, his name and the row alone: asked
    again, or by a run that was cut off and goes on, he says the same. Which of them is asked first about a row is drawn
    by the seed and the row, and who has answered is not asked again.

    Args:
        pool: a pool whose training rows have labels.
        annotators: the crowd.
        votes: how many of them answer each row that is asked.
        seed: decides every answer.

    Raises:
        DataError: the pool has no labels to answer from.
        UsageError: no annotators, two of one name, or more votes than annotators.

    Example:
        >>> pool = Pool.from_arrays(np.eye(6), ["cat", "dog"] * 3)
        >>> crowd = [Annotator(name="ann"), Annotator(name="turned", accuracy=0.0)]
        >>> oracle = NoisyAnnotators(pool, crowd, votes=2)
        >>> sorted((said.annotator, said.label) for said in oracle.answers(np.array([0])))
        [('ann', 'cat'), ('turned', 'dog')]
    """

    rows: ClassVar = ("K4",)
    paper: ClassVar = "dawid1979maximum"
    cost: ClassVar = "a price a label or a second, as each annotator has it; a draw an answer"
    known_gaps: ClassVar = {
        "answers_the_truth": "its annotators err, as often as tests/unit/oracles/test_noisy_annotators.py says",
    }

    def __init__(self, pool: Pool, annotators: Sequence[Annotator] = CROWD, *, votes: int = 1, seed: int = 0) -> None:
        super().__init__(pool)
        self._crowd = {annotator.name: annotator for annotator in annotators}
        if not self._crowd or len(self._crowd) < len(annotators):
            raise UsageError(f"{len(annotators)} annotators have {len(self._crowd)} names", hint="name each of them")
        if not 1 <= votes <= len(self._crowd):
            raise UsageError(f"{votes} votes a row were asked of {len(self._crowd)} annotators", hint="ask for fewer")
        self.votes = votes
        self._seed = seed
        labels = pool.truth(pool.rows("train"))
        self._tokens = pool.modality == "tokens"
        self._classes = class_names(labels)
        self._amounts = np.array([label for label in labels if isinstance(label, float)])

    @property
    def annotators(self) -> tuple[str, ...]:
        return tuple(self._crowd)

    def __call__(self, rows: np.ndarray) -> Sequence[Label]:
        """What the first who would be asked says of each row."""
        truth = self._pool.truth(rows)
        return [self.said(self._order(int(row))[0], int(row), true) for row, true in zip(rows, truth, strict=True)]

    def answers(
        self,
        rows: np.ndarray,
        *,
        given: Mapping[int, Collection[str]] = NOBODY,
        among: Collection[str] | None = None,
    ) -> list[Answer]:
        """The answers of the next ``votes`` annotators of each row.

        Raises:
            PoolExhausted: a row has fewer left who may be asked.
        """
        found = []
        for row, true in zip(np.asarray(rows).tolist(), self._pool.truth(rows), strict=True):
            left = [
                name for name in self._order(row) if name not in given.get(row, ()) and (among is None or name in among)
            ]
            if len(left) < self.votes:
                raise PoolExhausted(
                    f"row {row} needs {self.votes} more answers and {len(left)} annotators are left",
                    hint="ask for fewer votes a row, or let more people answer",
                )
            found += [Answer(row=row, label=self.said(name, row, true), annotator=name) for name in left[: self.votes]]
        return found

    def said(self, annotator: str, row: int, true: Label) -> Label:
        """What an annotator says of a row whose label is ``true``."""
        who, rng = self._crowd[annotator], numpy_generator(self._seed, "said", annotator, row)
        if isinstance(true, str):
            return self._class(who, true, rng)
        if isinstance(true, float):
            looked = rng.random() < who.looks
            error = (1 - who.accuracy_on("")) * float(self._amounts.std() * rng.standard_normal())
            return true + error if looked else float(rng.choice(self._amounts))
        if self._tokens:
            return [self._class(who, tag, rng) for tag in true]
        looked = rng.random() < who.looks
        right = [who.accuracy_on(name) if looked else 0.5 for name in self._classes]
        draws = rng.random(len(self._classes)) < right
        return [name for name, held in zip(self._classes, draws, strict=True) if (name in true) == held]

    def price(self, row: int, annotator: str) -> float:
        """The price of a label, or that of a second times the seconds that this row takes."""
        who = self._crowd[annotator]
        return who.price * (1 if who.seconds is None else self.seconds(row, annotator))

    def seconds(self, row: int, annotator: str) -> float:
        """How long an annotator takes for a row: a lognormal draw about his mean; 0 where nothing was said of it."""
        mean = self._crowd[annotator].seconds
        if mean is None:
            return 0.0
        rng = numpy_generator(self._seed, "seconds", annotator, int(row))
        return mean * math.exp(_SPREAD * rng.standard_normal() - _SPREAD**2 / 2)

    def _order(self, row: int) -> list[str]:
        names = list(self._crowd)
        return [names[place] for place in numpy_generator(self._seed, "order", row).permutation(len(names))]

    def _class(self, who: Annotator, true: str, rng: np.random.Generator) -> str:
        look, hit, other = rng.random(3)
        if look >= who.looks:
            return self._classes[int(other * len(self._classes))]
        if who.confusion is not None and true in who.confusion:
            line = who.confusion[true]
            # The last is said where rounding leaves a gap.
            reached = np.cumsum(list(line.values()))
            return list(line)[min(int(np.searchsorted(reached, hit, side="right")), len(line) - 1)]
        others = [name for name in self._classes if name != true]
        return true if hit < who.accuracy_on(true) or not others else others[int(other * len(others))]
