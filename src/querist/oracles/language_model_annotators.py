"""Language models as annotators: asked for a class in words, checked, and believed where they are sure.

Papers: a language model as annotator with demonstrations zhang2023llmaaa and xiao2023freeal; whom to ask by its doubt
li2023coannotating; doubt by repeated answers (self-consistency) diao2024active. Known differences: demonstrations are
given, not searched for; no small model is trained beside it; what is left unsure goes to a person. Cost: a request a
row (``repeats`` of them for doubt by repetition).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Literal

import numpy as np

from querist.core.errors import NoAnswer, UsageError
from querist.core.rng import child_seed
from querist.oracles.base import Oracle
from querist.oracles.endpoint import Endpoint, Reply
from querist.oracles.model_annotators import Guess, ModelAnnotators
from querist.pool.pool import Pool
from querist.pool.truth import class_names
from querist.tasks.base import Label

Doubt = Literal["logprobs", "repeats"]

INSTRUCTION = (
    "You label samples for a classifier. Choose exactly one of these classes: {classes}. {guideline}"
    'Answer with JSON only, in the form {{"label": "CLASS"}}.'
)


class LanguageModelAnnotators(ModelAnnotators):
    """A language model's label where it is sure enough, a person's where it is not.

    How sure it is comes from the log-probabilities of the words of its answer, or from how often it repeats it when
    asked several times. An answer that is no JSON, or names no class, is no answer, and the row goes to a person.

    Args:
        pool: rows whose payloads can be written as text.
        endpoint: where the model is asked; ``None``: nowhere, the person answers everything.
        classes: what may be answered; the classes of the pool's labels if ``None``.
        person: who answers where the model is unsure; the known labels of the pool if ``None``.
        sure: least confidence with which the model's label counts.
        doubt: ``logprobs``, or ``repeats`` for endpoints that give none.
        repeats: answers to each row with ``doubt="repeats"``; the confidence is the share of the commonest.
        heat: sampling temperature of repeated answers; a single one has 0.
        guideline: what else it should know, in a sentence or two.
        examples: payloads with their labels, shown before each question.
        parallel: requests at a time.
        seed: sent along, so that an endpoint that heeds it repeats itself.
        model_name: how the journal calls it; the endpoint's model if ``None``.
        person_price: of one of the person's labels.

    Raises:
        DataError: there is no person, and the pool has no labels.
        UsageError: no two classes, or an unknown sort of doubt.

    Example:
        >>> pool = Pool.from_arrays(["good", "bad"], ["up", "down"])
        >>> oracle = LanguageModelAnnotators(pool)  # no endpoint: a rehearsal with the person alone
        >>> [(said.label, said.annotator) for said in oracle.answers(pool.rows())]
        [('up', 'oracle'), ('down', 'oracle')]
    """

    rows: ClassVar = ("S46",)
    paper: ClassVar = "zhang2023llmaaa"
    tasks: ClassVar = ("classification",)
    cost: ClassVar = "a request a row, by the token; a person for what the model is unsure of"

    def __init__(
        self,
        pool: Pool,
        endpoint: Endpoint | None = None,
        *,
        classes: Sequence[str] | None = None,
        person: Oracle | None = None,
        sure: float = 0.9,
        doubt: Doubt = "logprobs",
        repeats: int = 5,
        heat: float = 0.7,
        guideline: str = "",
        examples: Sequence[tuple[Any, str]] = (),
        parallel: int = 4,
        seed: int = 0,
        model_name: str | None = None,
        person_price: float = 1.0,
    ) -> None:
        name = model_name or (endpoint.model if endpoint is not None else "language model")
        super().__init__(pool, None, person=person, sure=sure, model_name=name, person_price=person_price)
        self.endpoint = endpoint
        rows = pool.rows("train")
        known = class_names(pool.truth(rows[pool.known(rows)])) if classes is None else classes
        self._classes = {str(one).strip().lower(): str(one) for one in known}
        if endpoint is not None and len(self._classes) < 2:
            raise UsageError(f"{name} would choose between {len(self._classes)} classes", hint="name two with classes=")
        if doubt not in ("logprobs", "repeats"):
            raise UsageError(f"doubt cannot be told by {doubt!r}", hint="choose logprobs or repeats")
        if repeats < 2 or parallel < 1:
            raise UsageError(f"{repeats} repeats and {parallel} requests at a time", hint="use 2 and 1 or more")
        self._doubt, self._repeats, self._heat = doubt, repeats, heat
        self._guideline, self._examples = guideline, tuple(examples)
        self._parallel, self._seed = parallel, seed
        self._asked: dict[int, float] = {}
        """What the model has cost for each row."""

    def guesses(self, rows: np.ndarray) -> Sequence[Guess]:
        """What the model says of each row.

        Raises:
            NoAnswer: the endpoint cannot be reached, or refuses.
        """
        if self.endpoint is None or not len(rows):
            return super().guesses(rows)
        with ThreadPoolExecutor(max_workers=self._parallel) as workers:
            return list(workers.map(self._guess, np.asarray(rows).tolist()))

    def price(self, row: int, annotator: str) -> float:
        """The tokens of this process's requests about a row, and the person's price where he was asked."""
        own = self._asked.get(int(row), 0.0)
        return own if annotator == self._model_name else own + super().price(row, annotator)

    def messages(self, payload: Any) -> list[dict[str, str]]:
        """The conversation that asks for the class of a payload."""
        classes = ", ".join(json.dumps(name, ensure_ascii=False) for name in self._classes.values())
        guideline = f"{self._guideline.strip()} " if self._guideline else ""
        said = [{"role": "system", "content": INSTRUCTION.format(classes=classes, guideline=guideline)}]
        for example, label in self._examples:
            said.append({"role": "user", "content": as_text(example)})
            said.append({"role": "assistant", "content": json.dumps({"label": label}, ensure_ascii=False)})
        return [*said, {"role": "user", "content": as_text(payload)}]

    def _guess(self, row: int) -> Guess:
        assert self.endpoint is not None
        messages, repeated = self.messages(self._pool[row]), self._doubt == "repeats"
        replies = [
            self.endpoint.ask(
                messages,
                temperature=self._heat if repeated else 0.0,
                logprobs=not repeated,
                seed=child_seed(self._seed, "language model", row, number) % 2**31,
            )
            for number in range(self._repeats if repeated else 1)
        ]
        self._asked[row] = self._asked.get(row, 0.0) + sum(reply.cost for reply in replies)
        labels = [self.label_of(reply.text) for reply in replies]
        if repeated:
            votes = Counter(label for label in labels if label is not None)
            if not votes:
                return Guess(label=None, confidence=0.0)
            label, count = votes.most_common(1)[0]
            return Guess(label=label, confidence=count / len(replies))
        if labels[0] is None:
            return Guess(label=None, confidence=0.0)
        return Guess(label=labels[0], confidence=self._certainty(replies[0]))

    def label_of(self, text: str) -> Label | None:
        """The class that an answer names; ``None`` for anything but the JSON that was asked for.

        Example:
            >>> pool = Pool.from_arrays(["good", "bad"], ["up", "down"])
            >>> oracle = LanguageModelAnnotators(pool)
            >>> oracle.label_of('{"label": "Up"}'), oracle.label_of('{"label": "left"}'), oracle.label_of("up")
            ('up', None, None)
        """
        start, end = text.find("{"), text.rfind("}")
        try:
            said = json.loads(text[start : end + 1]) if start >= 0 else None
        except json.JSONDecodeError:
            return None
        label = said.get("label") if isinstance(said, dict) else None
        return self._classes.get(label.strip().lower()) if isinstance(label, str) else None

    def _certainty(self, reply: Reply) -> float:
        """Chance of the words in which the label was given: the product over the tokens that spell it."""
        if reply.tokens is None:
            raise NoAnswer(
                f"{self._model_name} gives no log-probabilities", hint='ask it several times: doubt="repeats"'
            )
        text = "".join(token for token, _ in reply.tokens)
        key = text.rfind('"label"')
        value = text.find('"', text.find(":", key)) + 1 if key >= 0 else 0
        end = text.find('"', value) if key >= 0 else len(text)
        total, place = 0.0, 0
        for token, logprob in reply.tokens:
            # A token counts if it holds any of the value's letters; quotes and braces come as they must.
            if place < end and place + len(token) > value:
                total += logprob
            place += len(token)
        return math.exp(min(total, 0.0))


def as_text(payload: Any) -> str:
    """A payload as a model reads it.

    Example:
        >>> as_text(["a", "word"]), as_text(np.array([1.0, 2.5]))
        ('a word', '1.0, 2.5')
    """
    if isinstance(payload, str):
        return payload
    if isinstance(payload, np.ndarray) or hasattr(payload, "detach"):
        return ", ".join(map(str, np.asarray(payload).ravel().tolist()))
    if isinstance(payload, list | tuple):
        return " ".join(map(str, payload))
    return json.dumps(payload, ensure_ascii=False, default=str) if isinstance(payload, dict) else str(payload)
