"""Tokens: padding, units of rows of different lengths, entities by seqeval."""

from __future__ import annotations

import math

import pytest
import torch

from querist.core.errors import DataError
from querist.tasks.base import IGNORED
from querist.tasks.tokens import Tokens

TAGS = ("O", "B-place", "I-place", "B-person", "I-person")
TASK = Tokens(TAGS)


def answers_of(guess: list[list[str]]) -> tuple[torch.Tensor, torch.Tensor]:
    flat = [TASK.classes.index(tag) for row in guess for tag in row]
    lengths = torch.tensor([len(row) for row in guess])
    probs = torch.nn.functional.one_hot(torch.tensor(flat, dtype=torch.long), len(TAGS)).float()
    return probs, torch.nn.functional.pad(lengths.cumsum(0), (1, 0))


def test_entity_f1_by_hand() -> None:
    truth = [["B-place", "I-place", "O", "B-person"], ["O", "B-person"]]
    guess = [["B-place", "I-place", "O", "B-place"], ["O", "B-person"]]
    scores = TASK.evaluate(*answers_of(guess), truth)
    # Entities: 3 true, 3 guessed, 2 the same (the second has another type).
    assert scores["entity_f1"] == pytest.approx(2 / 3)
    assert scores["token_accuracy"] == pytest.approx(5 / 6)


def test_a_half_found_entity_is_no_hit() -> None:
    scores = TASK.evaluate(*answers_of([["B-place", "O"]]), [["B-place", "I-place"]])
    assert scores == {"entity_f1": 0.0, "token_accuracy": 0.5}


def test_an_entity_that_starts_inside_counts_as_the_conll_script_has_it() -> None:
    """``O I-place`` is read as the entity that ``O B-place`` marks."""
    assert TASK.evaluate(*answers_of([["O", "I-place"]]), [["O", "B-place"]])["entity_f1"] == 1.0


def test_no_entity_anywhere_warns_nobody() -> None:
    assert TASK.evaluate(*answers_of([["O", "O"]]), [["O", "O"]]) == {"entity_f1": 0.0, "token_accuracy": 1.0}


def test_tags_without_entities_have_an_accuracy_only() -> None:
    task = Tokens(["NOUN", "VERB"])
    assert task.metrics == ("token_accuracy",)
    scores = task.evaluate(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 2]), [["NOUN", "VERB"]])
    assert scores == {"token_accuracy": 0.5}


def test_padding_and_units() -> None:
    targets = TASK.collate([[0, 1, 2], [], [3]])
    assert targets.tolist() == [[0, 1, 2], [IGNORED] * 3, [3, IGNORED, IGNORED]]
    outputs = torch.arange(9.0).reshape(3, 3, 1)
    assert TASK.units(outputs, TASK.unit_counts([["a", "b", "c"], [], ["d"]])).flatten().tolist() == [0, 1, 2, 6]


def test_collating_nothing_and_empty_rows() -> None:
    assert TASK.collate([]).shape == (0, 0)
    assert TASK.collate([[], []]).shape == (2, 0)


def test_loss_is_the_mean_over_real_tokens() -> None:
    outputs = torch.zeros(3, 2, 5)
    outputs[0, 0, 1] = math.log(4)  # P = 4/8
    losses = TASK.losses(outputs, TASK.collate([[1, 0], [2], []]))
    assert losses.tolist() == pytest.approx([(math.log(2) + math.log(5)) / 2, math.log(5), 0.0])


def test_padding_moves_no_loss() -> None:
    outputs = torch.randn(1, 2, 5, generator=torch.Generator().manual_seed(0))
    padded = torch.cat([outputs, torch.full((1, 3, 5), 1e3)], 1)
    targets = torch.tensor([[1, 4, IGNORED, IGNORED, IGNORED]])
    assert torch.equal(TASK.losses(padded, targets), TASK.losses(outputs, targets[:, :2]))


def test_as_many_tags_as_tokens() -> None:
    TASK.check(["to", "Rome"], ["O", "B-place"])
    with pytest.raises(DataError, match="a label has 1 tags for 2 tokens"):
        TASK.check(["to", "Rome"], ["O"])
    with pytest.raises(DataError, match="label 1 has 2 tags for 1 tokens"):
        TASK.evaluate(*answers_of([["O"], ["O"]]), [["O"], ["O", "O"]])
