"""Model annotators: a model labels what it is sure of, and a person the rest.

Papers: the division of work by the model's doubt is li2023coannotating's; zhang2023llmaaa and xiao2023freeal let a
language model annotate in the loop. Known differences: they divide a fixed share of the rows, this asks the person
wherever the model is less sure than was agreed. Cost: what the model and the person cost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from querist.core.errors import DataError, UsageError
from querist.oracles.base import NOBODY, Answer, Oracle
from querist.oracles.simulated import Simulated
from querist.pool.pool import Pool
from querist.tasks.base import Label


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A model's label and the chance, 0 to 1, that it is right; no label where it has none to give."""

    label: Label | None
    confidence: float


Guesses = Callable[[np.ndarray], Sequence[Guess]]


class ModelAnnotators(Oracle):
    """The model's label where it is sure enough, a person's where it is not; the journal names who it was.

    Only one of them is written down for a row: a model's label beside a person's would outvote nobody and teach the
    next model its own mistakes.

    Args:
        pool: the rows.
        model: gives a guess a row, in order. ``None``: the person answers everything.
        person: who answers where the model is unsure; the known labels of the pool if ``None``.
        sure: least confidence with which the model's label counts.
        model_name: how the journal calls the model.
        model_price: of one of its labels, sure or not.
        person_price: of one of the person's, if the person has no price of his own.

    Raises:
        DataError: there is no person, and the pool has no labels.
        UsageError: ``sure`` outside 0 to 1, or one name for both.

    Example:
        >>> pool = Pool.from_arrays(np.eye(2), ["cat", "dog"])
        >>> model = lambda rows: [Guess(label="cat", confidence=0.99 if row == 0 else 0.5) for row in rows]
        >>> oracle = ModelAnnotators(pool, model)
        >>> [(said.label, said.annotator) for said in oracle.answers(np.array([0, 1]))]
        [('cat', 'model'), ('dog', 'oracle')]
    """

    rows: ClassVar[tuple[str, ...]] = ("P19",)
    paper: ClassVar[str] = "li2023coannotating"
    cost: ClassVar[str] = "a guess a row, and a person for what the model is unsure of"

    def __init__(
        self,
        pool: Pool,
        model: Guesses | None = None,
        *,
        person: Oracle | None = None,
        sure: float = 0.9,
        model_name: str = "model",
        model_price: float = 0.0,
        person_price: float = 1.0,
    ) -> None:
        super().__init__(pool)
        self._person = Simulated(pool) if person is None else person
        if not 0 <= sure <= 1:
            raise UsageError(f"a model cannot be {sure} sure", hint="use 0 to 1")
        if model_name in self._person.annotators:
            raise UsageError(f"the model and a person are both called {model_name!r}", hint="give another model_name")
        self._model, self._sure, self._model_name = model, sure, model_name
        self._prices = model_price, person_price

    @property
    def annotators(self) -> tuple[str, ...]:
        return (self._model_name, *self._person.annotators)

    def __call__(self, rows: np.ndarray) -> Sequence[Label]:
        """One label a row; where several people answer it, the first one's."""
        first: dict[int, Label] = {}
        for said in self.answers(rows):
            first.setdefault(said.row, said.label)
        return [first[int(row)] for row in rows]

    def guesses(self, rows: np.ndarray) -> Sequence[Guess]:
        """What the model says of each row; that it has nothing to say where there is no model."""
        return [Guess(label=None, confidence=0.0)] * len(rows) if self._model is None else self._model(rows)

    def answers(
        self,
        rows: np.ndarray,
        *,
        given: Mapping[int, Collection[str]] = NOBODY,
        among: Collection[str] | None = None,
    ) -> list[Answer]:
        """The model's answers and the people's, in the order of the rows. ``among`` chooses between people.

        Raises:
            DataError: the model gave another number of guesses than it was asked for.
        """
        rows = np.asarray(rows)
        guesses = self.guesses(rows)
        if len(guesses) != len(rows):
            raise DataError(f"{self._model_name} gave {len(guesses)} guesses for {len(rows)} rows")
        sure = [
            guess.label is not None
            and guess.confidence >= self._sure
            and self._model_name not in given.get(int(row), ())
            for row, guess in zip(rows, guesses, strict=True)
        ]
        asked = rows[~np.array(sure, dtype=bool)]
        people: dict[int, list[Answer]] = {}
        for said in self._person.answers(asked, given=given, among=among) if len(asked) else []:
            people.setdefault(said.row, []).append(said)
        found: list[Answer] = []
        for row, guess, own in zip(rows.tolist(), guesses, sure, strict=True):
            found += [Answer(row=row, label=guess.label, annotator=self._model_name)] if own else people[row]
        return found

    def price(self, row: int, annotator: str) -> float:
        """The model's price for its labels; the people's for theirs, and the guess that was not enough with it."""
        model, person = self._prices
        if annotator == self._model_name:
            return model
        own = self._person.price(row, annotator)
        return model + (own * person if isinstance(self._person, Simulated) else own)
