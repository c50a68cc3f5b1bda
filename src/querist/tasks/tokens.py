"""Tokens: one tag a token, for rows of any length."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch

from querist.core.errors import DataError
from querist.core.types import Float, Int, Tensor
from querist.tasks.base import IGNORED, Label, Task, refuse_unpaired

_ENTITY_TAG = re.compile(r"O|[BIES]-.+")


@dataclass(frozen=True)
class Tokens(Task):
    """One of ``c`` tags a token. The token is the unit; its softmax is independent of its neighbours'.

    Metrics: where tags mark entities (``B-person``, ``I-person``, ``O``), ``entity_f1``: whole entities, exact span
    and type, read from a wrong tag sequence as the CoNLL script does (seqeval's default). Always ``token_accuracy``.

    Args:
        classes: tags in the order of the outputs.

    Example:
        >>> task = Tokens(["O", "B-place"])
        >>> task.collate([task.encode(["O", "B-place"]), task.encode(["O"])]).tolist()
        [[0, 1], [0, -100]]
        >>> task.units(torch.zeros(2, 2, 2), torch.tensor([2, 1])).shape
        torch.Size([3, 2])
    """

    kind: ClassVar[str] = "tokens"

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("entity_f1", "token_accuracy") if self.marks_entities else ("token_accuracy",)

    @property
    def marks_entities(self) -> bool:
        """Whether all tags are ``O`` or have a prefix that says where in an entity the token stands."""
        return all(_ENTITY_TAG.fullmatch(tag) for tag in self.classes)

    def encode(self, label: Label) -> list[int]:
        if isinstance(label, str) or not isinstance(label, Sequence):
            raise DataError(f"the label {label!r} is no list of tags", hint="give one tag a token")
        return [self._position(tag) for tag in label]

    def decode(self, target: Sequence[int]) -> list[str]:
        return [self.classes[int(pos)] for pos in target]

    def check(self, payload: Sequence[str], label: Label) -> None:
        if len(self.encode(label)) != len(payload):
            raise DataError(f"a label has {len(label)} tags for {len(payload)} tokens", hint="give one tag a token")

    def collate(self, targets: Sequence[Any]) -> Int[Tensor, "b t"]:
        longest = max((len(target) for target in targets), default=0)
        padded = [[*target, *[IGNORED] * (longest - len(target))] for target in targets]
        return torch.tensor(padded, dtype=torch.long).reshape(len(targets), longest)

    def losses(self, outputs: Float[Tensor, "b t c"], targets: Int[Tensor, "b t"]) -> Float[Tensor, "b"]:
        # The mean over a row's tokens, so that a long row does not outweigh many short ones.
        loss = torch.nn.functional.cross_entropy(
            outputs.transpose(1, 2), targets, reduction="none", ignore_index=IGNORED
        )
        return loss.sum(-1) / (targets != IGNORED).sum(-1).clamp(min=1)

    def unit_counts(self, payloads: Sequence[Any]) -> Int[Tensor, "b"]:
        return torch.tensor([len(payload) for payload in payloads], dtype=torch.long)

    def units(self, outputs: Float[Tensor, "... b t c"], counts: Int[Tensor, "b"] | None) -> Float[Tensor, "... u c"]:
        if counts is None:
            raise DataError("token outputs need the number of tokens of each row")
        places = torch.arange(outputs.shape[-2], device=outputs.device)
        real = places < counts.to(outputs.device)[:, None]
        return outputs.flatten(-3, -2)[..., real.flatten(), :]

    def decide(self, answers: Float[Tensor, "u c"], offsets: Int[Tensor, "n_plus_1"] | None) -> list[list[str]]:
        if offsets is None:
            raise DataError("token answers need the offsets that say where each row's tokens start")
        tags = [self.classes[pos] for pos in answers.argmax(-1).tolist()]
        bounds = offsets.tolist()
        return [tags[start:stop] for start, stop in pairwise(bounds)]

    def evaluate(
        self, answers: Float[Tensor, "u c"], offsets: Int[Tensor, "n_plus_1"] | None, truth: Sequence[Label]
    ) -> dict[str, float]:
        guess = self.decide(answers, offsets)
        refuse_unpaired(len(guess), len(truth))
        true = [self.decode(self.encode(label)) for label in truth]
        for pos, (guessed, tags) in enumerate(zip(guess, true, strict=True)):
            if len(guessed) != len(tags):
                raise DataError(f"label {pos} has {len(tags)} tags for {len(guessed)} tokens")
        right = [a == b for guessed, tags in zip(guess, true, strict=True) for a, b in zip(guessed, tags, strict=True)]
        # Rows without any token hold no mistake.
        scores = {"token_accuracy": sum(right) / len(right) if right else 1.0}
        if self.marks_entities:
            from seqeval.metrics import f1_score

            scores = {"entity_f1": float(f1_score(true, guess, zero_division=0)), **scores}
        return scores
